//! The loopback device, and a host that enumerates it and has it echo bytes.

use super::{expect, loopback_firmware};
use crate::explore::{Board, Program};
use crate::host::enumerate::OperatingSystem;
use crate::host::{Host, HostError, Script};
use crate::soc::Config;

/// The device of [`loopback`](crate::check::loopback), and a host that enumerates it as an operating system does, sends
/// bytes to its bulk endpoint, and takes them back.
///
/// ```
/// # use sim_core::check::programs::Echo;
/// # use sim_core::explore::{Kind, threads};
/// # use sim_core::host::enumerate::OperatingSystem;
/// let program = Echo::new(OperatingSystem::Linux, 100);
/// assert_eq!(threads::run(&program, None).verdict.kind(), Kind::Sound);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// Whose order the host follows.
    pub system: OperatingSystem,
    /// How many bytes it sends: of a name, up to [`Echo::MOST_BYTES`].
    pub length: usize,
    /// The chip and its machine.
    pub config: Config,
}

/// The address that the host gives to the device.
const ADDRESS: u8 = 5;

impl Echo {
    /// The most bytes that a name may ask for: whoever looks at a timeline wants no more.
    pub const MOST_BYTES: usize = 10_000;

    /// The device as it comes.
    pub fn new(system: OperatingSystem, length: usize) -> Self {
        Self { system, length, config: Config::default() }
    }

    pub(super) fn by_name(parameters: &str) -> Option<Self> {
        let (system, length) = parameters.split_once(':')?;
        let system = OperatingSystem::ALL.into_iter().find(|candidate| candidate.to_string() == system)?;
        let length = length.parse().ok()?;
        (length <= Self::MOST_BYTES).then(|| Self::new(system, length))
    }
}

impl Program for Echo {
    fn name(&self) -> String {
        format!("echo:{}:{}", self.system, self.length)
    }

    fn config(&self) -> Config {
        self.config
    }

    fn firmware<B: Board>(&self, board: B) {
        loopback_firmware::serve(board);
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { system, length, .. } = *self;
        Box::pin(async move {
            let device = host.enumerate(system, ADDRESS).await?;
            expect_text(device.product(), "loopback")?;
            let sent: Vec<u8> = (0..length).map(|index| index.to_le_bytes()[0]).collect();
            for packet in sent.chunks(64) {
                host.bulk_out(1, packet).await?;
                let back = host.bulk_in(1, packet.len()).await?;
                expect(&back, packet)?;
            }
            Ok(())
        })
    }
}

fn expect_text(got: Option<&str>, expected: &str) -> Result<(), HostError> {
    match got {
        Some(text) if text == expected => Ok(()),
        other => Err(HostError::Unexpected(format!("the product is {other:?}, where {expected:?} was due"))),
    }
}
