//! Names of the nRF52840's peripherals, by their addresses.
//!
//! For what a driver asks of those that this simulator does not have.
//!
//! Source: nRF52840 PS v1.11, "Memory" (instantiation); ARMv7-M, table B3-3, for what the core has.

/// Each block's first address, and its name; by address. A block ends where the next begins, and at its size at most.
const BLOCKS: &[(u32, &str)] = &[
    (0x1000_0000, "FICR"),
    (0x1000_1000, "UICR"),
    (0x4000_0000, "POWER and CLOCK"),
    (0x4000_1000, "RADIO"),
    (0x4000_2000, "UARTE0"),
    (0x4000_3000, "SPIM0, TWIM0"),
    (0x4000_4000, "SPIM1, TWIM1"),
    (0x4000_5000, "NFCT"),
    (0x4000_6000, "GPIOTE"),
    (0x4000_7000, "SAADC"),
    (0x4000_8000, "TIMER0"),
    (0x4000_9000, "TIMER1"),
    (0x4000_A000, "TIMER2"),
    (0x4000_B000, "RTC0"),
    (0x4000_C000, "TEMP"),
    (0x4000_D000, "RNG"),
    (0x4000_E000, "ECB"),
    (0x4000_F000, "CCM, AAR"),
    (0x4001_0000, "WDT"),
    (0x4001_1000, "RTC1"),
    (0x4001_2000, "QDEC"),
    (0x4001_3000, "COMP, LPCOMP"),
    (0x4001_4000, "EGU0, SWI0"),
    (0x4001_5000, "EGU1, SWI1"),
    (0x4001_6000, "EGU2, SWI2"),
    (0x4001_7000, "EGU3, SWI3"),
    (0x4001_8000, "EGU4, SWI4"),
    (0x4001_9000, "EGU5, SWI5"),
    (0x4001_A000, "TIMER3"),
    (0x4001_B000, "TIMER4"),
    (0x4001_C000, "PWM0"),
    (0x4001_D000, "PDM"),
    (0x4001_E000, "NVMC, ACL"),
    (0x4001_F000, "PPI"),
    (0x4002_0000, "MWU"),
    (0x4002_1000, "PWM1"),
    (0x4002_2000, "PWM2"),
    (0x4002_3000, "SPIM2"),
    (0x4002_4000, "RTC2"),
    (0x4002_5000, "I2S"),
    (0x4002_6000, "FPU"),
    (0x4002_7000, "USBD"),
    (0x4002_8000, "UARTE1"),
    (0x4002_9000, "QSPI"),
    (0x4002_D000, "PWM3"),
    (0x4002_F000, "SPIM3"),
    (0x5000_0000, "GPIO"),
    (0x5002_A000, "CRYPTOCELL"),
    (0xE000_0000, "ITM"),
    (0xE000_1000, "DWT"),
    (0xE000_2000, "FPB"),
    (0xE000_E000, "SysTick, NVIC and SCB"),
    (0xE004_0000, "TPIU"),
];

/// The bytes of a block.
const SIZE: u32 = 0x1000;

/// The name of the peripheral that has `address`.
pub fn at(address: u32) -> Option<&'static str> {
    let after = BLOCKS.partition_point(|(base, _)| *base <= address);
    let (base, name) = BLOCKS[..after].last()?;
    (address - base < SIZE).then_some(*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_the_name_of_its_block_and_none_between_blocks() {
        assert!(BLOCKS.is_sorted_by_key(|(base, _)| base));
        assert_eq!(at(0x4002_7004), Some("USBD"));
        assert_eq!(at(0x4001_EFFC), Some("NVMC, ACL"));
        assert_eq!(at(0xE000_E100), Some("SysTick, NVIC and SCB"));
        for nothing in [0, 0x0FFF_FFFF, 0x4002_A000, 0x4006_EC00, 0x5000_1000, 0xFFFF_FFFF] {
            assert_eq!(at(nothing), None, "{nothing:#x}");
        }
    }
}
