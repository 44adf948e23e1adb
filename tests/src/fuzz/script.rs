//! Whatever a host does: tokens, packets, faults, transfers, the cable; and the peer of a serial line.
//!
//! | byte | what |
//! |---|---|
//! | first | which operation |
//! | then | its parameters, little-endian; an endpoint is 4 bits, an address 7 |
//!
//! What is answered is of no interest: the script goes on, to its end. It keeps to what a host can do, so a STALL, a
//! timeout or a bus that is suspended is no error here.

use std::rc::Rc;

use dma_api::usb::Setup;
use sim_core::check::loopback;
use sim_core::device::stm32f103::usart::FrameError;
use sim_core::device::usbd::{Packet, Token};
use sim_core::host::enumerate::OperatingSystem;
use sim_core::host::serial::Port;
use sim_core::host::{Fault, Host, HostError, Script, requests};

use super::input::Input;

/// The most operations of a script.
const MOST_OPERATIONS: usize = 40;

/// The most frames that go by in one operation.
const MOST_FRAMES: u8 = 4;

/// The most bytes of a transfer, so that a run stays short.
const MOST_BYTES: u16 = 300;

/// The longest isochronous packet, in bytes.
const MOST_ISOCHRONOUS: u16 = 1023;

/// One thing that a host does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Bus reset.
    Reset,
    /// One token to an endpoint, once.
    Token(u8, Token),
    /// A control transfer, with the data stage that its SETUP says, whole.
    Control(Setup, u8),
    /// A request that devices know.
    Request(Request),
    /// SET_ADDRESS; the host speaks to this address from then on.
    SetAddress(u8),
    /// Enumerates the device in the order of a system.
    Enumerate(OperatingSystem),
    /// A bulk or (`true`) interrupt transfer from an endpoint, of so many bytes.
    In(u8, bool, u16),
    /// A bulk or (`true`) interrupt transfer to an endpoint, of so many bytes.
    Out(u8, bool, u16),
    /// An isochronous packet from the device.
    IsochronousIn,
    /// An isochronous packet to the device, of so many bytes.
    IsochronousOut(u16),
    /// So many frames go by.
    Frames(u8),
    /// The bus is idle.
    Suspend,
    /// The bus is used again.
    Resume,
    /// Waits for a remote wake-up.
    WakeUp,
    /// Pulls the cable.
    Disconnect,
    /// Plugs it in.
    Connect,
    /// Waits until nobody else can go on.
    Settle,
    /// This happens to the next transaction.
    Fault(Fault),
    /// So many more transactions are sent, and the next is not.
    AbandonAfter(u8),
    /// The peer sends a frame: with something wrong with it, or without waiting for room.
    SendFrame(Port, u16, Option<FrameError>, bool),
    /// The peer leaves the line idle.
    Idle(Port),
    /// The peer takes a frame.
    TakeFrame(Port),
}

/// A request that devices know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// GET_DESCRIPTOR of this type and number, with so many bytes.
    Descriptor(u8, u8, u16),
    /// SET_CONFIGURATION.
    Configuration(u8),
    /// SET_INTERFACE: interface, setting.
    Interface(u8, u8),
    /// SET_FEATURE(ENDPOINT_HALT), by address.
    Halt(u8),
    /// CLEAR_FEATURE(ENDPOINT_HALT), by address.
    ClearHalt(u8),
    /// GET_STATUS of an endpoint.
    Status(u8),
    /// SET_LINE_CODING of a serial port.
    LineCoding,
    /// A vendor's request with so many bytes to the device.
    Store(u8),
    /// A vendor's request with so many bytes from the device.
    Fetch(u8),
}

const FRAME_ERRORS: [Option<FrameError>; 4] =
    [None, Some(FrameError::Parity), Some(FrameError::Framing), Some(FrameError::Noise)];

const PORTS: [Port; 3] = [Port::Usart1, Port::Usart2, Port::Usart3];

fn request(input: &mut Input<'_>) -> Request {
    match input.byte() % 9 {
        0 => Request::Descriptor(input.byte(), input.byte(), input.half_word()),
        1 => Request::Configuration(input.byte() % 3),
        2 => Request::Interface(input.byte() % 3, input.byte() % 3),
        3 => Request::Halt(input.byte()),
        4 => Request::ClearHalt(input.byte()),
        5 => Request::Status(input.byte()),
        6 => Request::LineCoding,
        7 => Request::Store(input.byte()),
        _ => Request::Fetch(input.byte()),
    }
}

fn packet(input: &mut Input<'_>) -> Packet {
    Packet::new(&bytes(u16::from(input.byte() % 65)))
}

/// Bytes that differ from their neighbours.
fn bytes(length: u16) -> Vec<u8> {
    (0..length).map(|index| index.to_le_bytes()[0]).collect()
}

/// What the next bytes say to a USB host.
pub fn operation(input: &mut Input<'_>) -> Operation {
    let endpoint = |input: &mut Input<'_>| input.byte() & 0x0F;
    match input.byte() % 20 {
        0 => Operation::Reset,
        1 => Operation::Token(endpoint(input), Token::Setup(input.array())),
        2 => Operation::Token(endpoint(input), Token::In),
        3 => {
            let (endpoint, toggle) = (endpoint(input), input.byte());
            Operation::Token(endpoint, Token::Out { data1: toggle % 2 == 1, packet: packet(input) })
        }
        4 => Operation::Control(Setup::from_bytes(input.array()), input.byte()),
        5 | 6 => Operation::Request(request(input)),
        7 => Operation::SetAddress(input.byte() & 0x7F),
        8 => Operation::Enumerate(input.one_of(&OperatingSystem::ALL)),
        9 => Operation::In(endpoint(input), input.byte() % 2 == 1, input.half_word() % MOST_BYTES),
        10 => Operation::Out(endpoint(input), input.byte() % 2 == 1, input.half_word() % MOST_BYTES),
        11 => Operation::IsochronousIn,
        12 => Operation::IsochronousOut(input.half_word() % (MOST_ISOCHRONOUS + 1)),
        13 => Operation::Frames(input.byte() % (MOST_FRAMES + 1)),
        14 => Operation::Suspend,
        15 => input.one_of(&[Operation::Resume, Operation::WakeUp]),
        16 => input.one_of(&[Operation::Disconnect, Operation::Connect]),
        17 => Operation::Settle,
        18 => Operation::Fault(input.one_of(&Fault::ALL)),
        _ => Operation::AbandonAfter(input.byte() % 8),
    }
}

/// What the next bytes say to the peer of a serial line.
pub fn peer_operation(input: &mut Input<'_>) -> Operation {
    let does = input.byte();
    let port = input.one_of(&PORTS);
    match does % 3 {
        0 => Operation::SendFrame(port, input.half_word(), input.one_of(&FRAME_ERRORS), input.byte() % 2 == 1),
        1 => Operation::Idle(port),
        _ => Operation::TakeFrame(port),
    }
}

/// All of these, one after the other, whatever comes of them.
pub fn script(mut host: Host, operations: Rc<[Operation]>) -> Script {
    Box::pin(async move {
        for operation in operations.iter().take(MOST_OPERATIONS) {
            // The device may refuse, or be away: what the host says of that is not about the device.
            let _ = take(&mut host, operation).await;
        }
        Ok(())
    })
}

async fn take(host: &mut Host, operation: &Operation) -> Result<(), HostError> {
    match *operation {
        Operation::Reset => host.reset().await,
        Operation::Token(endpoint, token) => host.token_to(endpoint, token).await.map(drop),
        Operation::Control(setup, length) => control(host, setup, length.into()).await,
        Operation::Request(request) => ask(host, request).await,
        Operation::SetAddress(address) => host.set_address(address).await,
        Operation::Enumerate(system) => host.enumerate(system, 5).await.map(drop),
        Operation::In(endpoint, false, length) => host.bulk_in(endpoint, length.into()).await.map(drop),
        Operation::In(endpoint, true, length) => host.interrupt_in(endpoint, length.into()).await.map(drop),
        Operation::Out(endpoint, false, length) => host.bulk_out(endpoint, &bytes(length)).await,
        Operation::Out(endpoint, true, length) => host.interrupt_out(endpoint, &bytes(length)).await,
        Operation::IsochronousIn => host.isochronous_in().await.map(drop),
        Operation::IsochronousOut(length) => host.isochronous_out(&bytes(length)).await,
        Operation::Frames(frames) => host.wait_frames(frames.into()).await,
        Operation::Suspend => host.suspend().await,
        Operation::Resume => host.resume().await,
        Operation::WakeUp => host.wake_up().await,
        Operation::Disconnect => host.disconnect().await,
        Operation::Connect => host.connect().await,
        Operation::Settle => host.settle().await,
        Operation::Fault(fault) => {
            host.with_fault(fault);
            Ok(())
        }
        Operation::AbandonAfter(transactions) => {
            host.abandon_after(transactions.into());
            Ok(())
        }
        Operation::SendFrame(port, frame, Some(error), _) => host.serial(port).send_with(frame, error).await,
        Operation::SendFrame(port, frame, None, true) => host.serial(port).send_frame(frame).await,
        Operation::SendFrame(port, frame, None, false) => host.serial(port).send_at_once(frame).await,
        Operation::Idle(port) => host.serial(port).idle().await,
        Operation::TakeFrame(port) => host.serial(port).receive_frame().await.map(drop),
    }
}

/// A control transfer. To the device: with as many bytes as there are, or as wLength says, if that is less.
async fn control(host: &mut Host, setup: Setup, length: u16) -> Result<(), HostError> {
    if setup.is_in() {
        return host.control_in(setup).await.map(drop);
    }
    let length = setup.length.min(length);
    host.control_out(Setup { length, ..setup }, &bytes(length)).await
}

async fn ask(host: &mut Host, request: Request) -> Result<(), HostError> {
    let vendor =
        |request_type, request, length: u8| Setup { request_type, request, value: 0, index: 0, length: length.into() };
    match request {
        Request::Descriptor(kind, number, length) => {
            let setup = requests::get_descriptor(kind, number, 0x0409, length % MOST_BYTES);
            host.control_in(setup).await.map(drop)
        }
        Request::Configuration(value) => host.set_configuration(value).await,
        Request::Interface(interface, setting) => host.set_interface(interface, setting).await,
        Request::Halt(address) => host.control_out(requests::set_halt(address), &[]).await,
        Request::ClearHalt(address) => host.clear_halt(address).await,
        Request::Status(address) => host.control_in(requests::get_endpoint_status(address)).await.map(drop),
        Request::LineCoding => {
            let setup = Setup { request_type: 0x21, request: 0x20, value: 0, index: 0, length: 7 };
            host.control_out(setup, &[0x80, 0x25, 0, 0, 0, 0, 8]).await
        }
        Request::Store(length) => host.control_out(vendor(0x40, loopback::STORE, length), &bytes(length.into())).await,
        Request::Fetch(length) => host.control_in(vendor(0xC0, loopback::FETCH, length)).await.map(drop),
    }
}
