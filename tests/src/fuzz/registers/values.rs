//! What the firmware does: registers that there are, and any; values that mean something, and any.

use dma_api::nrf52840::power::map as power;
use dma_api::nrf52840::usbd::map as usbd;
use dma_api::stm32f103::dma::map as dma;
use dma_api::stm32f103::usart::map as usart;
use dma_api::table::Register;
use sim_core::device::Chip;
use sim_core::memory::RAM;
use sim_core::memory::cache::Operation;

use super::SLOTS;
use crate::fuzz::input::Input;

/// A peripheral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// USBD.
    Usbd,
    /// POWER and CLOCK: the firmware reads them only.
    Power,
    /// DMA1.
    Dma1,
    /// DMA2.
    Dma2,
    /// USART1.
    Usart1,
    /// USART2: the firmware reads it only.
    Usart2,
    /// USART3: the firmware reads it only.
    Usart3,
}

impl Block {
    const NRF52840: [Self; 4] = [Self::Usbd, Self::Usbd, Self::Usbd, Self::Power];
    const STM32F103: [Self; 8] =
        [Self::Dma1, Self::Dma1, Self::Dma1, Self::Usart1, Self::Usart1, Self::Dma2, Self::Usart2, Self::Usart3];

    /// The address of its first register.
    pub fn base(self) -> u32 {
        let base = match self {
            Self::Usbd => usbd::BASE,
            Self::Power => power::BASE,
            Self::Dma1 => dma::DMA1,
            Self::Dma2 => dma::DMA2,
            Self::Usart1 => usart::USART1,
            Self::Usart2 => usart::USART2,
            Self::Usart3 => usart::USART3,
        };
        u32::try_from(base).expect("a bus has 32 bits")
    }

    fn known(self, row: u8, index: u8) -> u16 {
        match self {
            Self::Usbd => offset(usbd::REGISTERS, row, index),
            Self::Power => offset(power::REGISTERS, row, index),
            Self::Dma1 | Self::Dma2 => offset(dma::REGISTERS, row, index),
            Self::Usart1 | Self::Usart2 | Self::Usart3 => offset(usart::REGISTERS, row, index),
        }
    }
}

fn offset<N>(registers: &[Register<N>], row: u8, index: u8) -> u16 {
    let Register { offset, count, stride, .. } = registers[usize::from(row) % registers.len()];
    offset + stride * (u16::from(index) % count.max(1))
}

/// One thing that the firmware does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads a register.
    Read(Block, u16),
    /// Writes a register.
    Write(Block, u16, u32),
    /// Reads a byte of simulated RAM.
    Load(u32),
    /// Writes a byte of simulated RAM.
    Store(u32, u8),
    /// Maintains cache lines.
    Maintain(u32, u32, Operation),
    /// The fence of `release`, and (`true`) that of `acquire`.
    Fence(bool),
    /// Looks whether the host is done: a poll.
    Look,
    /// Has a driver lend a buffer.
    Lend(Lend),
    /// Ends the newest transfer, if it is done.
    End,
    /// Drops the newest transfer. Of USBD, which would wait: forgets it.
    Drop,
    /// The CPU reads and writes a buffer, if it has it.
    Touch(usize),
}

/// How a buffer is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lend {
    /// Which slot.
    pub slot: usize,
    /// For the DMA to write.
    pub is_written: bool,
    /// The endpoint's index, or for ever (`circular`), if it is odd.
    pub which: u8,
}

/// What the next bytes say.
pub fn access(input: &mut Input<'_>, chip: Chip) -> Access {
    let blocks: &[Block] = if chip == Chip::Nrf52840 { &Block::NRF52840 } else { &Block::STM32F103 };
    match input.byte() % 16 {
        0..=2 => {
            let block = input.one_of(blocks);
            Access::Read(block, register(input, block))
        }
        3..=7 => {
            let block = input.one_of(blocks);
            Access::Write(block, register(input, block), value(input, chip))
        }
        8 => Access::Load(value(input, chip)),
        9 => Access::Store(value(input, chip), input.byte()),
        10 => {
            let operation = input.one_of(&[Operation::Clean, Operation::Invalidate, Operation::CleanInvalidate]);
            Access::Maintain(value(input, chip), input.byte().into(), operation)
        }
        11 => Access::Fence(input.byte() % 2 == 1),
        12 => Access::Look,
        13 | 14 => {
            let [slot, is_written, which] = input.array();
            Access::Lend(Lend { slot: usize::from(slot) % SLOTS.len(), is_written: is_written % 2 == 1, which })
        }
        _ => input.one_of(&[Access::End, Access::Drop, Access::Touch(0), Access::Touch(3)]),
    }
}

/// The offset of a register: mostly of one that there is.
pub fn register(input: &mut Input<'_>, block: Block) -> u16 {
    match input.byte() {
        0xFF => input.half_word(),
        row => {
            let index = input.byte();
            block.known(row, index)
        }
    }
}

/// Any address: mostly of a register that there is.
pub fn address(input: &mut Input<'_>, chip: Chip) -> u32 {
    let blocks: &[Block] = if chip == Chip::Nrf52840 { &Block::NRF52840 } else { &Block::STM32F103 };
    match input.byte() {
        0xFF => input.word(),
        block => {
            let block = blocks[usize::from(block) % blocks.len()];
            block.base().wrapping_add(register(input, block).into())
        }
    }
}

/// A value: small, one bit, the address of memory or of a register, or any.
pub fn value(input: &mut Input<'_>, chip: Chip) -> u32 {
    let windows = if chip == Chip::Nrf52840 { 0x2002_0000 } else { 0x2000_C000 };
    match input.byte() % 8 {
        0 => input.byte().into(),
        1 => 1 << (input.byte() % 32),
        2 => RAM + u32::from(input.byte()),
        3 | 4 => windows + 4 * u32::from(input.byte()),
        5 => input.half_word().into(),
        6 => address(input, chip),
        _ => input.word(),
    }
}
