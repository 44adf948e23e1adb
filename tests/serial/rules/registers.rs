//! How the registers of DMA and USART are to be used.

use dma_api::stm32f103::dma::map::{self, ccr};
use dma_api::stm32f103::usart::map::cr1;
use sim_core::explore::Board;
use sim_core::host::{Host, Script};

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::stm32f103::{BUFFER, Hand, SECOND, SENDS, TX, gets, silent};

/// Writes a register of a channel that is enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritesWhileEnabled {
    /// To send more.
    Cndtr,
    /// To send from elsewhere.
    Cmar,
    /// To send elsewhere.
    Cpar,
    /// To be served first.
    Mode,
}

impl Mutant for WritesWhileEnabled {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.configure(TX, BUFFER, 2);
        hand.board.release_fence();
        hand.enable(TX, SENDS);
        if !wrong {
            hand.wait(TX);
            hand.disable(TX);
            hand.clear(TX);
        }
        match self {
            Self::Cndtr => hand.write(map::cndtr(TX), 2),
            Self::Cmar => hand.write(map::cmar(TX), SECOND),
            Self::Cpar => hand.write(map::cpar(TX), SECOND),
            Self::Mode => hand.write(ccr(TX), SENDS | ccr::PL.put(3) | if wrong { ccr::EN.mask() } else { 0 }),
        }
    }

    fn host(&self, host: Host) -> Script {
        gets(host, &[1, 2])
    }
}

/// Starts again after a transfer that has failed, as if it had not.
#[derive(Debug)]
pub struct IgnoresError;

impl Mutant for IgnoresError {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        // Nothing is at 0x3000_0000.
        hand.configure(TX, 0x3000_0000, 4);
        hand.enable(TX, SENDS);
        assert_eq!(hand.wait(TX), map::TEIF);
        if !wrong {
            hand.clear(TX);
        }
        hand.configure(TX, BUFFER, 4);
        hand.board.release_fence();
        hand.enable(TX, SENDS);
        assert_eq!(hand.wait(TX), map::TCIF, "an error of before passes for one of this transfer");
    }

    fn host(&self, host: Host) -> Script {
        gets(host, &[1, 2, 3, 4])
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("an error of before")
    }
}

/// A mode that there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// From memory to memory, for ever.
    CircularCopy,
    /// MSIZE is 3.
    ReservedWidth,
}

impl Mutant for Mode {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let wrong = match self {
            _ if !wrong => 0,
            Self::CircularCopy => ccr::CIRC.mask(),
            Self::ReservedWidth => ccr::MSIZE.put(3),
        };
        hand.write(map::cpar(0), SECOND);
        hand.write(map::cmar(0), BUFFER);
        hand.write(map::cndtr(0), 8);
        hand.board.release_fence();
        hand.enable(0, ccr::MEM2MEM.mask() | ccr::PINC.mask() | SENDS | wrong);
        hand.wait(0);
        hand.board.acquire_fence();
        assert_eq!(hand.load(SECOND + 7), 8);
    }

    fn host(&self, host: Host) -> Script {
        silent(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("DMA1.ISR")
    }
}

/// A start with nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// Of no bytes.
    AtOnce,
    /// CNDTR has counted down, and is not written again.
    TheSecondTime,
}

impl Mutant for Empty {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if *self == Self::TheSecondTime {
            hand.send();
        }
        match (self, wrong) {
            (Self::AtOnce, true) => hand.configure(TX, BUFFER, 0),
            (Self::TheSecondTime, true) => {}
            (_, false) => hand.configure(TX, BUFFER, 4),
        }
        hand.board.release_fence();
        hand.enable(TX, SENDS);
        hand.wait(TX);
    }

    fn host(&self, host: Host) -> Script {
        silent(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("DMA1.ISR")
    }
}

/// Half-words from an odd address.
#[derive(Debug)]
pub struct OddHalfWords;

impl Mutant for OddHalfWords {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.usart(cr1(), cr1::UE.mask() | cr1::TE.mask());
        hand.configure(TX, if wrong { BUFFER + 3 } else { BUFFER + 2 }, 2);
        hand.board.release_fence();
        hand.enable(TX, SENDS | ccr::MSIZE.put(1) | ccr::PSIZE.put(1));
        hand.wait(TX);
    }

    fn host(&self, host: Host) -> Script {
        gets(host, &[3, 5])
    }
}

/// Switches the transmitter off when the DMA is done, and not when the wire is.
#[derive(Debug)]
pub struct BelievesTcif;

impl Mutant for BelievesTcif {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.send();
        if !wrong {
            hand.flush();
        }
        hand.usart(cr1(), 0);
    }

    fn host(&self, host: Host) -> Script {
        gets(host, &[1, 2, 3, 4])
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("has waited for a frame")
    }
}

/// Takes DMA2 for a controller with seven channels.
#[derive(Debug)]
pub struct ChannelSixOfDma2;

impl Mutant for ChannelSixOfDma2 {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.write_dma2(map::cndtr(if wrong { 5 } else { 4 }), 1);
    }

    fn host(&self, host: Host) -> Script {
        silent(host)
    }
}

/// A handler that counts ends, and clears none.
#[derive(Debug)]
pub struct ClearsNothing;

impl Mutant for ClearsNothing {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let board = hand.board.clone();
        let handler = Hand::new(board.clone());
        let handle = move || {
            if !wrong {
                handler.clear(TX);
            }
        };
        board.with_interrupt(handle, || {
            hand.configure(TX, BUFFER, 2);
            hand.board.release_fence();
            hand.enable(TX, SENDS | ccr::TCIE.mask());
            board.wait_for_interrupt();
        });
    }

    fn host(&self, host: Host) -> Script {
        gets(host, &[1, 2])
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Hangs("DMA1 channel 4")
    }
}
