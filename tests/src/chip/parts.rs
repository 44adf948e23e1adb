//! Drivers on a chip of their own: where the programs of `tests/ui` begin.

use dma_api::nrf52840::usbd::{Endpoints, Engine, PacketBuffer, Usbd, UsbdBlock};
use dma_api::stm32f103::dma::{Dma1, Dma1Channels};
use dma_api::stm32f103::usart::{self, Settings, Usart, Usart1};

use super::{Chip, Part};

/// The transmitting half of USART1, with its channel.
pub type Sender<W = u8> = usart::Sender<Part<Usart1>, Usart1, Part<Dma1>, W>;

/// The receiving half of USART1, with its channel.
pub type Receiver<W = u8> = usart::Receiver<Part<Usart1>, Usart1, Part<Dma1>, W>;

/// How a USART is set up here.
pub const SETTINGS: Settings = Settings { brr: 625, parity: usart::Parity::None };

/// DMA1's channels.
pub fn channels() -> Dma1Channels<Part<Dma1>> {
    Dma1::split(Chip::stepped().part())
}

/// USART1, in frames of 8 bits.
pub fn usart1() -> Usart<Part<Usart1>, Usart1> {
    Usart::new(Chip::stepped().part(), SETTINGS)
}

/// Both halves of USART1 on `chip`, with their channels.
pub fn halves_of(chip: &'static Chip) -> (Sender, Receiver) {
    let channels = Dma1::split(chip.part());
    let (tx, rx) = Usart::new(chip.part(), SETTINGS).split();
    (tx.with_dma(channels.c4), rx.with_dma(channels.c5))
}

/// USART1's transmitting half, with its channel.
pub fn sender() -> Sender {
    halves_of(Chip::stepped()).0
}

/// USART1's receiving half, with its channel.
pub fn receiver() -> Receiver {
    halves_of(Chip::stepped()).1
}

/// USART1's receiving half, in frames of 9 bits.
pub fn receiver_of_nine() -> Receiver<u16> {
    let chip = Chip::stepped();
    let (_, rx) = Usart::with_nine_bits(chip.part(), SETTINGS.brr).split();
    rx.with_dma(Dma1::split(chip.part()).c5)
}

/// The register block of the USB controller.
pub fn usbd() -> Usbd<Part<UsbdBlock>> {
    Usbd::new(Chip::stepped().part())
}

/// The engine of `chip`, and its endpoints: IN 1 and 2 and OUT 1 are open.
pub fn engine_of(chip: &'static Chip) -> (Engine<Part<UsbdBlock>>, Endpoints) {
    let (mut engine, mut endpoints) = Engine::new(Usbd::new(chip.part()), Box::leak(Box::new(PacketBuffer::new())));
    endpoints.epin[0].open(&mut engine);
    endpoints.epin[1].open(&mut engine);
    endpoints.epout[0].open(&mut engine);
    (engine, endpoints)
}

/// An engine, and its endpoints.
pub fn engine() -> (Engine<Part<UsbdBlock>>, Endpoints) {
    engine_of(Chip::stepped())
}
