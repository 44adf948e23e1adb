//! USBD by bare registers, and where a program of it begins.

use std::panic::Location;

use crate::check::programs::{begin_control_read, connect};
use crate::device::usbd::Token;
use crate::explore::Board;
use crate::host::{Host, HostError, Script};
use crate::soc::Soc;
use dma_api::address::BusAddress;
use dma_api::nrf52840::usbd::map;
use dma_api::usb::Setup;

/// 64 bytes of 1, in simulated RAM.
pub const FIRST: u32 = 0x2000_0000;

/// 64 bytes of 2, behind them.
pub const SECOND: u32 = FIRST + 64;

/// What a packet of [`FIRST`] is.
pub const ONES: [u8; 8] = [1; 8];

/// What a packet of [`SECOND`] is.
pub const TWOS: [u8; 8] = [2; 8];

/// What the hand works on.
///
/// ```
/// # use dma_api::nrf52840::usbd::map;
/// # use sim_core::by_hand::nrf52840::{Hand, SECOND, configured, takes_twos};
/// # use sim_core::explore::{Board, Program, Kind, stepped};
/// # use sim_core::host::{Host, Script};
/// # use sim_core::soc::{Config, Soc};
/// /// Sends a packet, and forgets the fence.
/// struct Sends;
///
/// impl Program for Sends {
///     fn name(&self) -> String {
///         "sends".to_owned()
///     }
///     fn config(&self) -> Config {
///         Config { ram: 128, options: sim_core::device::usbd::Options::ideal(), ..Config::default() }
///     }
///     fn prepare(&self, soc: &mut Soc) {
///         configured(soc);
///     }
///     fn firmware<B: Board>(&self, board: B) {
///         let hand = Hand(board);
///         hand.store(SECOND, 2);
///         hand.start_in(1, SECOND, 8); // `hand.0.release_fence()` is missing before it
///         hand.wait(map::events_endepin(1));
///     }
///     fn host(&self, host: Host) -> Script {
///         takes_twos(host)
///     }
/// }
///
/// assert_eq!(stepped::explore(&Sends, stepped::Limits::default()).verdict.kind(), Kind::Race);
/// ```
#[derive(Clone, Debug)]
pub struct Hand<B>(pub B);

impl<B: Board> Hand<B> {
    /// Reads a register of USBD.
    #[track_caller]
    pub fn read(&self, offset: u16) -> u32 {
        self.0.read(offset)
    }

    /// Writes a register of USBD.
    #[track_caller]
    pub fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - The transfers that this starts reach simulated RAM, or nothing: the board is an emulated chip, whose engine
        //   reaches memory of this process through windows only. To open one is unsafe: whoever does says what keeps
        //   the memory.
        unsafe { self.0.write(offset, value) };
    }

    /// Waits for an event, and clears it.
    #[track_caller]
    pub fn wait(&self, event: u16) {
        while self.read(event) == 0 {}
        self.write(event, 0);
    }

    /// Starts a transfer of `length` bytes at `address` to IN endpoint `n`.
    #[track_caller]
    pub fn start_in(&self, n: u16, address: u32, length: u32) {
        self.write(map::epin_ptr(n), address);
        self.write(map::epin_maxcnt(n), length);
        self.write(map::tasks_startepin(n), 1);
    }

    /// The same from OUT endpoint `n`.
    #[track_caller]
    pub fn start_out(&self, n: u16, address: u32, length: u32) {
        self.write(map::epout_ptr(n), address);
        self.write(map::epout_maxcnt(n), length);
        self.write(map::tasks_startepout(n), 1);
    }

    /// The same to the isochronous IN endpoint.
    #[track_caller]
    pub fn start_isoin(&self, address: u32, length: u32) {
        self.write(map::isoin_ptr(), address);
        self.write(map::isoin_maxcnt(), length);
        self.write(map::tasks_startisoin(), 1);
    }

    /// The same from the isochronous OUT endpoint.
    #[track_caller]
    pub fn start_isoout(&self, address: u32, length: u32) {
        self.write(map::isoout_ptr(), address);
        self.write(map::isoout_maxcnt(), length);
        self.write(map::tasks_startisoout(), 1);
    }

    /// Waits for a packet to OUT endpoint 1, and takes note of it.
    #[track_caller]
    pub fn wait_for_packet(&self) {
        self.wait(map::events_epdata());
        self.write(map::epdatastatus(), map::epdatastatus::EPOUT1.mask());
    }

    /// A byte of simulated RAM.
    #[track_caller]
    pub fn load(&self, address: u32) -> u8 {
        self.0.load(BusAddress::new(address))
    }

    /// Writes a byte of simulated RAM.
    #[track_caller]
    pub fn store(&self, address: u32, value: u8) {
        self.0.store(BusAddress::new(address), value);
    }

    /// Takes back what the DMA has written, and asserts that it begins like this.
    #[track_caller]
    pub fn expect(&self, address: u32, due: u8) {
        self.0.acquire_fence();
        assert_eq!(self.load(address), due, "the driver has received something else");
    }

    /// Waits for READY.
    #[track_caller]
    pub fn wait_for_ready(&self) {
        while !map::eventcause::READY.is_set(self.read(map::eventcause())) {}
        self.write(map::eventcause(), map::eventcause::READY.mask());
    }
}

/// The host gets this.
///
/// See [`Hand`] for an example.
pub fn expect(got: &[u8], due: &[u8]) -> Result<(), HostError> {
    if got == due { Ok(()) } else { Err(HostError::Unexpected(format!("{got:?} came where {due:?} was due"))) }
}

/// A host that does nothing.
///
/// See [`Hand`] for an example.
pub fn nothing() -> Script {
    Box::pin(async { Ok(()) })
}

/// A host that takes a packet of twos.
///
/// See [`Hand`] for an example.
pub fn takes_twos(mut host: Host) -> Script {
    Box::pin(async move { expect(&host.bulk_in(1, 8).await?, &TWOS) })
}

/// A host that sends a packet of twos.
///
/// See [`Hand`] for an example.
pub fn sends_twos(mut host: Host) -> Script {
    Box::pin(async move { host.bulk_out(1, &TWOS).await })
}

/// Memory: [`FIRST`] and [`SECOND`], ready to be sent.
///
/// See [`Hand`] for an example.
pub fn memory(soc: &mut Soc) {
    for value in [1, 2] {
        let address = soc.allocate(64).get();
        for address in address..address + 64 {
            soc.store(BusAddress::new(address), value, Location::caller());
        }
    }
    soc.release_fence();
}

/// Writes registers, as a driver that makes no mistake has done before.
///
/// See [`Hand`] for an example.
pub fn write(soc: &mut Soc, registers: &[(u16, u32)]) {
    registers.iter().for_each(|&(offset, value)| soc.cpu_write(offset, value, Location::caller()));
}

/// A device that the host has reset, with endpoints 1 and 2 enabled both ways.
///
/// See [`Hand`] for an example.
pub fn enabled(soc: &mut Soc) {
    memory(soc);
    connect(soc);
    soc.bus_reset();
    write(soc, &[(map::events_usbreset(), 0), (map::events_usbevent(), 0)]);
    write(soc, &[(map::eventcause(), map::eventcause::READY.mask())]);
    write(soc, &[(map::epinen(), 0b111), (map::epouten(), 0b111)]);
}

/// The same, with OUT endpoint 1 armed.
///
/// See [`Hand`] for an example.
pub fn configured(soc: &mut Soc) {
    enabled(soc);
    write(soc, &[(map::size_epout(1), 0)]);
}

/// In the data stage of a control read.
///
/// See [`Hand`] for an example.
pub fn asked(soc: &mut Soc) {
    memory(soc);
    begin_control_read(soc);
}

/// In the data stage of a control write of 128 bytes.
///
/// See [`Hand`] for an example.
pub fn given(soc: &mut Soc) {
    configured(soc);
    let setup = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 128 };
    soc.transaction(0, 0, Token::Setup(setup.to_bytes()));
    write(soc, &[(map::events_ep0setup(), 0)]);
}

/// With both isochronous endpoints enabled, each with half of the buffer.
///
/// See [`Hand`] for an example.
pub fn streaming(soc: &mut Soc) {
    configured(soc);
    write(soc, &[(map::isosplit(), map::ISOSPLIT_HALF_IN), (map::epinen(), 0x1FF), (map::epouten(), 0x1FF)]);
}

/// On a bus that is suspended, which the driver has seen.
///
/// See [`Hand`] for an example.
pub fn suspended(soc: &mut Soc) {
    configured(soc);
    soc.suspend();
    write(soc, &[(map::events_usbevent(), 0)]);
}
