//! The programs that dmacheck brings along: firmware, and hosts that try it.
//!
//! Each has a name that holds all its parameters, so that a replay string can be run: [`Builtin::by_name`].

use std::panic::Location;

use dma_api::nrf52840::usbd::{Ep0In, Event, StartError, Usbd, map};
use dma_api::usb::Setup;

use super::firmware;
use super::interrupt::InterruptDevice;
use crate::device::usbd::{Packet, Token};
use crate::explore::model::Packets;
use crate::explore::replay::{Recording, ReplayError};
use crate::explore::{Board, Program, stepped};
use crate::host::{Host, HostError, Script};
use crate::machine::{Fences, Machine, Strength};
use crate::soc::{Config, Soc};
use crate::statics;

/// Packets sent back to back, each ended before the next is started: what the fences are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackToBack {
    /// How many packets.
    pub packets: u8,
    /// Bytes in each packet.
    pub length: u8,
    /// The machine, and what the driver's fences are on it.
    pub fences: Fences,
}

/// Powers the chip up, connects it and lets the host begin a control read of 65 535 bytes, whose SETUP is then taken.
pub fn begin_control_read(soc: &mut Soc) {
    let line = Location::caller();
    soc.cpu_write(map::enable(), 1, line);
    soc.power_up_done();
    soc.cpu_write(map::usbpullup(), 1, line);
    soc.bus_reset();
    soc.transaction(0, 0, Token::Setup(Setup::get_device_descriptor(u16::MAX).to_bytes()));
    soc.cpu_write(map::events_usbreset(), 0, line);
    soc.cpu_write(map::events_ep0setup(), 0, line);
}

impl BackToBack {
    fn by_name(parameters: &str) -> Option<Self> {
        let parts: Vec<&str> = parameters.split(':').collect();
        let [size, machine, start, end] = parts[..] else {
            return None;
        };
        let (packets, length) = size.split_once('x')?;
        let machine = Machine::ALL.into_iter().find(|candidate| candidate.to_string() == machine)?;
        let strength = |text| Strength::ALL.into_iter().find(|candidate| candidate.to_string() == text);
        let fences = Fences { machine, start: strength(start)?, end: strength(end)? };
        let (packets, length) = (packets.parse().ok()?, length.parse().ok()?);
        (usize::from(length) <= map::PACKET_SIZE).then_some(Self { packets, length, fences })
    }
}

impl Program for BackToBack {
    fn name(&self) -> String {
        let Fences { machine, start, end } = self.fences;
        format!("back-to-back:{}x{}:{machine}:{start}:{end}", self.packets, self.length)
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..Config::default() }
    }

    fn prepare(&self, soc: &mut Soc) {
        begin_control_read(soc);
    }

    fn firmware<B: Board>(&self, board: B) {
        let mut ep0in = Ep0In::new(Usbd::new(board), statics::packet_buffer());
        for packet in 0..self.packets {
            let bytes = [packet; map::PACKET_SIZE];
            ep0in.start(&bytes[..usize::from(self.length)]).expect("the packet before was ended");
            while ep0in.end().is_err() {}
        }
        firmware::put_away(ep0in);
    }

    fn host(&self, mut host: Host) -> Script {
        let (packets, length) = (self.packets, self.length);
        Box::pin(async move {
            let mut data1 = true;
            for number in 0..packets {
                let packet = host.packet_in(data1).await?;
                expect(packet.bytes(), &vec![number; length.into()])?;
                data1 = !data1;
            }
            Ok(())
        })
    }
}

impl Packets for BackToBack {
    fn packets(&self) -> usize {
        self.packets.into()
    }
}

/// What a host does to the device of [`firmware`].
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

    fn by_name(parameters: &str) -> Option<Self> {
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

fn expect(got: &[u8], expected: &[u8]) -> Result<(), HostError> {
    if got == expected {
        return Ok(());
    }
    Err(HostError::Unexpected(format!("the device sent {got:02x?} where {expected:02x?} was due")))
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

/// A program that can be found by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// See [`BackToBack`].
    BackToBack(BackToBack),
    /// See [`Device`].
    Device(Device),
    /// See [`InterruptDevice`].
    InterruptDevice(InterruptDevice),
}

impl Builtin {
    /// The program of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        let (kind, parameters) = name.split_once(':')?;
        match kind {
            "back-to-back" => BackToBack::by_name(parameters).map(Self::BackToBack),
            "device" => Device::by_name(parameters).map(Self::Device),
            "interrupt-device" => Device::by_name(parameters).map(InterruptDevice).map(Self::InterruptDevice),
            _ => None,
        }
    }

    /// Runs it by the choices of a replay string.
    ///
    /// # Errors
    ///
    /// As [`stepped::replay`].
    pub fn replay(&self, recording: &Recording) -> Result<stepped::Run, ReplayError> {
        match self {
            Self::BackToBack(program) => stepped::replay(program, recording),
            Self::Device(program) => stepped::replay(program, recording),
            Self::InterruptDevice(program) => stepped::replay(program, recording),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_found_by_its_name() {
        let fences = Fences { machine: Machine::CortexM7, start: Strength::Compiler, end: Strength::None };
        let program = BackToBack { packets: 2, length: 8, fences };
        assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::BackToBack(program)));
        for host in Try::ALL {
            let program = Device::new(host, 18);
            assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::Device(program.clone())));
            let program = InterruptDevice(program);
            assert_eq!(Builtin::by_name(&program.name()), Some(Builtin::InterruptDevice(program)));
        }
    }

    #[test]
    fn name_of_no_program_is_not_found() {
        for name in ["", "device", "device:reset", "device:reset:x", "back-to-back:2x8:cortex-m4:fence", "x:y"] {
            assert_eq!(Builtin::by_name(name), None, "{name}");
        }
        assert_eq!(Builtin::by_name("back-to-back:1x65:cortex-m4:fence:fence"), None, "longer than a packet");
    }
}
