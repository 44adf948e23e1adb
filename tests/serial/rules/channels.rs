//! Which channel serves whom.

use dma_api::stm32f103::dma::map::cpar;
use dma_api::stm32f103::usart::map::{USART2, dr};
use sim_core::explore::Board;
use sim_core::host::{Host, Script};
use sim_core::soc::Soc;

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::stm32f103::{BUFFER, Hand, RECEIVES, RX, SENDS, TX, memory, sends, silent};

/// Receives by DMA while the request of another peripheral (SPI2_TX, on channel 5) is on. The twin takes its byte from
/// DR by itself.
#[derive(Debug)]
pub struct Shared;

impl Mutant for Shared {
    fn prepare(&self, soc: &mut Soc) {
        memory(soc);
        soc.set_other_request(0, RX.into(), true);
    }

    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let received = if wrong {
            hand.configure(RX, BUFFER, 1);
            hand.board.release_fence();
            hand.enable(RX, RECEIVES);
            hand.wait(RX);
            hand.board.acquire_fence();
            hand.load(BUFFER).into()
        } else {
            hand.receive()
        };
        assert_eq!(received, 9, "the driver has received something else");
    }

    fn host(&self, host: Host) -> Script {
        sends(host, &[9])
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the driver has received something else")
    }
}

/// A channel that is not the one that USART1_TX goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The one of USART1_RX: it sends a byte for each that comes (the safe-dma post has the two swapped).
    Swapped,
    /// The right one, and DR of USART2.
    OtherUsart,
}

impl Mutant for Wrong {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let channel = if wrong && *self == Self::Swapped { RX } else { TX };
        hand.configure(channel, BUFFER, 2);
        if wrong && *self == Self::OtherUsart {
            hand.write(cpar(channel), u32::try_from(USART2).expect("32 bits") + u32::from(dr()));
        }
        hand.board.release_fence();
        hand.enable(channel, SENDS);
        hand.wait(channel);
    }

    fn host(&self, host: Host) -> Script {
        match self {
            // The byte stays in RDR: the channel that takes it is busy with something else.
            Self::Swapped => sends(host, &[7]),
            Self::OtherUsart => silent(host),
        }
    }
}
