//! A device with endpoint 0 only, and hosts that try it.

use dma_api::nrf52840::usbd::{Event, StartError};
use dma_api::usb::Setup;

use super::{expect, firmware};
use crate::check::counterexample::repair::Repairable;
use crate::device::usbd::{Packet, Token};
use crate::explore::{Board, Program};
use crate::host::{Host, HostError, Script};
use crate::machine::{Place, Strength};
use crate::soc::Config;

/// What a host does to the device of [`firmware`].
///
/// See [`Faults`](crate::host::Faults) for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// Reads the descriptor, sets the address, reads it again.
    ControlRead,
    /// Resets the bus somewhere in a control read, then reads the descriptor.
    Reset,
    /// Begins another control read somewhere in the first.
    NewSetup,
    /// Ends a control read before it has its data, then reads the descriptor.
    EarlyStatus,
    /// Reads the descriptor from firmware that starts every packet twice.
    DoubleStart,
    /// Sends a request that the device refuses, then reads the descriptor.
    Stall,
    /// Sends a request without data that the device accepts, then reads the descriptor.
    NoData,
}

impl Try {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ControlRead,
        Self::Reset,
        Self::NewSetup,
        Self::EarlyStatus,
        Self::DoubleStart,
        Self::Stall,
        Self::NoData,
    ];

    fn text(self) -> &'static str {
        match self {
            Self::ControlRead => "control-read",
            Self::Reset => "reset",
            Self::NewSetup => "new-setup",
            Self::EarlyStatus => "early-status",
            Self::DoubleStart => "double-start",
            Self::Stall => "stall",
            Self::NoData => "no-data",
        }
    }
}

/// The device of [`firmware`], and a host that tries it.
///
/// See [`Faults`](crate::host::Faults) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What the host does.
    pub host: Try,
    /// How many bytes of the descriptor it asks for.
    pub length: u16,
    /// The system.
    pub config: Config,
}

impl Device {
    /// The device as it comes, on a Cortex-M4 with the right fences.
    pub fn new(host: Try, length: u16) -> Self {
        Self { host, length, config: Config::default() }
    }

    pub(super) fn by_name(parameters: &str) -> Option<Self> {
        let (host, length) = parameters.split_once(':')?;
        let host = Try::ALL.into_iter().find(|candidate| candidate.text() == host)?;
        Some(Self::new(host, length.parse().ok()?))
    }
}

impl Program for Device {
    fn name(&self) -> String {
        format!("device:{}:{}", self.host.text(), self.length)
    }

    fn config(&self) -> Config {
        self.config
    }

    fn firmware<B: Board>(&self, board: B) {
        if self.host == Try::DoubleStart { serve_twice(board) } else { firmware::serve(board) }
    }

    fn host(&self, mut host: Host) -> Script {
        let (length, host_tries) = (self.length, self.host);
        Box::pin(async move {
            let setup = Setup::get_device_descriptor(length);
            host.reset().await?;
            match host_tries {
                Try::ControlRead => {
                    read_descriptor(&mut host, length).await?;
                    host.set_address(5).await?;
                }
                Try::Reset => {
                    host.setup(setup).await?;
                    host.reset().await?;
                }
                Try::NewSetup => {
                    host.setup(setup).await?;
                    host.token(Token::In).await?;
                }
                Try::EarlyStatus => {
                    host.setup(setup).await?;
                    host.token(Token::Out { data1: true, packet: Packet::EMPTY }).await?;
                }
                Try::DoubleStart => {}
                Try::Stall => expect_stall(&mut host).await?,
                Try::NoData => host.control_out(Setup::set_configuration(1), &[]).await?,
            }
            read_descriptor(&mut host, length).await
        })
    }
}

impl Repairable for Device {
    fn places(&self) -> Vec<(Place, Strength)> {
        self.config.fences.places()
    }

    fn with_fence(&self, place: Place, strength: Strength) -> Self {
        let fences = self.config.fences.with(place, strength);
        Self { config: Config { fences, ..self.config }, ..self.clone() }
    }
}

/// Reads the descriptor; tries three times, as hosts do.
async fn read_descriptor(host: &mut Host, length: u16) -> Result<(), HostError> {
    let setup = Setup::get_device_descriptor(length);
    let mut bytes = host.control_in(setup).await;
    for _ in 1..3 {
        if matches!(bytes, Err(HostError::Stalled { .. })) {
            bytes = host.control_in(setup).await;
        }
    }
    let bytes = bytes?;
    expect(&bytes, &firmware::DESCRIPTOR[..firmware::DESCRIPTOR.len().min(length.into())])
}

async fn expect_stall(host: &mut Host) -> Result<(), HostError> {
    let unknown = Setup { request: 0xFF, ..Setup::get_device_descriptor(8) };
    match host.control_in(unknown).await {
        Err(HostError::Stalled { .. }) => Ok(()),
        other => Err(HostError::Unexpected(format!("an unknown request was answered with {other:?}"))),
    }
}

/// As [`firmware::serve`], but starts each packet twice: the second must be refused, and change nothing.
fn serve_twice<B: Board>(board: B) {
    let mut ep0in = firmware::connect(board.clone());
    loop {
        board.checkpoint(&ep0in);
        if board.host_is_done() {
            break;
        }
        if let Some(Event::Setup(setup)) = ep0in.next_event() {
            firmware::answer(&mut ep0in, setup);
            assert_eq!(ep0in.start(&[0xFF; 64]), Err(StartError::Busy));
        }
    }
    firmware::put_away(ep0in);
}
