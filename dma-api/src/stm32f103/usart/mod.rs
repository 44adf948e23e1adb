//! USART1 to USART3: frame by frame, and by DMA.
//!
//! | you have | you can |
//! |---|---|
//! | a [`Usart`] | `read`, `write` and `flush` frame by frame, waiting |
//! | its halves, [`Tx`] and [`Rx`] | the same, each in a place of its own |
//! | a [`Sender`], a [`Receiver`]: a half and its channel | send and fill buffers |
//! | a [`Transfer`](crate::transfer::Transfer) | do something else meanwhile |
//!
//! ```no_run
//! # use dma_api::fence::InOrder;
//! # use dma_api::registers::Volatile;
//! # use dma_api::stm32f103::dma::{ChipDma1, Dma1};
//! # use dma_api::stm32f103::usart::{ChipUsart1, Settings, Usart};
//! # // SAFETY: it is not run.
//! # let dma1 = unsafe { ChipDma1::new(Volatile::new(), InOrder) };
//! # // SAFETY: it is not run.
//! # let usart1: ChipUsart1 = unsafe { Volatile::new() };
//! # static mut BYTES: [u8; 64] = [0; 64];
//! # // SAFETY: it is not run.
//! # let buffer: &'static mut [u8; 64] = unsafe { &mut *(&raw mut BYTES) };
//! let channels = Dma1::split(dma1);
//! let settings = Settings::for_baud(72_000_000, 115_200).unwrap();
//! let (tx, rx) = Usart::new(usart1, settings).split();
//! let (sender, receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
//!
//! let question = sender.write_all("AT\r\n".as_bytes()).unwrap(); // from flash
//! let answer = receiver.read_exact(buffer).unwrap(); // both at once
//! let (_, mut sender) = question.wait().unwrap();
//! let (buffer, mut receiver) = answer.wait().unwrap();
//! sender.flush(&mut receiver);
//! ```
//!
//! The USART's clock and its pins are on (RCC_APB2ENR, RCC_APB1ENR, GPIO): turn them on before.
//!
//! # Who uses which register
//!
//! | register | [`Tx`] | [`Rx`] |
//! |---|---|---|
//! | SR | clears TC, by a constant: writing 1 leaves all other flags | reads |
//! | DR | writes: TDR | reads: RDR |
//! | BRR | reads, so that the write of SR has taken effect before the channel is enabled | |
//! | CR1, CR2, CR3 | | |
//!
//! DMAT and DMAR are both set before the halves part, so neither writes CR3. A request without an enabled channel does
//! nothing.
//!
//! SR is the receiver's because reading it has a side effect: an error flag that SR has shown is cleared by the next
//! read of DR, and while the DMA receives it reads DR all the time. If the transmitting half read SR to wait for TC,
//! errors would vanish that nobody has seen. So it waits by way of the receiving half, idle or not, which keeps what it
//! sees: `tx.flush(&mut rx)`, `sender.flush(&mut transfer)`.
//!
//! *Modelled*: 8 bits, with or without parity, and 9 bits; errors; both directions at once. *Not modelled*: stop bits
//! other than one, flow control, idle lines, LIN, smartcard, IrDA, synchronous mode, mute mode, the USART's own
//! interrupts.
//!
//! *Unspecified; we chose*: a read of DR clears the flags that the last read of SR has shown, and no flag that came
//! after it. Of hardware that clears those, too, an error in the very frame after a look would be lost.

mod error;
mod frame;
mod generic;
pub mod map;
mod receiver;
mod rx;
mod sender;
#[cfg(test)]
mod tests;
mod tx;

pub use error::{LineError, ReceiveError, ReceiveStartError};
pub use frame::Frame;
pub use receiver::Receiver;
pub use rx::{Rx, Status};
pub use sender::Sender;
pub use tx::Tx;

use super::dma::{Channel, Dma1, Engine};
use crate::fence::DmaFence;
use crate::registers::{Peripheral, Registers, RegistersOf, Share, Volatile};

/// USART1.
///
/// See [`Usart`] for an example.
#[derive(Debug)]
pub enum Usart1 {}

/// USART2.
///
/// See [`Usart`] for an example.
#[derive(Debug)]
pub enum Usart2 {}

/// USART3.
///
/// See [`Usart`] for an example.
#[derive(Debug)]
pub enum Usart3 {}

mod sealed {
    pub trait Sealed {}
}

/// One of the USARTs, and the channels that are wired to it: the request map.
///
/// See [`Usart`] for an example.
pub trait Instance: Peripheral + sealed::Sealed {
    /// The channel that its transmitter asks.
    type Transmit<R: Registers + DmaFence>: Engine;
    /// The channel that its receiver asks.
    type Receive<R: Registers + DmaFence>: Engine;
}

/// Everything about an instance: its base, its channels.
macro_rules! instances {
    ($($usart:ident $Chip:ident $BASE:ident $transmit:literal $receive:literal)*) => {$(
        impl Peripheral for $usart {
            const BASE: usize = map::$BASE;
        }

        #[doc = concat!(stringify!($BASE), " of the real chip: its registers.")]
        pub type $Chip = Volatile<{ map::$BASE }, 0x400>;

        // SAFETY:
        // - `Volatile::new` was promised that the peripheral is there.
        // - And that nobody else uses it.
        unsafe impl RegistersOf<$usart> for Volatile<{ map::$BASE }, 0x400> {}

        impl sealed::Sealed for $usart {}

        // RM0008, table 78.
        impl Instance for $usart {
            type Transmit<R: Registers + DmaFence> = Channel<R, Dma1, $transmit>;
            type Receive<R: Registers + DmaFence> = Channel<R, Dma1, $receive>;
        }
    )*};
}

instances! {
    Usart1 ChipUsart1 USART1 4 5
    Usart2 ChipUsart2 USART2 7 6
    Usart3 ChipUsart3 USART3 2 3
}

/// The address of DR, for the DMA.
fn data_register<P: Instance>() -> u32 {
    let Ok(base) = u32::try_from(P::BASE) else { unreachable!("the chip has 32-bit addresses") };
    base + u32::from(map::dr())
}

/// The bit that makes a frame's ones even or odd.
///
/// See [`Settings`] for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parity {
    /// There is none.
    #[default]
    None,
    /// Even.
    Even,
    /// Odd.
    Odd,
}

/// How a USART is set up.
///
/// ```
/// # use dma_api::stm32f103::usart::{Parity, Settings};
/// let settings = Settings { parity: Parity::Even, ..Settings::for_baud(72_000_000, 115_200).unwrap() };
/// assert_eq!(settings.brr, 625);
/// assert_eq!(Settings::for_baud(8_000_000, 1_000_000), None, "it takes 16 clocks a bit");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// BRR: how many clocks of the USART's bus a bit takes. At least 16.
    pub brr: u16,
    /// The parity bit, besides 8 bits of data. There is none besides 9.
    pub parity: Parity,
}

impl Settings {
    /// So many bits a second, with a bus of so many clocks a second; no parity. `None` if BRR does not reach it.
    pub const fn for_baud(clocks_per_second: u32, bits_per_second: u32) -> Option<Self> {
        let Some(rounded) = clocks_per_second.checked_add(bits_per_second / 2) else { return None };
        let Some(clocks) = rounded.checked_div(bits_per_second) else { return None };
        if clocks < 16 || clocks > 0xFFFF {
            return None;
        }
        let [low, high, ..] = clocks.to_le_bytes();
        Some(Self { brr: u16::from_le_bytes([low, high]), parity: Parity::None })
    }
}

/// USART `P`, in frames of `W`.
///
/// ```no_run
/// # use dma_api::stm32f103::usart::{ChipUsart1, LineError, Settings, Usart, Usart1};
/// /// Sends back what comes, frame by frame. By DMA: see the [module](self).
/// fn echo(usart1: ChipUsart1, settings: Settings) -> Result<(), LineError> {
///     let mut usart: Usart<_, Usart1> = Usart::new(usart1, settings);
///     loop {
///         let byte = usart.read()?;
///         usart.write(byte);
///     }
/// }
/// ```
#[derive(Debug)]
#[doc(alias("Serial", "Serial1", "UART"))]
pub struct Usart<R, P, W = u8> {
    tx: Tx<R, P, W>,
    rx: Rx<R, P, W>,
}

impl<R: RegistersOf<P> + Share, P: Instance> Usart<R, P, u8> {
    /// Turns the USART on, with frames of 8 bits.
    pub fn new(registers: R, settings: Settings) -> Self {
        use map::cr1::{M, PCE, PS};
        let format = match settings.parity {
            Parity::None => 0,
            // The parity bit is the ninth.
            Parity::Even => M.mask() | PCE.mask(),
            Parity::Odd => M.mask() | PCE.mask() | PS.mask(),
        };
        Self::turn_on(registers, settings.brr, format)
    }
}

impl<R: RegistersOf<P> + Share, P: Instance> Usart<R, P, u16> {
    /// Turns the USART on, with frames of 9 bits. `brr` is that of [`Settings`].
    pub fn with_nine_bits(registers: R, brr: u16) -> Self {
        Self::turn_on(registers, brr, map::cr1::M.mask())
    }
}

impl<R: RegistersOf<P> + Share, P: Instance, W: Frame> Usart<R, P, W> {
    fn turn_on(registers: R, brr: u16, format: u32) -> Self {
        // SAFETY:
        // - SR and DR are the registers that both access, CR3 is written below, before the halves part; BRR is `Tx`'s,
        //   which reads it. Each access of SR and DR stands for itself: `Tx` reads neither, and what it writes to SR is
        //   a constant; DR is another register to who writes than to who reads.
        let shared = unsafe { registers.share() };
        let (tx, mut rx) = (Tx::new(registers), Rx::new(shared));
        // A bootloader may have left it on, with requests for the DMA, and with a frame that nobody has read.
        tx.set(map::cr1(), 0);
        tx.set(map::cr2(), 0);
        tx.set(map::cr3(), 0);
        rx.discard();
        tx.set(map::brr(), brr.into());
        tx.set(map::cr1(), map::cr1::UE.mask() | map::cr1::TE.mask() | map::cr1::RE.mask() | format);
        Self { tx, rx }
    }

    /// Receives a frame: waits for it.
    ///
    /// # Errors
    ///
    /// As [`Rx::read`].
    pub fn read(&mut self) -> Result<W, LineError> {
        self.rx.read()
    }

    /// Sends a frame: waits until there is room for it.
    pub fn write(&mut self, frame: W) {
        self.tx.write(frame, &mut self.rx);
    }

    /// Waits until all that was sent is over the wire.
    pub fn flush(&mut self) {
        self.tx.flush(&mut self.rx);
    }

    /// The halves, each of which a channel can serve.
    pub fn split(self) -> (Tx<R, P, W>, Rx<R, P, W>) {
        self.tx.set(map::cr3(), map::cr3::DMAT.mask() | map::cr3::DMAR.mask());
        (self.tx, self.rx)
    }
}
