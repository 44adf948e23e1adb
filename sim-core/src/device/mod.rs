//! The emulated peripherals: pure state machines, one folder each.
//!
//! A peripheral has registers ([`usbd::Usbd::read`], [`usbd::Usbd::write`]), DMA jobs to be done by an engine, and a
//! wire side. It has no lock, no thread and no clock: who runs when is the explorers' business. A register write takes
//! effect at once, as on a bus. Only the copy between START and END runs in parallel to the driver.

pub mod power;
pub mod stm32f103;
pub mod usbd;

/// The chip that a system has.
///
/// See [`Config`](crate::soc::Config) for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Chip {
    /// nRF52840: USBD with EasyDMA, POWER and CLOCK.
    #[default]
    Nrf52840,
    /// STM32F103: DMA1, DMA2, USART1 to USART3.
    Stm32f103,
}

/// The datasheet's name of the register at `address`, whichever chip has it.
///
/// ```
/// # use sim_core::device::name_at;
/// assert_eq!(name_at(0x4002_7000 + 0x004), "TASKS_STARTEPIN[0]");
/// ```
pub fn name_at(address: u32) -> String {
    let stm32f103 = || stm32f103::place_of(address).and_then(stm32f103::name_of);
    if let Some(offset) = usbd::offset_of(address) {
        usbd::name_of(offset)
    } else if let Some(offset) = power::offset_of(address) {
        power::name_of(offset)
    } else {
        stm32f103().unwrap_or_else(|| format!("the register at {address:#010x}"))
    }
}
