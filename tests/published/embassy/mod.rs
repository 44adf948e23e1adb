//! embassy-nrf 0.11.0 and embassy-usb 0.6.0: a serial port that sends back what it gets.
//!
//! No `init()`: that waits for clocks, and reads FICR and UICR. No registers in cells, either: embassy's go by
//! pointers, each access of which faults and is answered. The executor is embassy's own `block_on`, which polls; the
//! interrupt handler of the USBD runs in the middle of it when the simulated line is asserted.
//!
//! # Limits
//!
//! - The driver has statics (`READY_ENDPOINTS`, wakers), which the process keeps from run to run. One device runs at a
//!   time: [`by_address::run`](sim_core::explore::by_address::run) waits for the others. What a run leaves behind, the
//!   first bus reset of the next overwrites, and no endpoint is enabled before it: so a run does not depend on those
//!   before, which `traces` looks at. But there is no exhaustive exploration: that takes what a driver does for a
//!   function of what it has read in this run.
//! - The NVIC is not modelled: `Driver::new` writes to it, which is a gap, and the line is open all the same.

mod findings;

use embassy_futures::block_on;
use embassy_futures::select::select3;
use embassy_nrf::interrupt::typelevel::{Binding, Handler, USBD};
use embassy_nrf::peripherals;
use embassy_nrf::usb::vbus_detect::SoftwareVbusDetect;
use embassy_nrf::usb::{Driver, InterruptHandler};
use embassy_usb::class::cdc_acm::{CdcAcmClass, State};
use embassy_usb::{Builder, Config};
use sim_core::explore::Board;
use sim_core::explore::by_address;
use sim_core::explore::stepped::Bus;

/// The driver's handler is that of the USBD's interrupt.
#[derive(Clone, Copy)]
struct Interrupts;

// SAFETY:
// - `on_interrupt` is called whenever the USBD's line is asserted: `serve` has it for the board's handler, which is
//   that of the only line there is.
unsafe impl Binding<USBD, InterruptHandler<peripherals::USBD>> for Interrupts {}

/// The bytes of a packet.
const PACKET: u16 = 64;

/// Serves the host until it is done.
pub fn serve(board: &Bus) {
    let handler = || {
        // SAFETY:
        // - This is the interrupt's handler: called by the board, when the line is asserted, in no critical section.
        unsafe { InterruptHandler::<peripherals::USBD>::on_interrupt() }
    };
    by_address::with_interrupt(board, handler, || block_on(echo(board)));
}

/// Sends back what comes.
async fn echo(board: &Bus) {
    // SAFETY:
    // - There is one: nobody else in this firmware takes the peripheral, and one firmware runs at a time.
    let usbd = unsafe { peripherals::USBD::steal() };
    let vbus = SoftwareVbusDetect::new(true, true);
    let driver = Driver::new(usbd, Interrupts, &vbus);
    let mut config = Config::new(0x1209, 0x0001);
    (config.manufacturer, config.product, config.serial_number) = (Some("dmacheck"), Some("serial"), Some("42"));
    let (mut configuration, mut bos, mut msos, mut control) = ([0; 128], [0; 32], [0; 32], [0; 64]);
    let mut state = State::new();
    let mut builder = Builder::new(driver, config, &mut configuration, &mut bos, &mut msos, &mut control);
    let mut serial = CdcAcmClass::new(&mut builder, &mut state, PACKET);
    let mut device = builder.build();
    let echoes = async {
        let mut buffer = [0; PACKET as usize];
        loop {
            serial.wait_connection().await;
            while let Ok(length) = serial.read_packet(&mut buffer).await {
                if serial.write_packet(&buffer[..length]).await.is_err() {
                    break;
                }
            }
        }
    };
    let is_done = std::future::poll_fn(|_| match board.host_is_done() {
        true => std::task::Poll::Ready(()),
        false => std::task::Poll::Pending,
    });
    select3(is_done, device.run(), echoes).await;
}
