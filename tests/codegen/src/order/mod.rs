//! Firmware in one function, from a filled buffer to what becomes of it.
//!
//! Everything is inlined here, so the compiler sees the buffer and the registers together: the shape where it could do
//! harm. Each function is there with the fence of the chip and without any, on registers at fixed addresses and on
//! registers that the linker places.

use dma_api::fence::{DmaFence, InOrder};
use dma_api::nrf52840::usbd::{self, Engine, Ep0In, PacketBuffer, UsbdBlock};
use dma_api::registers::{Bus, RegistersOf, Share, Volatile};
use dma_api::stm32f103::dma::{self, Dma1};
use dma_api::stm32f103::usart::{self, Receiver, Sender, Settings, Usart1};
use dma_api::transfer::{Failed, Refused};

use placed::Placed;
use unfenced::Unfenced;

mod placed;
mod unfenced;

/// What is sent or received.
pub type Buffer = [u8; 16];

/// What the CPU writes before the transfer.
const BEFORE: Buffer = [0x5A; 16];
/// What it writes when it has the buffer again.
const AFTER: Buffer = [0xA5; 16];

/// The registers of one kind.
trait Chip {
    type Dma1: RegistersOf<Dma1> + Share;
    type Usart1: RegistersOf<Usart1> + Share;
    type Usbd: RegistersOf<UsbdBlock>;

    fn serial() -> (Self::Dma1, Self::Usart1);
    fn usbd() -> Self::Usbd;
}

/// At fixed addresses: [`Volatile`].
enum Fixed {}

impl Chip for Fixed {
    type Dma1 = Volatile<{ dma::map::DMA1 }, 0x400>;
    type Usart1 = Volatile<{ usart::map::USART1 }, 0x400>;
    type Usbd = Volatile<{ usbd::map::BASE }>;

    #[inline(always)]
    fn serial() -> (Self::Dma1, Self::Usart1) {
        // SAFETY:
        // - It is never run.
        let dma1 = unsafe { Volatile::new() };
        // SAFETY:
        // - It is never run.
        (dma1, unsafe { Volatile::new() })
    }

    #[inline(always)]
    fn usbd() -> Self::Usbd {
        // SAFETY:
        // - It is never run.
        unsafe { Volatile::new() }
    }
}

/// Where the linker has put them: [`Placed`].
enum Linked {}

impl Chip for Linked {
    type Dma1 = Placed<Dma1>;
    type Usart1 = Placed<Usart1>;
    type Usbd = Placed<UsbdBlock>;

    #[inline(always)]
    fn serial() -> (Self::Dma1, Self::Usart1) {
        (Placed::new(), Placed::new())
    }

    #[inline(always)]
    fn usbd() -> Self::Usbd {
        Placed::new()
    }
}

type Dma<C, F> = Bus<<C as Chip>::Dma1, F>;
type Halves<C, F> = (Sender<<C as Chip>::Usart1, Usart1, Dma<C, F>>, Receiver<<C as Chip>::Usart1, Usart1, Dma<C, F>>);

#[inline(always)]
fn serial<C: Chip, F: DmaFence + Copy>(fence: F) -> Halves<C, F> {
    let (dma1, usart1) = C::serial();
    // SAFETY:
    // - It is never run.
    let channels = Dma1::split(unsafe { Bus::new(dma1, fence) });
    let settings = const { Settings::for_baud(72_000_000, 115_200).unwrap() };
    let (tx, rx) = usart::Usart::<C::Usart1, Usart1>::new(usart1, settings).split();
    (tx.with_dma(channels.c4), rx.with_dma(channels.c5))
}

#[inline(always)]
fn usbd<C: Chip, F: DmaFence>(fence: F) -> usbd::Usbd<Bus<C::Usbd, F>> {
    // SAFETY:
    // - It is never run.
    usbd::Usbd::new(unsafe { Bus::new(C::usbd(), fence) })
}

/// Sends from the stack of a function that never returns.
#[inline(always)]
#[expect(clippy::empty_loop, reason = "a `wfi` would be assembly, which may access memory for all the compiler knows")]
fn serial_main<C: Chip, F: DmaFence + Copy>(fence: F) -> ! {
    let (sender, _) = serial::<C, F>(fence);
    let buffer = BEFORE;
    // SAFETY:
    // - It is not forgotten: this function is still there.
    let _transfer = unsafe { sender.write_all_borrowed(&buffer) };
    loop {}
}

/// Sends a buffer, and fills it with something else afterwards.
#[inline(always)]
fn serial_send<C: Chip, F: DmaFence + Copy>(fence: F, buffer: &'static mut Buffer) {
    let (sender, _) = serial::<C, F>(fence);
    *buffer = BEFORE;
    let buffer = match sender.write_all(buffer) {
        Err(Refused { buffer, .. }) => buffer,
        Ok(transfer) => match transfer.wait() {
            Ok((buffer, _)) | Err(Failed { buffer, .. }) => buffer,
        },
    };
    *buffer = AFTER;
}

/// Clears a buffer, has it filled, and reads a byte.
#[inline(always)]
fn serial_receive<C: Chip, F: DmaFence + Copy>(fence: F, buffer: &'static mut Buffer) -> u8 {
    let (_, receiver) = serial::<C, F>(fence);
    *buffer = BEFORE;
    let buffer = match receiver.read_exact(buffer) {
        Err(Refused { buffer, .. }) => buffer,
        Ok(transfer) => match transfer.wait() {
            Ok((buffer, _)) | Err(Failed { buffer, .. }) => buffer,
        },
    };
    buffer[3]
}

/// Sends a packet from the endpoint's own buffer, and then another one.
#[inline(always)]
fn ep0in_send<C: Chip, F: DmaFence>(fence: F, buffer: &'static mut PacketBuffer) {
    let mut ep0in = Ep0In::new(usbd::<C, F>(fence), buffer);
    let _ = ep0in.start(&BEFORE);
    while ep0in.end().is_err() {}
    let _ = ep0in.start(&AFTER);
}

/// As `serial_send`, by endpoint 1 IN.
#[inline(always)]
fn epin_send<C: Chip, F: DmaFence>(fence: F, buffer: &'static mut Buffer, bounce: &'static mut PacketBuffer) {
    let (mut engine, mut endpoints) = Engine::new(usbd::<C, F>(fence), bounce);
    let [epin, ..] = &mut endpoints.epin;
    epin.open(&mut engine);
    *buffer = BEFORE;
    let buffer = match epin.send(engine, buffer) {
        Err(Refused { buffer, .. }) => buffer,
        Ok(transfer) => transfer.wait().1,
    };
    *buffer = AFTER;
}

/// As `serial_receive`, by endpoint 1 OUT.
#[inline(always)]
fn epout_receive<C: Chip, F: DmaFence>(fence: F, buffer: &'static mut Buffer, bounce: &'static mut PacketBuffer) -> u8 {
    let (mut engine, mut endpoints) = Engine::new(usbd::<C, F>(fence), bounce);
    let [epout, ..] = &mut endpoints.epout;
    epout.open(&mut engine);
    *buffer = BEFORE;
    while epout.received(&engine).is_none() {}
    let buffer = match epout.receive(engine, buffer) {
        Err(Refused { buffer, .. }) => buffer,
        Ok(transfer) => transfer.wait().1,
    };
    buffer[3]
}

/// A function for each scenario, kind of registers and fence, under a plain name.
macro_rules! name {
    ($(
        $chip:ident $fence:ident:
            $main:ident $serial_send:ident $serial_receive:ident $ep0in_send:ident $epin_send:ident $epout_receive:ident
    )*) => {$(
        /// See the function without the ending.
        // SAFETY:
        // - No other symbol has this name.
        #[unsafe(no_mangle)]
        pub fn $main() -> ! {
            serial_main::<$chip, _>($fence)
        }

        /// See the function without the ending.
        // SAFETY:
        // - No other symbol has this name.
        #[unsafe(no_mangle)]
        pub fn $serial_send(buffer: &'static mut Buffer) {
            serial_send::<$chip, _>($fence, buffer)
        }

        /// See the function without the ending.
        // SAFETY:
        // - No other symbol has this name.
        #[unsafe(no_mangle)]
        pub fn $serial_receive(buffer: &'static mut Buffer) -> u8 {
            serial_receive::<$chip, _>($fence, buffer)
        }

        /// See the function without the ending.
        // SAFETY:
        // - No other symbol has this name.
        #[unsafe(no_mangle)]
        pub fn $ep0in_send(buffer: &'static mut PacketBuffer) {
            ep0in_send::<$chip, _>($fence, buffer)
        }

        /// See the function without the ending.
        // SAFETY:
        // - No other symbol has this name.
        #[unsafe(no_mangle)]
        pub fn $epin_send(buffer: &'static mut Buffer, bounce: &'static mut PacketBuffer) {
            epin_send::<$chip, _>($fence, buffer, bounce)
        }

        /// See the function without the ending.
        // SAFETY:
        // - No other symbol has this name.
        #[unsafe(no_mangle)]
        pub fn $epout_receive(buffer: &'static mut Buffer, bounce: &'static mut PacketBuffer) -> u8 {
            epout_receive::<$chip, _>($fence, buffer, bounce)
        }
    )*};
}

name! {
    Fixed InOrder:
        serial_main_fixed serial_send_fixed serial_receive_fixed
        ep0in_send_fixed epin_send_fixed epout_receive_fixed
    Linked InOrder:
        serial_main_linked serial_send_linked serial_receive_linked
        ep0in_send_linked epin_send_linked epout_receive_linked
    Fixed Unfenced:
        serial_main_fixed_unfenced serial_send_fixed_unfenced serial_receive_fixed_unfenced
        ep0in_send_fixed_unfenced epin_send_fixed_unfenced epout_receive_fixed_unfenced
    Linked Unfenced:
        serial_main_linked_unfenced serial_send_linked_unfenced serial_receive_linked_unfenced
        ep0in_send_linked_unfenced epin_send_linked_unfenced epout_receive_linked_unfenced
}
