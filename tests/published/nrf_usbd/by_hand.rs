//! nrf-usbd's sequence of register accesses, by hand: with the write that arms an endpoint once more, and without.

use dma_api::nrf52840::usbd::map;
use sim_core::device::usbd::address_of;
use sim_core::explore::Board;
use sim_core::explore::stepped::Bus;
use vcell::VolatileCell;

/// Endpoint 1, in EPDATASTATUS and EPOUTEN.
const ARRIVED: u32 = 1 << 17;
const ENABLED: u32 = 1 << 1 | 1;

fn register(offset: u16) -> &'static VolatileCell<u32> {
    let cell = std::ptr::with_exposed_provenance::<VolatileCell<u32>>(address_of(offset) as usize);
    // SAFETY:
    // - Nothing is read or written through the reference: a cell at this address is answered by the chip of this
    //   thread.
    // - The address is not null, and a multiple of 4.
    unsafe { &*cell }
}

/// Reads what comes to endpoint 1, as nrf-usbd does, and gives each packet to `seen`.
pub fn read(board: &Bus, arms_once_more: bool, mut seen: impl FnMut(&[u8])) {
    register(map::enable()).set(1);
    while register(map::eventcause()).get() & map::eventcause::READY.mask() == 0 {}
    register(map::eventcause()).set(map::eventcause::READY.mask());
    register(map::usbpullup()).set(1);
    let mut buffer = [0; 64];
    while !board.host_is_done() {
        if register(map::events_usbreset()).get() != 0 {
            register(map::events_usbreset()).set(0);
            register(map::epouten()).set(ENABLED);
            register(map::size_epout(1)).set(0);
        }
        if register(map::epdatastatus()).get() & ARRIVED != 0 {
            let size = register(map::size_epout(1)).get();
            register(map::epdatastatus()).set(ARRIVED);
            transfer(&mut buffer, size);
            if arms_once_more {
                register(map::size_epout(1)).set(0);
            }
            seen(&buffer[..size as usize]);
        }
    }
}

fn transfer(buffer: &mut [u8; 64], size: u32) {
    register(map::epout_ptr(1)).set(u32::try_from(buffer.as_mut_ptr().expose_provenance()).expect("it is in RAM"));
    register(map::epout_maxcnt(1)).set(size);
    register(map::events_endepout(1)).set(0);
    register(map::tasks_startepout(1)).set(1);
    while register(map::events_endepout(1)).get() == 0 {}
    register(map::events_endepout(1)).set(0);
}
