//! Endpoints 1 to 7: bulk and interrupt, IN and OUT, each with 64 bytes of its own.
//!
//! IN: what an endpoint holds, and what it answers to IN.
//!
//! | state | answer | left by |
//! |---|---|---|
//! | idle | NAK | END of an IN transfer: armed |
//! | armed | DATA0 or DATA1 | the host's ACK: idle, the toggle flips, EPDATA; a disarming poke: idle |
//!
//! OUT:
//!
//! | state | answer | left by |
//! |---|---|---|
//! | idle | NAK | SIZE.EPOUT\[n\] written: armed |
//! | armed | ACK | the packet: full, the toggle flips, SIZE, EPDATA |
//! | full | NAK | END of an OUT transfer: armed. SIZE.EPOUT\[n\] written: armed, and the packet is dropped |
//!
//! A stalled endpoint answers STALL instead, in each state. What an endpoint holds survives a stall, a bus reset, and
//! EPINEN or EPOUTEN being cleared; a bit of EPOUTEN that is set finds its endpoint idle.

use super::errata::Lossy;
use super::*;

/// One endpoint number, both directions.
#[derive(Clone, Debug, Hash)]
pub(super) struct DataEndpoint {
    pub input: Input,
    pub output: Output,
}

/// Device to host.
#[derive(Clone, Debug, Hash)]
pub(super) struct Input {
    /// The packet that the next IN token gets.
    pub armed: Option<Packet>,
    pub data1: bool,
    pub stalled: bool,
}

/// Host to device.
#[derive(Clone, Debug, Hash)]
pub(super) struct Output {
    pub state: OutState,
    /// Bytes in the last packet: SIZE.EPOUT[n].
    pub size: u8,
    /// What follows the last packet is left over from longer ones before it.
    pub buffer: [u8; PACKET_SIZE],
    pub data1: bool,
    pub stalled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OutState {
    Idle,
    Armed,
    Full,
}

impl DataEndpoint {
    const UNUSED: Self = Self {
        input: Input { armed: None, data1: false, stalled: false },
        output: Output { state: OutState::Idle, size: 0, buffer: [0; PACKET_SIZE], data1: false, stalled: false },
    };
}

impl Default for DataEndpoint {
    fn default() -> Self {
        Self::UNUSED
    }
}

/// Endpoints 1 to 7. One that nobody has touched costs nothing to hash and to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct DataEndpoints([Option<Box<DataEndpoint>>; 7]);

impl std::hash::Hash for DataEndpoints {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let used = self.0.iter().fold(0_u8, |used, endpoint| used << 1 | u8::from(endpoint.is_some()));
        used.hash(state);
        self.0.iter().flatten().for_each(|endpoint| endpoint.hash(state));
    }
}

impl DataEndpoints {
    /// Endpoint `number`, 1 to 7.
    pub fn get(&self, number: usize) -> &DataEndpoint {
        static UNUSED: DataEndpoint = DataEndpoint::UNUSED;
        self.0[number - 1].as_deref().unwrap_or(&UNUSED)
    }

    /// Endpoint `number`, 1 to 7.
    pub fn get_mut(&mut self, number: usize) -> &mut DataEndpoint {
        self.0[number - 1].get_or_insert_default()
    }
}

impl Usbd {
    /// What endpoint `number`, 1 to 7, answers. It is enabled, and addressed.
    #[inline(always)]
    pub(super) fn answer_of_data(&self, number: usize, token: &Token) -> Answer {
        let DataEndpoint { input, output } = self.data.get(number);
        match token {
            // Only a control endpoint takes a SETUP.
            Token::Setup(_) => Answer::Silence,
            Token::In if input.stalled => Answer::Stall,
            Token::In => input.armed.map_or(Answer::Nak, |packet| Answer::Data { data1: input.data1, packet }),
            Token::Out { .. } if output.stalled => Answer::Stall,
            // A toggle that does not advance repeats a packet whose ACK was lost: acknowledged, not stored again.
            Token::Out { .. } if output.state == OutState::Armed => Answer::Ack,
            Token::Out { .. } => Answer::Nak,
        }
    }

    /// An OUT packet that was acknowledged.
    pub(super) fn on_out(&mut self, number: usize, data1: bool, packet: &Packet) {
        let output = &mut self.data.get_mut(number).output;
        if data1 != output.data1 {
            return;
        }
        output.buffer[..packet.bytes().len()].copy_from_slice(packet.bytes());
        output.size = packet.length();
        output.state = OutState::Full;
        output.data1 = !output.data1;
        self.signal_epdata(number, Direction::DeviceToMemory);
    }

    /// The host's ACK for the packet that endpoint `number` has sent.
    pub(super) fn on_ack(&mut self, number: usize) {
        let input = &mut self.data.get_mut(number).input;
        // It may have been taken out since it was sent.
        if input.armed.take().is_some() {
            input.data1 = !input.data1;
            self.signal_epdata(number, Direction::MemoryToDevice);
        }
    }

    /// EPDATA is raised by a bit of EPDATASTATUS that goes from 0 to 1, and by nothing else (embassy-nrf, interrupt
    /// handler).
    fn signal_epdata(&mut self, number: usize, direction: Direction) {
        let bit = status_bit(number, direction);
        match direction {
            Direction::MemoryToDevice if self.has(Erratum::E104) => self.in07irq |= 1 << number,
            Direction::DeviceToMemory if self.has(Erratum::E104) => self.out07irq |= 1 << number,
            _ => {}
        }
        if self.epdatastatus & bit == 0 && !self.loses(Lossy::Epdata) {
            self.epdatastatus |= bit;
            self.signal(map::events_epdata());
        }
    }

    /// SIZE.EPOUT\[number\].
    pub(super) fn size_epout(&self, number: usize) -> u32 {
        let size = if number == 0 { self.ep0.size } else { self.data.get(number).output.size };
        size.into()
    }

    /// A write to SIZE.EPOUT\[number\].
    pub(super) fn on_size_epout(&mut self, number: usize) {
        if !self.report(rules::check_size_is_writable(self, number)) {
            self.arm_out(number);
        }
    }

    /// Arms OUT endpoint `number`. A packet that waits is lost.
    pub(super) fn arm_out(&mut self, number: usize) {
        if number == 0 {
            return self.on_size_of_ep0();
        }
        self.report(rules::check_armed_twice(self, number));
        self.data.get_mut(number).output.state = OutState::Armed;
    }

    /// EPOUTEN: an endpoint that is enabled answers NAK until SIZE.EPOUT is written (nRF52840 PS, figure 203).
    pub(super) fn on_epouten(&mut self, value: u32) {
        let enabled = value & !self.epouten;
        for number in (1..8).filter(|number| enabled & (1 << number) != 0) {
            self.data.get_mut(number).output.state = OutState::Idle;
        }
        self.epouten = value;
    }

    /// EPSTALL: stalls or unstalls an endpoint. Its data toggle stays (TinyUSB, nrfx).
    pub(super) fn on_epstall(&mut self, value: u32) {
        let number = map::epstall::EP.get(value) as usize;
        let stalled = map::epstall::STALL.is_set(value);
        if number == 0 {
            self.ep0.stalled = stalled;
        } else if map::epstall::IO.is_set(value) {
            self.data.get_mut(number).input.stalled = stalled;
        } else {
            let output = &mut self.data.get_mut(number).output;
            // As after it was enabled: NAK until SIZE.EPOUT is written (TinyUSB, embassy, nrf-usbd).
            if output.stalled && !stalled && output.state == OutState::Armed {
                output.state = OutState::Idle;
            }
            output.stalled = stalled;
        }
    }

    /// HALTED.EPIN\[number\] or HALTED.EPOUT\[number\].
    pub(super) fn is_halted(&self, number: usize, direction: Direction) -> bool {
        match direction {
            _ if number == 0 => self.ep0.stalled,
            Direction::MemoryToDevice => self.data.get(number).input.stalled,
            Direction::DeviceToMemory => self.data.get(number).output.stalled,
        }
    }
}

/// The bit of an endpoint in EPSTATUS and EPDATASTATUS.
pub(super) fn status_bit(number: usize, direction: Direction) -> u32 {
    match direction {
        Direction::MemoryToDevice => 1 << number,
        Direction::DeviceToMemory => 1 << (16 + number),
    }
}
