//! Whose a buffer is, and what orders the accesses to it.

use dma_api::address::{Direction, Region};
use dma_api::stm32f103::dma::map;
use sim_core::explore::Board;
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::stm32f103::{BUFFER, Hand, RECEIVES, RX, SENDS, TX, gets, sends};

/// CMAR is beyond what was lent.
#[derive(Debug)]
pub struct BesideTheBuffer;

impl Mutant for BesideTheBuffer {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.configure(RX, if wrong { BUFFER + 14 } else { BUFFER + 12 }, 4);
        hand.board.release_fence();
        hand.enable(RX, RECEIVES);
        hand.wait(RX);
    }

    fn host(&self, host: Host) -> Script {
        sends(host, &[9; 4])
    }
}

/// Gives a buffer back that a channel may still write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakesBack {
    /// The channel is enabled.
    WithoutStopping,
    /// The channel was disabled, and nobody has waited for the item in flight.
    WithoutDraining,
}

impl Mutant for TakesBack {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        // The memory of this process stays: it is leaked.
        let buffer = Box::leak(Box::new([0_u8; 4]));
        let region = Region { pointer: buffer.as_mut_ptr(), length: 4, direction: Direction::DeviceToMemory };
        // SAFETY:
        // - The region is valid for ever, and nobody but the board has it.
        let address = unsafe { hand.board.release(region) };
        hand.configure(RX, address.get(), 4);
        hand.enable(RX, RECEIVES);
        match self {
            _ if !wrong => hand.disable(RX),
            Self::WithoutStopping => {}
            Self::WithoutDraining => hand.write(map::ccr(RX), 0),
        }
        // SAFETY:
        // - It was released above. MUTANT: the DMA may still use it; the board closes its window, so that it does not.
        unsafe { hand.board.acquire(region) };
        hand.disable(RX);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.serial(Port::Usart1).send_at_once(9).await })
    }
}

/// Touches a buffer in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touches {
    /// Reads the first byte as soon as the transfer has started.
    WhatIsReceived,
    /// Writes the last byte, likewise.
    WhatIsSent,
}

impl Mutant for Touches {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let (channel, mode) = match self {
            Self::WhatIsReceived => (RX, RECEIVES),
            Self::WhatIsSent => (TX, SENDS),
        };
        hand.configure(channel, BUFFER, 2);
        hand.board.release_fence();
        hand.enable(channel, mode);
        if *self == Self::WhatIsSent {
            // To read along harms nobody.
            assert_eq!(hand.load(BUFFER), 1);
        }
        if !wrong {
            hand.wait(channel);
            hand.board.acquire_fence();
        }
        match self {
            Self::WhatIsReceived => assert_eq!(hand.load(BUFFER), 9, "nothing has come yet"),
            Self::WhatIsSent => hand.store(BUFFER + 1, 7),
        }
        hand.wait(channel);
    }

    fn host(&self, host: Host) -> Script {
        match self {
            Self::WhatIsReceived => sends(host, &[9, 9]),
            Self::WhatIsSent => gets(host, &[1, 2]),
        }
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails(match self {
            Self::WhatIsReceived => "nothing has come yet",
            Self::WhatIsSent => "[1, 7] came",
        })
    }
}

/// Leaves a fence out, or has it too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFence {
    /// A buffer is filled, and sent.
    BeforeTheStart,
    /// A buffer is received, and read.
    AfterTheEnd,
    /// Likewise: the fence comes before TCIF was seen.
    BeforeTheFlagIsRead,
}

impl Mutant for NoFence {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        if *self == Self::BeforeTheStart {
            hand.configure(TX, BUFFER, 2);
            hand.store(BUFFER, 7);
            if !wrong {
                hand.board.release_fence();
            }
            hand.enable(TX, SENDS);
            hand.wait(TX);
            return;
        }
        hand.configure(RX, BUFFER, 2);
        hand.board.release_fence();
        hand.enable(RX, RECEIVES);
        if wrong && *self == Self::BeforeTheFlagIsRead {
            hand.board.acquire_fence();
        }
        hand.wait(RX);
        if !wrong {
            hand.board.acquire_fence();
        }
        assert_eq!(hand.load(BUFFER), 9);
    }

    fn host(&self, host: Host) -> Script {
        match self {
            Self::BeforeTheStart => gets(host, &[7, 2]),
            Self::AfterTheEnd | Self::BeforeTheFlagIsRead => sends(host, &[9, 9]),
        }
    }
}
