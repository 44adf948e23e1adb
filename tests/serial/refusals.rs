//! What is not started: each reason, and the next start works.

use std::cell::Cell;
use std::rc::Rc;

use dma_api::address::{BusAddress, Region};
use dma_api::fence::DmaFence;
use dma_api::registers::{Registers, RegistersOf, Share};
use dma_api::stm32f103::dma::{Dma1, StartError};
use dma_api::stm32f103::usart::{LineError, ReceiveStartError, Usart, Usart1};
use sim_core::explore::{Block, Board, Program};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::soc::Config;

use crate::firmware::{SETTINGS, assert_sound, config, counting, expect, zeros};

/// DMA1 of a board whose memory seems to lie elsewhere. It is the board's in all else.
#[derive(Debug)]
struct Elsewhere<B> {
    block: Block<B, Dma1>,
    address: Rc<Cell<Option<u32>>>,
}

// SAFETY:
// - `read` and `write` are the block's.
// - So is their order.
unsafe impl<B: Board> Registers for Elsewhere<B> {
    fn read(&self, offset: u16) -> u32 {
        self.block.read(offset)
    }

    unsafe fn write(&self, offset: u16, value: u32) {
        // SAFETY:
        // - If the write starts a transfer, its memory was released: the caller's debt, passed on unchanged.
        unsafe { self.block.write(offset, value) }
    }
}

// SAFETY:
// - They are the block's.
unsafe impl<B: Board> RegistersOf<Dma1> for Elsewhere<B> {}

// SAFETY:
// - It is the same block, and the same cell.
// - So is their order the block's.
unsafe impl<B: Board> Share for Elsewhere<B> {
    unsafe fn share(&self) -> Self {
        // SAFETY:
        // - The two do not disturb each other: the caller's debt, passed on unchanged.
        let block = unsafe { self.block.share() };
        Self { block, address: self.address.clone() }
    }
}

// SAFETY:
// - All three order what the board's do.
// - The address is the board's, or one at which the DMA is to be told nothing: the driver refuses it.
unsafe impl<B: Board> DmaFence for Elsewhere<B> {
    unsafe fn release(&self, region: Region) -> BusAddress {
        // SAFETY:
        // - The region is valid and left alone until `acquire`: the caller's debt, passed on unchanged.
        let address = unsafe { self.block.release(region) };
        self.address.get().map_or(address, BusAddress::new)
    }

    unsafe fn acquire(&self, region: Region) {
        // SAFETY:
        // - The region was released and the DMA has ended: the caller's debt, passed on unchanged.
        unsafe { self.block.acquire(region) }
    }

    unsafe fn snapshot(&self, region: Region, into: *mut u8) {
        // SAFETY:
        // - The region was written; it and `into` are valid, and apart: the caller's debt, passed on unchanged.
        unsafe { self.block.snapshot(region, into) }
    }

    unsafe fn fill(&self, region: Region, from: *const u8) {
        // SAFETY:
        // - The region is valid for writes and left alone; `from` is valid, and apart: the caller's debt, passed on.
        unsafe { self.block.fill(region, from) }
    }
}

/// Firmware that asks for what cannot be, and then for what can.
#[derive(Debug)]
struct Refusals;

impl Program for Refusals {
    fn name(&self) -> String {
        "refusals".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let address = Rc::new(Cell::new(None));
        let channels = Dma1::split(Elsewhere { block: board.block(), address: address.clone() });
        let (tx, rx) = Usart::<_, Usart1>::new(board.block(), SETTINGS).split();
        let (mut sender, mut receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));

        for (length, error) in [(0, StartError::Empty), (65_536, StartError::TooLong { items: 65_536 })] {
            let refused = sender.write_all(zeros(length)).expect_err("it cannot be");
            assert_eq!((refused.kind, refused.buffer.len()), (error, length));
            sender = refused.channel;
            let refused = receiver.read_exact(zeros(length)).expect_err("it cannot be");
            assert_eq!((refused.kind, refused.buffer.len()), (ReceiveStartError::Start(error), length));
            receiver = refused.channel;
        }
        // In no memory; across the end of RAM; in flash, which can be read only.
        for (wrong, can_be_read) in [(0x1000_0000, false), (0x2001_7FFF, false), (0x0800_0000, true)] {
            address.set(Some(wrong));
            let error = StartError::OutOfReach { address: BusAddress::new(wrong) };
            let refused = receiver.read_exact(zeros(2)).expect_err("it is out of reach");
            assert_eq!(refused.kind, ReceiveStartError::Start(error));
            receiver = refused.channel;
            if !can_be_read {
                let refused = sender.write_all(zeros(2)).expect_err("it is out of reach");
                assert_eq!(refused.kind, error);
                sender = refused.channel;
            }
            address.set(None);
        }

        let (_, mut sender) = sender.write_all(counting(2)).expect("it can be").wait().expect("it ends");
        let (buffer, mut receiver) = receiver.read_exact(zeros(2)).expect("it can be").wait().expect("it ends");
        assert_eq!(buffer, [8, 9]);
        sender.flush(&mut receiver);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            expect(&peer.receive(2).await?, &[1, 2])?;
            peer.send(&[8, 9]).await
        })
    }
}

#[test]
fn what_cannot_be_is_refused_and_what_can_be_goes_on() {
    assert_sound(&Refusals);
}

/// Half-words at an odd address.
#[derive(Debug)]
struct Odd;

impl Program for Odd {
    fn name(&self) -> String {
        "odd".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let address = Rc::new(Cell::new(None));
        let channels = Dma1::split(Elsewhere { block: board.block(), address: address.clone() });
        let (tx, _) = Usart::<_, Usart1, u16>::with_nine_bits(board.block(), 0x271).split();
        let sender = tx.with_dma(channels.c4);
        address.set(Some(0x2000_0101));
        let words: &'static [u16] = &[1, 2];
        let refused = sender.write_all(words).expect_err("it is odd");
        assert_eq!(refused.kind, StartError::Misaligned { address: BusAddress::new(0x2000_0101) });
        let message = refused.kind.to_string();
        assert!(message.contains("0x20000101") && message.contains("aligned"), "{message}");
        address.set(None);
        refused.channel.write_all(refused.buffer).expect("it is even").wait().expect("it ends");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            assert_eq!((peer.receive_frame().await?, peer.receive_frame().await?), (1, 2));
            Ok(())
        })
    }
}

#[test]
fn words_at_an_odd_address_are_refused() {
    assert_sound(&Odd);
}

/// Frames that were lost before a transfer starts.
#[derive(Debug)]
struct LostBefore;

impl Program for LostBefore {
    fn name(&self) -> String {
        "lost-before".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, receiver) = crate::firmware::usart1(&board);
        // Three frames come, and nobody takes them.
        while !board.host_is_done() {}
        let refused = receiver.read_exact(zeros(2)).expect_err("frames were lost");
        assert_eq!(refused.kind, ReceiveStartError::Line(LineError::Overrun));
        assert!(refused.kind.to_string().contains("is lost"), "{}", refused.kind);
        drop(refused.channel.read_exact(refused.buffer).expect("it was said once"));
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            // When the receiver is on.
            peer.send(&[1]).await?;
            peer.send_at_once(2).await?;
            peer.send_at_once(3).await
        })
    }
}

#[test]
fn frames_that_were_lost_before_are_reported_once() {
    assert_sound(&LostBefore);
}
