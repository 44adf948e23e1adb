//! Whose a buffer is: accesses in flight, lending and taking back.

use dma_api::address::{Direction, Region};
use dma_api::nrf52840::usbd::map;
use sim_core::explore::Board;
use sim_core::host::{Host, Script};

use super::judge::{Mutant, OnSilicon};
use sim_core::by_hand::nrf52840::{FIRST, Hand, ONES, TWOS, expect, sends_twos, takes_twos};

/// Writes the next packet where the DMA still reads the one before.
#[derive(Debug)]
pub struct WritesWhatIsSent;

impl Mutant for WritesWhatIsSent {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.start_in(1, FIRST, 8);
        // To read along harms nobody.
        assert_eq!(hand.load(FIRST), 1);
        if !wrong {
            hand.wait(map::events_endepin(1));
            hand.0.acquire_fence();
        }
        hand.store(FIRST + 4, 2);
        if wrong {
            hand.wait(map::events_endepin(1));
        }
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { expect(&host.bulk_in(1, 8).await?, &ONES) })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("[1, 1, 1, 1, 2, 1, 1, 1] came where [1, 1, 1, 1, 1, 1, 1, 1] was due")
    }
}

/// Reads a packet that the DMA is still writing.
#[derive(Debug)]
pub struct ReadsWhatIsReceived;

impl Mutant for ReadsWhatIsReceived {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.wait_for_packet();
        hand.start_out(1, FIRST, 8);
        let read = || {
            hand.0.acquire_fence();
            hand.load(FIRST)
        };
        let early = if wrong { Some(read()) } else { None };
        hand.wait(map::events_endepout(1));
        assert_eq!(early.unwrap_or_else(read), 2, "the driver has received something else");
    }

    fn host(&self, host: Host) -> Script {
        sends_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the driver has received something else")
    }
}

/// Clears a buffer that the DMA is writing: what it has written already is gone.
#[derive(Debug)]
pub struct WritesWhatIsReceived;

impl Mutant for WritesWhatIsReceived {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        hand.wait_for_packet();
        let clear = || hand.store(FIRST, 0);
        if !wrong {
            clear();
            hand.0.release_fence();
        }
        hand.start_out(1, FIRST, 8);
        if wrong {
            clear();
        }
        hand.wait(map::events_endepout(1));
        hand.expect(FIRST, 2);
    }

    fn host(&self, host: Host) -> Script {
        sends_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("the driver has received something else")
    }
}

/// Lends eight bytes; returns their address on the bus.
fn lend<B: Board>(hand: &Hand<B>, buffer: &mut [u8; 8], direction: Direction) -> (Region, u32) {
    let region = Region { pointer: buffer.as_mut_ptr(), length: 8, direction };
    // SAFETY:
    // - Not paid in full, on purpose: the buffer is in the caller's frame, and a wrong driver does not leave it alone.
    //   The frame outlives the window: every driver here takes the region back before it returns, and one that is left
    //   after a violation has its windows closed before. Driver and engine run on one thread.
    let address = unsafe { hand.0.release(region) };
    (region, address.get())
}

fn take_back<B: Board>(hand: &Hand<B>, region: Region) {
    // SAFETY:
    // - Not paid, on purpose: a wrong driver has not waited, or has another region in mind. The board closes the
    //   windows onto it.
    unsafe { hand.0.acquire(region) };
}

/// Lends a buffer for the DMA to write, and has it read.
#[derive(Debug)]
pub struct LendsTheOtherWay;

impl Mutant for LendsTheOtherWay {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let mut buffer = TWOS;
        let direction = if wrong { Direction::DeviceToMemory } else { Direction::MemoryToDevice };
        let (region, address) = lend(hand, &mut buffer, direction);
        hand.start_in(1, address, 8);
        hand.wait(map::events_endepin(1));
        take_back(hand, region);
    }

    fn host(&self, host: Host) -> Script {
        takes_twos(host)
    }

    /// A chip without an MPU for its DMA does not mind. This one has windows, and reads garbage.
    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("came where [2, 2, 2, 2, 2, 2, 2, 2] was due")
    }
}

/// Takes a buffer back, and then starts the transfer.
#[derive(Debug)]
pub struct TakesBackBeforeTheStart;

impl Mutant for TakesBackBeforeTheStart {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let mut buffer = TWOS;
        let (region, address) = lend(hand, &mut buffer, Direction::MemoryToDevice);
        if wrong {
            take_back(hand, region);
        }
        hand.start_in(1, address, 8);
        hand.wait(map::events_endepin(1));
        if !wrong {
            take_back(hand, region);
        }
    }

    fn host(&self, host: Host) -> Script {
        takes_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("came where [2, 2, 2, 2, 2, 2, 2, 2] was due")
    }
}

/// Forgets to take the buffer back, and lends it once more.
#[derive(Debug)]
pub struct LendsAgain;

impl Mutant for LendsAgain {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let mut buffer = TWOS;
        let (mut region, mut address) = lend(hand, &mut buffer, Direction::MemoryToDevice);
        hand.start_in(1, address, 8);
        hand.wait(map::events_endepin(1));
        hand.wait(map::events_epdata());
        if !wrong {
            take_back(hand, region);
        }
        (region, address) = lend(hand, &mut buffer, Direction::MemoryToDevice);
        hand.start_in(1, address, 8);
        hand.wait(map::events_endepin(1));
        take_back(hand, region);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            expect(&host.bulk_in(1, 8).await?, &TWOS)?;
            expect(&host.bulk_in(1, 8).await?, &TWOS)
        })
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Takes the buffer back before END.
#[derive(Debug)]
pub struct TakesBackInFlight;

impl Mutant for TakesBackInFlight {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let mut buffer = TWOS;
        let (region, address) = lend(hand, &mut buffer, Direction::MemoryToDevice);
        hand.start_in(1, address, 8);
        if wrong {
            take_back(hand, region);
        }
        hand.wait(map::events_endepin(1));
        if !wrong {
            take_back(hand, region);
        }
    }

    fn host(&self, host: Host) -> Script {
        takes_twos(host)
    }

    /// The frame may be somebody else's by then, so its bytes are not looked at: garbage.
    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Fails("came where [2, 2, 2, 2, 2, 2, 2, 2] was due")
    }
}

/// Takes fewer bytes back than it has lent.
#[derive(Debug)]
pub struct TakesBackLess;

impl Mutant for TakesBackLess {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let mut buffer = TWOS;
        let (region, address) = lend(hand, &mut buffer, Direction::MemoryToDevice);
        hand.start_in(1, address, 8);
        hand.wait(map::events_endepin(1));
        take_back(hand, Region { length: if wrong { 4 } else { 8 }, ..region });
    }

    fn host(&self, host: Host) -> Script {
        takes_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}

/// Takes the buffer back on two paths of which both are gone.
#[derive(Debug)]
pub struct TakesBackTwice;

impl Mutant for TakesBackTwice {
    fn firmware<B: Board>(&self, hand: &Hand<B>, wrong: bool) {
        let mut buffer = TWOS;
        let (region, address) = lend(hand, &mut buffer, Direction::MemoryToDevice);
        hand.start_in(1, address, 8);
        hand.wait(map::events_endepin(1));
        take_back(hand, region);
        if wrong {
            take_back(hand, region);
        }
    }

    fn host(&self, host: Host) -> Script {
        takes_twos(host)
    }

    fn on_silicon(&self) -> OnSilicon {
        OnSilicon::Works
    }
}
