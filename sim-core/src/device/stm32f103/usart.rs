//! A USART, asynchronous: a transmitter and a receiver with one register each besides the shift registers.
//!
//! | | software | wire |
//! |---|---|---|
//! | transmitter | writes DR: TDR, and from there to the shift register when that is free | takes a frame from it |
//! | receiver | reads DR: RDR | puts a frame in RDR; lost, with ORE, while RXNE=1 |
//!
//! TXE says that TDR is free, TC that the shift register is, too. DMAT asks for a DMA item while TXE=1, DMAR while
//! RXNE=1.
//!
//! TC is set whenever the transmitter has nothing more to send, in the middle of a transfer too, if the DMA comes late;
//! and a DMA that writes DR does not clear it, since nobody has read SR before. So a driver clears it before a
//! transfer, and its wait for the last frame trusts that the DMA was never late ([`Line`](super::Line)).
//!
//! *Modelled*: SR with its two ways to clear flags, DR, UE, TE, RE, M, parity and framing errors, noise, overrun, idle
//! lines, DMAT, DMAR, the interrupt line. *Not modelled*: baud rates, parity as such (an error is what the wire says
//! it is), break, LIN, smartcard, IrDA, synchronous mode, flow control, mute mode.

use dma_api::stm32f103::usart::map::{Name, REGISTERS, cr1, cr3, sr};
use dma_api::table::Field;

use super::rules;
use crate::monitor::Misuse;

/// What is wrong with a frame that arrives.
///
/// See [`Usart`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameError {
    /// Its parity is wrong: PE.
    Parity,
    /// It has no stop bit: FE.
    Framing,
    /// There was noise: NE.
    Noise,
}

impl FrameError {
    fn flag(self) -> Field {
        match self {
            Self::Parity => sr::PE,
            Self::Framing => sr::FE,
            Self::Noise => sr::NE,
        }
    }
}

/// What a read of SR and then one of DR clears.
const CLEARED_BY_READS: [Field; 5] = [sr::PE, sr::FE, sr::NE, sr::ORE, sr::IDLE];

/// What writing 0 clears.
const CLEARED_BY_ZERO: [Field; 4] = [sr::RXNE, sr::TC, sr::LBD, sr::CTS];

fn mask(fields: &[Field]) -> u32 {
    fields.iter().fold(0, |mask, field| mask | field.mask())
}

/// A USART.
///
/// ```
/// # use dma_api::stm32f103::usart::map::{cr1, dr, sr};
/// # use sim_core::device::stm32f103::usart::{FrameError, Usart, name_of};
/// let mut usart = Usart::new(0);
/// usart.write(cr1(), cr1::UE.mask() | cr1::RE.mask());
/// usart.receive(0x41, Some(FrameError::Parity));
/// assert!(sr::PE.is_set(usart.read(sr()).unwrap()));
/// assert_eq!(usart.read(dr()), Some(0x41));
/// assert_eq!(name_of(sr()), "SR");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Usart {
    /// From 0.
    index: usize,
    sr: u32,
    cr1: u32,
    cr3: u32,
    /// BRR, CR2, GTPR: kept, without effect.
    kept: [u32; 3],
    /// What software has written, and the shift register has not taken.
    tdr: Option<u16>,
    /// What is on its way out.
    leaving: Option<u16>,
    rdr: u16,
    /// SR as software has read it last: what a read or a write of DR may clear.
    seen: u32,
    misuse: Vec<Misuse>,
}

/// The manual's name of the register at `offset`.
///
/// See [`Usart`] for an example.
pub fn name_of(offset: u16) -> String {
    let row = REGISTERS.iter().find(|row| row.offset == offset);
    row.map_or_else(|| format!("{offset:#04x}"), |row| row.text.to_owned())
}

impl Usart {
    /// The USART with this index (from 0), out of reset.
    pub fn new(index: usize) -> Self {
        let sr = mask(&[sr::TXE, sr::TC]);
        Self { index, sr, cr1: 0, cr3: 0, kept: [0; 3], tdr: None, leaving: None, rdr: 0, seen: 0, misuse: Vec::new() }
    }

    /// The manual's name.
    pub fn name(&self) -> &'static str {
        ["USART1", "USART2", "USART3"][self.index]
    }

    /// Whether something was done wrong since the last `take_misuse`.
    pub fn has_misuse(&self) -> bool {
        !self.misuse.is_empty()
    }

    /// What was done wrong since the last call.
    pub fn take_misuse(&mut self) -> Vec<Misuse> {
        std::mem::take(&mut self.misuse)
    }

    /// Reads the register at `offset`; `None` where there is none. Reading DR takes what was received.
    pub fn read(&mut self, offset: u16) -> Option<u32> {
        let row = REGISTERS.iter().find(|row| row.offset == offset)?;
        Some(match row.name {
            Name::SR => {
                self.seen = self.sr;
                self.sr
            }
            Name::DR => {
                let errors = mask(&CLEARED_BY_READS);
                self.sr &= !(sr::RXNE.mask() | self.seen & errors);
                self.seen &= !errors;
                self.rdr.into()
            }
            Name::CR1 => self.cr1,
            Name::CR3 => self.cr3,
            Name::BRR => self.kept[0],
            Name::CR2 => self.kept[1],
            Name::GTPR => self.kept[2],
        })
    }

    /// Writes the register at `offset`; returns whether there is one. Writing DR sends.
    pub fn write(&mut self, offset: u16, value: u32) -> bool {
        let Some(row) = REGISTERS.iter().find(|row| row.offset == offset) else {
            return false;
        };
        let value = value & row.mask();
        match row.name {
            Name::SR => self.sr &= value | !mask(&CLEARED_BY_ZERO),
            Name::DR => {
                self.sr &= !(sr::TXE.mask() | self.seen & sr::TC.mask());
                self.seen &= !sr::TC.mask();
                let bits = if cr1::M.is_set(self.cr1) { 0x1FF } else { 0xFF };
                self.tdr = u16::try_from(value & bits).ok();
            }
            Name::CR1 => {
                self.cr1 = value;
                let is_cut_off = self.leaving.is_some() && !self.is_on(cr1::TE);
                self.misuse.extend(rules::check_transmitter_is_idle(self.name(), is_cut_off));
            }
            Name::CR3 => self.cr3 = value,
            Name::BRR => self.kept[0] = value,
            Name::CR2 => self.kept[1] = value,
            Name::GTPR => self.kept[2] = value,
        }
        self.load();
        true
    }

    fn is_on(&self, part: Field) -> bool {
        cr1::UE.is_set(self.cr1) && part.is_set(self.cr1)
    }

    /// TDR goes to the shift register, if that is free.
    fn load(&mut self) {
        if self.leaving.is_none() && self.is_on(cr1::TE) && self.tdr.is_some() {
            self.leaving = self.tdr.take();
            self.sr |= sr::TXE.mask();
        }
    }

    /// SR, without what a read of it brings about.
    pub fn flags(&self) -> u32 {
        self.sr
    }

    /// Whether a frame is on its way out.
    pub fn is_transmitting(&self) -> bool {
        self.leaving.is_some()
    }

    /// The frame that was on its way is over the wire.
    pub fn transmitted(&mut self) -> Option<u16> {
        let frame = self.leaving.take()?;
        self.load();
        if self.leaving.is_none() {
            self.sr |= sr::TC.mask();
        }
        Some(frame)
    }

    /// A frame arrives.
    pub fn receive(&mut self, frame: u16, error: Option<FrameError>) {
        if !self.is_on(cr1::RE) {
            return;
        }
        if sr::RXNE.is_set(self.sr) {
            self.sr |= sr::ORE.mask();
            return;
        }
        self.rdr = frame;
        self.sr |= sr::RXNE.mask() | error.map_or(0, |error| error.flag().mask());
    }

    /// The line has been idle for a frame.
    pub fn idle(&mut self) {
        if self.is_on(cr1::RE) {
            self.sr |= sr::IDLE.mask();
        }
    }

    /// Whether a frame that arrives now is received: the receiver is on, and RDR is free.
    pub fn has_room(&self) -> bool {
        self.is_on(cr1::RE) && !sr::RXNE.is_set(self.sr)
    }

    /// Whether requests to send, and to take what was received, are enabled.
    pub fn enabled_requests(&self) -> [bool; 2] {
        [cr3::DMAT, cr3::DMAR].map(|enable| enable.is_set(self.cr3))
    }

    /// Whether an item to send is asked for.
    pub fn requests_transmit(&self) -> bool {
        cr3::DMAT.is_set(self.cr3) && sr::TXE.is_set(self.sr)
    }

    /// Whether an item that was received waits.
    pub fn requests_receive(&self) -> bool {
        cr3::DMAR.is_set(self.cr3) && sr::RXNE.is_set(self.sr)
    }

    /// The interrupt line.
    pub fn interrupt(&self) -> bool {
        let received = sr::RXNE.is_set(self.sr) || sr::ORE.is_set(self.sr);
        let by_cr1 = [
            (cr1::TXEIE, sr::TXE.is_set(self.sr)),
            (cr1::TCIE, sr::TC.is_set(self.sr)),
            (cr1::RXNEIE, received),
            (cr1::IDLEIE, sr::IDLE.is_set(self.sr)),
            (cr1::PEIE, sr::PE.is_set(self.sr)),
        ];
        let by_dma = cr3::EIE.is_set(self.cr3) && cr3::DMAR.is_set(self.cr3);
        let errors = self.sr & mask(&[sr::FE, sr::NE, sr::ORE]) != 0;
        by_cr1.iter().any(|(enable, flag)| enable.is_set(self.cr1) && *flag) || by_dma && errors
    }
}

#[cfg(test)]
mod tests {
    use dma_api::stm32f103::usart::map::{brr, cr2, dr, gtpr};

    use super::*;

    /// Transmitter and receiver on.
    fn usart() -> Usart {
        let mut usart = Usart::new(0);
        write(&mut usart, cr1(), mask(&[cr1::UE, cr1::TE, cr1::RE]));
        usart
    }

    fn read(usart: &mut Usart, offset: u16) -> u32 {
        usart.read(offset).expect("it is in the table")
    }

    fn write(usart: &mut Usart, offset: u16, value: u32) {
        assert!(usart.write(offset, value), "it is in the table");
    }

    #[test]
    fn flags_are_those_of_reset() {
        assert_eq!(read(&mut Usart::new(0), sr()), 0xC0);
    }

    #[test]
    fn second_frame_waits_in_tdr() {
        let mut usart = usart();
        write(&mut usart, dr(), 0x41);
        assert!(sr::TXE.is_set(read(&mut usart, sr())), "the shift register has taken it");
        write(&mut usart, dr(), 0x42);
        assert!(!sr::TXE.is_set(read(&mut usart, sr())));
        assert_eq!(usart.transmitted(), Some(0x41));
        assert!(sr::TXE.is_set(read(&mut usart, sr())));
        assert_eq!(usart.transmitted(), Some(0x42));
        assert_eq!(usart.transmitted(), None);
    }

    #[test]
    fn tc_is_cleared_by_a_read_of_sr_and_a_write_of_dr() {
        let mut usart = usart();
        write(&mut usart, dr(), 1);
        assert!(sr::TC.is_set(read(&mut usart, sr())), "nobody had read SR before");
        write(&mut usart, dr(), 2);
        assert!(!sr::TC.is_set(read(&mut usart, sr())));
        usart.transmitted();
        assert!(!sr::TC.is_set(read(&mut usart, sr())), "another frame is on its way");
        usart.transmitted();
        assert!(sr::TC.is_set(read(&mut usart, sr())));
        write(&mut usart, sr(), !sr::TC.mask());
        assert!(!sr::TC.is_set(read(&mut usart, sr())));
    }

    #[test]
    fn nothing_is_sent_before_the_transmitter_is_on() {
        let mut usart = Usart::new(0);
        write(&mut usart, dr(), 7);
        assert!(!usart.is_transmitting());
        write(&mut usart, cr1(), mask(&[cr1::UE, cr1::TE]));
        assert_eq!(usart.transmitted(), Some(7));
    }

    #[test]
    fn frame_has_nine_bits_if_m_says_so() {
        let mut usart = usart();
        write(&mut usart, dr(), 0x1FF);
        assert_eq!(usart.transmitted(), Some(0xFF));
        write(&mut usart, cr1(), mask(&[cr1::UE, cr1::TE, cr1::M]));
        write(&mut usart, dr(), 0x1FF);
        assert_eq!(usart.transmitted(), Some(0x1FF));
    }

    #[test]
    fn overrun_keeps_the_frame_that_was_there() {
        let mut usart = usart();
        usart.receive(1, None);
        usart.receive(2, None);
        assert_eq!(read(&mut usart, sr()) & mask(&[sr::RXNE, sr::ORE]), mask(&[sr::RXNE, sr::ORE]));
        assert_eq!(read(&mut usart, dr()), 1);
        assert_eq!(read(&mut usart, sr()) & mask(&[sr::RXNE, sr::ORE]), 0);
        usart.receive(3, None);
        assert_eq!(read(&mut usart, dr()), 3);
    }

    #[test]
    fn error_stays_until_sr_and_then_dr_were_read() {
        let mut usart = usart();
        for (error, flag) in
            [FrameError::Parity, FrameError::Framing, FrameError::Noise].map(|error| (error, error.flag()))
        {
            usart.receive(9, Some(error));
            assert_eq!(read(&mut usart, dr()), 9);
            assert!(flag.is_set(read(&mut usart, sr())), "SR was not read before DR");
            read(&mut usart, dr());
            assert!(!flag.is_set(read(&mut usart, sr())));
        }
    }

    #[test]
    fn receiver_that_is_off_hears_nothing() {
        let mut usart = Usart::new(0);
        usart.receive(1, None);
        usart.idle();
        assert_eq!(read(&mut usart, sr()), 0xC0);
    }

    #[test]
    fn requests_follow_the_flags() {
        let mut usart = usart();
        usart.receive(1, None);
        assert!(!usart.requests_transmit() && !usart.requests_receive());
        write(&mut usart, cr3(), mask(&[cr3::DMAR, cr3::DMAT]));
        assert!(usart.requests_transmit() && usart.requests_receive());
        read(&mut usart, dr());
        write(&mut usart, dr(), 1);
        write(&mut usart, dr(), 2);
        assert!(!usart.requests_transmit() && !usart.requests_receive());
    }

    #[test]
    fn errors_interrupt_with_dma_only_if_eie_says_so() {
        let mut usart = usart();
        usart.receive(1, Some(FrameError::Framing));
        write(&mut usart, cr3(), cr3::DMAR.mask());
        assert!(!usart.interrupt());
        write(&mut usart, cr3(), mask(&[cr3::DMAR, cr3::EIE]));
        assert!(usart.interrupt());
        write(&mut usart, cr3(), cr3::EIE.mask());
        assert!(!usart.interrupt());
        for (enable, flag) in [(cr1::TXEIE, true), (cr1::TCIE, true), (cr1::RXNEIE, true), (cr1::IDLEIE, false)] {
            write(&mut usart, cr1(), mask(&[cr1::UE, cr1::RE, enable]));
            assert_eq!(usart.interrupt(), flag);
        }
        usart.idle();
        assert!(usart.interrupt());
    }

    #[test]
    fn what_a_read_of_sr_has_shown_is_cleared_by_its_own_half_only() {
        let mut usart = usart();
        usart.receive(1, Some(FrameError::Framing));
        read(&mut usart, sr());
        write(&mut usart, dr(), 0x41);
        read(&mut usart, dr());
        assert!(!sr::FE.is_set(read(&mut usart, sr())), "the write of DR has nothing to do with FE");
    }

    #[test]
    fn error_that_comes_after_the_read_of_dr_needs_another_read_of_sr() {
        let mut usart = usart();
        usart.receive(1, Some(FrameError::Noise));
        read(&mut usart, sr());
        read(&mut usart, dr());
        usart.receive(2, Some(FrameError::Noise));
        read(&mut usart, dr());
        assert!(sr::NE.is_set(read(&mut usart, sr())), "it was not shown yet");
    }

    #[test]
    fn zeros_clear_what_they_can_and_nothing_else() {
        let mut usart = usart();
        usart.receive(1, Some(FrameError::Framing));
        usart.receive(2, None);
        write(&mut usart, sr(), 0);
        assert_eq!(read(&mut usart, sr()), mask(&[sr::TXE, sr::FE, sr::ORE]), "RXNE and TC were cleared");
    }

    #[test]
    fn transmitter_that_is_switched_off_in_mid_frame_is_reported() {
        for on in [mask(&[cr1::UE]), mask(&[cr1::TE]), 0] {
            let mut usart = usart();
            write(&mut usart, dr(), 0x41);
            write(&mut usart, cr1(), mask(&[cr1::UE, cr1::TE]));
            assert_eq!(usart.take_misuse(), []);
            write(&mut usart, cr1(), on);
            let rules: Vec<_> = usart.take_misuse().into_iter().map(|misuse| misuse.rule).collect();
            assert_eq!(rules, [crate::monitor::Rule::DisabledWhileSending]);
        }
    }

    #[test]
    fn other_registers_are_kept() {
        let mut usart = Usart::new(0);
        for offset in [brr(), cr2(), gtpr()] {
            write(&mut usart, offset, 9);
            assert_eq!(read(&mut usart, offset), 9);
        }
        assert!(usart.read(0x1C).is_none() && !usart.write(0x1C, 0));
    }
}
