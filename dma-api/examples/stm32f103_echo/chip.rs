//! What only the chip has: the registers, clocks and pins, and where it begins.

use cortex_m_rt::entry;
use dma_api::fence::InOrder;
use dma_api::registers::Volatile;
use dma_api::stm32f103::dma::{ChipDma1, Dma1};
use dma_api::stm32f103::usart::{ChipUsart1, Settings, Usart};
use panic_halt as _;

use super::echo;

#[entry]
fn main() -> ! {
    // `entry` makes each a `&'static mut`: this function runs once.
    static mut GREETING: [u8; 8] = *b"ready\r\n\0";
    static mut MESSAGE: [u8; 8] = [0; 8];

    turn_on();
    // SAFETY:
    // - This runs on an STM32F103; nobody else uses DMA1, and nobody has before.
    let registers = unsafe { Volatile::new() };
    // SAFETY:
    // - A Cortex-M3 is in order, and CPU and DMA share the bus.
    let dma1 = unsafe { ChipDma1::new(registers, InOrder) };
    // SAFETY:
    // - This runs on an STM32F103; nobody else uses USART1, and nobody has before.
    let usart1: ChipUsart1 = unsafe { Volatile::new() };

    let channels = Dma1::split(dma1);
    // After a reset the clock is HSI (RM0008, RCC).
    let settings = Settings::for_baud(8_000_000, 115_200).expect("69 is a divider");
    let (tx, rx) = Usart::new(usart1, settings).split();
    let (mut sender, mut receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
    let (mut full, mut empty) = (GREETING, MESSAGE);
    loop {
        (sender, receiver, full, empty) = echo::turn(sender, receiver, full, empty);
    }
}

/// Clocks of DMA1, GPIOA and USART1; PA9 is its output, PA10 its input (RM0008, RCC and GPIO).
fn turn_on() {
    // RCC_AHBENR: DMA1EN.
    modify(0x4002_1014, 0, 1);
    // RCC_APB2ENR: IOPAEN, USART1EN.
    modify(0x4002_1018, 0, 1 << 2 | 1 << 14);
    // GPIOA_CRH: PA9 an alternate function's push-pull output, 50 MHz; PA10 a floating input.
    modify(0x4001_0804, 0xFF0, 0x4B0);
}

/// Clears and sets bits of a register.
fn modify(address: usize, clear: u32, set: u32) {
    let register = core::ptr::with_exposed_provenance_mut::<u32>(address);
    // SAFETY:
    // - The addresses above are registers of RCC and GPIOA, which nobody else uses.
    let before = unsafe { register.read_volatile() };
    // SAFETY:
    // - As above.
    unsafe { register.write_volatile(before & !clear | set) }
}
