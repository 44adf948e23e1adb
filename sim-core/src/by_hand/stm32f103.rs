//! USART1 and its channels of DMA1, by bare registers.

use crate::explore::{Block, Board};
use crate::host::serial::Port;
use crate::host::{Host, HostError, Script};
use crate::soc::Soc;
use dma_api::address::BusAddress;
use dma_api::registers::{Peripheral, Registers};
use dma_api::stm32f103::dma::map::{self, TCIF, TEIF, ccr, flags_of};
use dma_api::stm32f103::dma::{Dma1, Dma2};
use dma_api::stm32f103::usart::Usart1;
use dma_api::stm32f103::usart::map::{brr, cr1, cr3, dr, sr};

/// 8 bytes of simulated RAM: 1, 2, 3, ...
pub const BUFFER: u32 = 0x2000_0000;

/// 8 bytes behind them, of 0.
pub const SECOND: u32 = BUFFER + 8;

/// The index of USART1_TX's channel.
pub const TX: u16 = 3;

/// The index of USART1_RX's channel.
pub const RX: u16 = 4;

/// From memory to USART1: bytes.
pub const SENDS: u32 = ccr::DIR.mask() | ccr::MINC.mask();

/// From USART1 to memory: bytes.
pub const RECEIVES: u32 = ccr::MINC.mask();

/// Memory as [`BUFFER`] and [`SECOND`] say.
///
/// See [`Hand`] for an example.
pub fn memory(soc: &mut Soc) {
    let line = std::panic::Location::caller();
    let start = soc.allocate(16).get();
    for byte in 0..8 {
        soc.store(BusAddress::new(start + u32::from(byte)), byte + 1, line);
    }
}

/// What the hand works on.
///
/// ```
/// # use sim_core::by_hand::stm32f103::{BUFFER, Hand, SENDS, memory, silent};
/// # use sim_core::explore::Board;
/// /// Sends two bytes of memory.
/// fn send<B: Board>(board: B) {
///     let hand = Hand::new(board);
///     hand.configure(4, BUFFER, 2);
///     hand.board.release_fence();
///     hand.enable(4, SENDS);
///     hand.wait(4);
///     hand.disable(4);
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Hand<B> {
    /// The board.
    pub board: B,
    dma: Block<B, Dma1>,
    usart: Block<B, Usart1>,
}

/// Writes a register of a board.
#[track_caller]
fn write<B: Board, P: Peripheral>(block: &Block<B, P>, offset: u16, value: u32) {
    // SAFETY:
    // - The transfers that this starts reach simulated RAM, or nothing: the board is an emulated chip, whose DMA
    //   reaches memory of this process through windows only. To open one is unsafe: whoever does says what keeps the
    //   memory.
    unsafe { block.write(offset, value) };
}

impl<B: Board> Hand<B> {
    /// USART1 on, with its requests.
    pub fn new(board: B) -> Self {
        let hand = Self { dma: board.block(), usart: board.block(), board };
        hand.usart(cr1(), cr1::UE.mask() | cr1::TE.mask() | cr1::RE.mask());
        hand.usart(cr3(), cr3::DMAT.mask() | cr3::DMAR.mask());
        hand
    }

    /// Reads a register of DMA1.
    #[track_caller]
    pub fn read(&self, offset: u16) -> u32 {
        self.dma.read(offset)
    }

    /// Writes a register of DMA1.
    #[track_caller]
    pub fn write(&self, offset: u16, value: u32) {
        write(&self.dma, offset, value);
    }

    /// Writes a register of DMA2.
    #[track_caller]
    pub fn write_dma2(&self, offset: u16, value: u32) {
        write(&self.board.block::<Dma2>(), offset, value);
    }

    /// Writes a register of USART1.
    #[track_caller]
    pub fn usart(&self, offset: u16, value: u32) {
        write(&self.usart, offset, value);
    }

    /// Configures the channel with this index for `items` at `memory`, with USART1's DR on the other side.
    #[track_caller]
    pub fn configure(&self, channel: u16, memory: u32, items: u32) {
        let base = u32::try_from(Usart1::BASE).expect("32 bits");
        self.write(map::cpar(channel), base + u32::from(dr()));
        self.write(map::cmar(channel), memory);
        self.write(map::cndtr(channel), items);
    }

    /// Enables the channel.
    #[track_caller]
    pub fn enable(&self, channel: u16, mode: u32) {
        self.write(ccr(channel), mode | ccr::EN.mask());
    }

    /// Disables the channel, and waits for an item in flight.
    #[track_caller]
    pub fn disable(&self, channel: u16) {
        self.write(ccr(channel), 0);
        self.read(ccr(channel));
    }

    /// Waits for TCIF or TEIF; returns which.
    #[track_caller]
    pub fn wait(&self, channel: u16) -> u32 {
        loop {
            let flags = self.read(map::isr()) >> flags_of(channel) & (TCIF | TEIF);
            if flags != 0 {
                return flags;
            }
        }
    }

    /// Clears all flags of the channel.
    #[track_caller]
    pub fn clear(&self, channel: u16) {
        self.write(map::ifcr(), map::GIF << flags_of(channel));
    }

    /// Waits until the last frame has left.
    #[track_caller]
    pub fn flush(&self) {
        while !sr::TC.is_set(self.usart.read(sr())) {}
    }

    /// Waits until what was written to USART1 has taken effect. A read of BRR does nothing else.
    #[track_caller]
    pub fn flush_of_the_bus(&self) {
        self.usart.read(brr());
    }

    /// Receives a frame, without DMA.
    #[track_caller]
    pub fn receive(&self) -> u32 {
        while !sr::RXNE.is_set(self.usart.read(sr())) {}
        self.usart.read(dr())
    }

    /// Sends 4 bytes of [`BUFFER`], from start to end, and gives the channel back.
    #[track_caller]
    pub fn send(&self) {
        // It is 1 out of reset, and a DMA that writes DR does not clear it.
        self.usart(sr(), !sr::TC.mask());
        self.configure(TX, BUFFER, 4);
        self.board.release_fence();
        self.enable(TX, SENDS);
        self.wait(TX);
        self.disable(TX);
        self.clear(TX);
    }

    /// Reads a byte of simulated RAM.
    #[track_caller]
    pub fn load(&self, address: u32) -> u8 {
        self.board.load(BusAddress::new(address))
    }

    /// Writes a byte of simulated RAM.
    #[track_caller]
    pub fn store(&self, address: u32, value: u8) {
        self.board.store(BusAddress::new(address), value);
    }
}

/// A peer that gets these bytes.
///
/// See [`Hand`] for an example.
pub fn gets(mut host: Host, due: &'static [u8]) -> Script {
    Box::pin(async move {
        let got = host.serial(Port::Usart1).receive(due.len()).await?;
        if got == due { Ok(()) } else { Err(HostError::Unexpected(format!("{got:?} came where {due:?} was due"))) }
    })
}

/// A peer that sends these bytes.
///
/// See [`Hand`] for an example.
pub fn sends(mut host: Host, bytes: &'static [u8]) -> Script {
    Box::pin(async move { host.serial(Port::Usart1).send(bytes).await })
}

/// A peer that does nothing.
///
/// See [`Hand`] for an example.
pub fn silent(_: Host) -> Script {
    Box::pin(async { Ok(()) })
}
