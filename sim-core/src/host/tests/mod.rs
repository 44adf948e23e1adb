//! The host against a device that is a pure model, and against its twins, each with a defect of its own.

use std::borrow::Cow;
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use dma_api::usb::{GET_DESCRIPTOR, SET_ADDRESS, Setup};

use super::*;
use crate::device::usbd::Packet;

mod bus;
mod control;
mod enumerate;
mod faults;
mod isochronous;
mod transfer;

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Defect {
    /// Nothing.
    None,
    /// It does not answer.
    Deaf,
    /// It answers NAK, but to SETUP.
    Busy,
    /// It sends descriptors whole, whatever wLength is.
    SendsAll,
    /// Its IN toggles never advance.
    StuckToggle,
    /// It stores a packet that it has got before again.
    StoresRepeats,
    /// Its toggles outlive SET_CONFIGURATION and CLEAR_FEATURE.
    KeepsToggles,
    /// It does not send the empty packet after a data stage that is a multiple of the packet size, and too short.
    NoEmptyPacket,
    /// It changes its address before the status stage.
    HastyAddress,
    /// Its data stages begin with DATA0.
    BeginsWithData0,
}

/// One endpoint and direction, 1 and up.
#[derive(Default)]
struct FakeEndpoint {
    /// What waits to be sent, packet by packet.
    packets: VecDeque<Vec<u8>>,
    /// What came.
    received: Vec<Vec<u8>>,
    data1: bool,
    halted: bool,
}

/// A device, and what it has seen.
struct Fake {
    defect: Defect,
    connected: bool,
    address: u8,
    packet_size: usize,
    descriptors: BTreeMap<u16, Vec<u8>>,
    endpoints: BTreeMap<u8, FakeEndpoint>,
    /// The endpoints of each interface.
    interfaces: BTreeMap<u8, Vec<u8>>,
    setup: Option<Setup>,
    /// What is left of an IN data stage, packet by packet. `None`: the request is refused.
    answer: Option<VecDeque<Vec<u8>>>,
    /// What an OUT data stage has brought.
    written: Vec<u8>,
    data1: bool,
    /// Every step, as text.
    log: Vec<String>,
}

impl Fake {
    fn new(defect: Defect) -> Self {
        Self {
            defect,
            connected: true,
            address: 0,
            packet_size: 64,
            descriptors: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            setup: None,
            answer: None,
            written: Vec::new(),
            data1: true,
            log: Vec::new(),
        }
    }

    fn is_data_stage(&self, to_host: bool) -> bool {
        self.setup.is_some_and(|setup| setup.length > 0 && setup.is_in() == to_host)
    }

    fn begin(&mut self, setup: Setup) {
        self.setup = Some(setup);
        self.data1 = self.defect != Defect::BeginsWithData0;
        self.written.clear();
        let asked = usize::from(setup.length);
        let bytes = match setup.request {
            GET_DESCRIPTOR if setup.is_in() => self.descriptors.get(&setup.value).cloned(),
            _ => Some(vec![0; if setup.is_in() { asked } else { 0 }]),
        };
        self.answer = bytes.map(|mut bytes| {
            if self.defect != Defect::SendsAll {
                bytes.truncate(asked);
            }
            let mut packets: VecDeque<_> = bytes.chunks(self.packet_size).map(<[u8]>::to_vec).collect();
            let ends_short = bytes.len() >= asked || bytes.len() % self.packet_size != 0;
            if !ends_short && self.defect != Defect::NoEmptyPacket {
                packets.push_back(Vec::new());
            }
            packets
        });
        if setup.request == SET_ADDRESS && self.defect == Defect::HastyAddress {
            self.grant(setup);
        }
    }

    /// The status stage of `setup` is over.
    fn grant(&mut self, setup: Setup) {
        let [value, _] = setup.value.to_le_bytes();
        if setup.request_type == 0 && setup.request == SET_ADDRESS {
            self.address = value;
        }
        let restarted: Vec<u8> = match requests::consequence(setup) {
            _ if self.defect == Defect::KeepsToggles => Vec::new(),
            requests::Consequence::Configured(_) => self.endpoints.keys().copied().collect(),
            requests::Consequence::Alternate { interface, .. } => {
                self.interfaces.get(&interface).cloned().unwrap_or_default()
            }
            requests::Consequence::Unhalted(address) => vec![address],
            requests::Consequence::None => Vec::new(),
        };
        for address in restarted {
            let endpoint = self.endpoints.entry(address).or_default();
            endpoint.data1 = false;
            endpoint.halted = false;
        }
    }

    fn control(&mut self, token: Token) -> Answer {
        match token {
            Token::Setup(bytes) => {
                self.begin(Setup::from_bytes(bytes));
                Answer::Ack
            }
            _ if self.defect == Defect::Busy => Answer::Nak,
            _ if self.answer.is_none() => Answer::Stall,
            Token::In if self.is_data_stage(true) => {
                let packet = self.answer.iter().flatten().next();
                packet.map_or(Answer::Nak, |packet| Answer::Data { data1: self.data1, packet: Packet::new(packet) })
            }
            Token::In => Answer::Data { data1: true, packet: Packet::EMPTY },
            Token::Out { data1, packet } if self.is_data_stage(false) => {
                if data1 == self.data1 || self.defect == Defect::StoresRepeats {
                    self.written.extend_from_slice(packet.bytes());
                    self.data1 = !data1;
                }
                Answer::Ack
            }
            Token::Out { .. } => Answer::Ack,
        }
    }

    fn data(&mut self, number: u8, token: Token) -> Answer {
        let is_in = token == Token::In;
        let stores_repeats = self.defect == Defect::StoresRepeats;
        let Some(endpoint) = self.endpoints.get_mut(&(number | if is_in { 0x80 } else { 0 })) else {
            return Answer::Silence;
        };
        match token {
            _ if endpoint.halted => Answer::Stall,
            Token::Setup(_) => Answer::Silence,
            Token::In => endpoint
                .packets
                .front()
                .map_or(Answer::Nak, |packet| Answer::Data { data1: endpoint.data1, packet: Packet::new(packet) }),
            Token::Out { data1, packet } => {
                if data1 == endpoint.data1 || stores_repeats {
                    endpoint.received.push(packet.bytes().to_vec());
                    endpoint.data1 = !data1;
                }
                Answer::Ack
            }
        }
    }

    fn acknowledged(&mut self, number: u8) {
        let advances = self.defect != Defect::StuckToggle;
        if number > 0 {
            let endpoint = self.endpoints.get_mut(&(number | 0x80)).expect("it has sent");
            endpoint.packets.pop_front();
            endpoint.data1 ^= advances;
        } else if self.is_data_stage(true) {
            self.answer.as_mut().expect("it has sent").pop_front();
            self.data1 ^= advances;
        } else if let Some(setup) = self.setup {
            self.grant(setup);
        }
    }

    fn transact(&mut self, transaction: &Transaction) -> Answer {
        let &Transaction { address, endpoint, token, fault, .. } = transaction;
        let is_mine = self.connected && self.defect != Defect::Deaf && address == self.address;
        let answer = match Fault::arriving(fault, &token).filter(|_| is_mine).map(Cow::into_owned) {
            None => Answer::Silence,
            Some(token) if endpoint == 0 => self.control(token),
            Some(token) => self.data(endpoint, token),
        };
        self.log.push(format!("@{address}.{endpoint} {token}: {answer}"));
        if Fault::is_acknowledged(fault, answer) {
            self.acknowledged(endpoint);
        }
        Fault::returning(fault, answer)
    }

    fn isochronous(&mut self, transaction: &Isochronous) -> Option<Box<[u8]>> {
        let &Isochronous { ref sends, fault, .. } = transaction;
        let is_intact = fault.is_none();
        self.log.push(if sends.is_some() { "isochronous OUT" } else { "isochronous IN" }.to_owned());
        match sends {
            Some(bytes) => {
                let endpoint = self.endpoints.get_mut(&0x08)?;
                endpoint.received.extend(is_intact.then(|| bytes.to_vec()));
                None
            }
            None => self.endpoints.get_mut(&0x88)?.packets.pop_front().filter(|_| is_intact).map(Into::into),
        }
    }

    fn take(&mut self, step: &Step) -> Result<Reply, HostError> {
        let sides = || "the device waits for nothing".to_owned();
        match step {
            Step::Transaction(transaction) => {
                let answer = self.transact(transaction);
                let &Transaction { address, endpoint, token, retry, patience_ms, .. } = transaction;
                if retry && answer == Answer::Nak {
                    let (token, milliseconds, sides) = (token.name(), patience_ms.into(), sides());
                    return Err(HostError::Timeout { token, address, endpoint, milliseconds, sides });
                }
                return Ok(Reply::Answer(answer));
            }
            Step::Isochronous(isochronous) => return Ok(Reply::Packet(self.isochronous(isochronous))),
            Step::WakeUp => {
                return Err(HostError::NoWakeUp { milliseconds: PATIENCE_MS.into(), sides: sides() });
            }
            Step::Reset if !self.connected => {
                return Err(HostError::NoDevice { milliseconds: PATIENCE_MS.into(), sides: sides() });
            }
            Step::Reset => {
                self.address = 0;
                self.setup = None;
                self.log.push("reset".to_owned());
            }
            Step::StartOfFrame(frame) => self.log.push(format!("SOF {frame}")),
            Step::Disconnect | Step::Connect => self.connected = *step == Step::Connect,
            Step::Settle => {}
            Step::Serial { port, does } => return Err(does.in_vain(*port, PATIENCE_MS.into(), sides())),
            Step::Suspend | Step::Resume => self.log.push(format!("{step:?}")),
        }
        Ok(Reply::Done)
    }

    /// The lines of the log that begin with `beginning`.
    fn logged(&self, beginning: &str) -> usize {
        self.log.iter().filter(|line| line.starts_with(beginning)).count()
    }
}

struct FakeWire(Rc<RefCell<Fake>>);

impl Wire for FakeWire {
    fn poll_step(&self, step: &Step, _context: &mut Context<'_>) -> Poll<Result<Reply, HostError>> {
        Poll::Ready(self.0.borrow_mut().take(step))
    }
}

/// A device with its host.
struct Rig {
    fake: Rc<RefCell<Fake>>,
    host: Host,
}

impl Rig {
    fn new(defect: Defect) -> Self {
        let fake = Rc::new(RefCell::new(Fake::new(defect)));
        let host = Host::new(Rc::new(FakeWire(fake.clone())));
        Self { fake, host }
    }

    /// A device with these endpoints.
    fn with_endpoints(defect: Defect, addresses: &[u8]) -> Self {
        let rig = Self::new(defect);
        rig.fake.borrow_mut().endpoints = addresses.iter().map(|&address| (address, FakeEndpoint::default())).collect();
        rig
    }

    fn fake(&self) -> RefMut<'_, Fake> {
        self.fake.borrow_mut()
    }

    /// Has packets wait at an endpoint.
    fn arm(&self, address: u8, packets: &[&[u8]]) {
        let mut fake = self.fake();
        let endpoint = fake.endpoints.get_mut(&address).expect("there is such an endpoint");
        endpoint.packets.extend(packets.iter().map(|packet| packet.to_vec()));
    }

    fn received(&self, address: u8) -> Vec<Vec<u8>> {
        self.fake().endpoints[&address].received.clone()
    }
}

/// The result of a script against a fake device, which never keeps it waiting.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the fake device answers at once"),
    }
}

/// Bytes that differ from their neighbours.
fn bytes(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
