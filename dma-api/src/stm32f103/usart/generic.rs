//! Halves and their channels as any serial interface.

use embedded_dma::{ReadBuffer, WriteBuffer};

use super::{Frame, Instance, Receiver, Rx, Sender, Tx};
use crate::fence::DmaFence;
use crate::registers::{Registers, RegistersOf};
use crate::serial::{ReadExact, WithDma, WriteAll};
use crate::stm32f103::dma::Channel;
use crate::transfer::{self, Transfer};

impl<B, R, P, D, W> WriteAll<B> for Sender<R, P, D, W>
where
    B: ReadBuffer<Word = W> + 'static,
    R: RegistersOf<P>,
    P: Instance,
    D: Registers + DmaFence,
    W: Frame,
{
    type Refusal = <Self as transfer::Channel>::Refusal;
    type Error = <Self as transfer::Channel>::Error;
    type Transfer = Transfer<B, Self>;

    fn write_all(self, buffer: B) -> transfer::Started<B, Self> {
        Sender::write_all(self, buffer)
    }
}

impl<B, R, P, D, W> ReadExact<B> for Receiver<R, P, D, W>
where
    B: WriteBuffer<Word = W> + 'static,
    R: RegistersOf<P>,
    P: Instance,
    D: Registers + DmaFence,
    W: Frame,
{
    type Refusal = <Self as transfer::Channel>::Refusal;
    type Error = <Self as transfer::Channel>::Error;
    type Transfer = Transfer<B, Self>;

    fn read_exact(self, buffer: B) -> transfer::Started<B, Self> {
        Receiver::read_exact(self, buffer)
    }
}

impl<R, P, D, C, W, const N: u8> WithDma<Channel<D, C, N>> for Tx<R, P, W>
where
    R: RegistersOf<P>,
    P: Instance<Transmit<D> = Channel<D, C, N>>,
    D: Registers + DmaFence,
    W: Frame,
{
    type Dma = Sender<R, P, D, W>;

    fn with_dma(self, channel: Channel<D, C, N>) -> Sender<R, P, D, W> {
        Tx::with_dma(self, channel)
    }
}

impl<R, P, D, C, W, const N: u8> WithDma<Channel<D, C, N>> for Rx<R, P, W>
where
    R: RegistersOf<P>,
    P: Instance<Receive<D> = Channel<D, C, N>>,
    D: Registers + DmaFence,
    W: Frame,
{
    type Dma = Receiver<R, P, D, W>;

    fn with_dma(self, channel: Channel<D, C, N>) -> Receiver<R, P, D, W> {
        Rx::with_dma(self, channel)
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use super::*;
    use crate::stm32f103::dma::{Dma1, map};
    use crate::stm32f103::fake::Chip;
    use crate::stm32f103::usart::{Parity, Settings, Usart, Usart1};
    use crate::transfer::{Failed, Refused, Transferring};

    /// A question, and room for its answer.
    fn ask<S, R>(sender: S, receiver: R, answer: &'static mut [u8]) -> Option<(S, R, &'static [u8])>
    where
        S: WriteAll<&'static [u8]>,
        R: ReadExact<&'static mut [u8]>,
    {
        let answered = receiver.read_exact(answer).ok()?;
        let asked = sender.write_all(b"AT").ok()?;
        let (_, sender) = asked.wait().ok()?;
        let (answer, receiver) = answered.wait().ok()?;
        Some((sender, receiver, answer))
    }

    /// Channel and half, by the traits alone.
    fn join<T: WithDma<C>, C>(half: T, channel: C) -> T::Dma {
        half.with_dma(channel)
    }

    /// An interface without a DMA: it answers at once.
    struct Instant;

    struct Done<B>(B);

    impl<B> Transferring for Done<B> {
        type Payload = (B, Instant);
        type Error = Failed<Infallible, Instant, B>;

        fn is_done(&self) -> bool {
            true
        }

        fn wait(self) -> Result<(B, Instant), Self::Error> {
            Ok((self.0, Instant))
        }
    }

    impl WriteAll<&'static [u8]> for Instant {
        type Refusal = Infallible;
        type Error = Infallible;
        type Transfer = Done<&'static [u8]>;

        fn write_all(self, buffer: &'static [u8]) -> Result<Self::Transfer, Refused<Infallible, Self, &'static [u8]>> {
            Ok(Done(buffer))
        }
    }

    impl ReadExact<&'static mut [u8]> for Instant {
        type Refusal = Infallible;
        type Error = Infallible;
        type Transfer = Done<&'static mut [u8]>;

        fn read_exact(
            self,
            buffer: &'static mut [u8],
        ) -> Result<Self::Transfer, Refused<Infallible, Self, &'static mut [u8]>> {
            buffer.copy_from_slice(b"OK");
            Ok(Done(buffer))
        }
    }

    #[test]
    fn one_driver_runs_on_two_interfaces() {
        let room = || std::vec![0; 2].leak();
        assert_eq!(ask(Instant, Instant, room()).map(|(_, _, answer)| answer), Some(&b"OK"[..]));
        let chip = Chip::new();
        let channels = Dma1::split(chip.part());
        let (tx, rx) = Usart::new(chip.part::<Usart1>(), Settings { brr: 625, parity: Parity::None }).split();
        let (sender, receiver) = (join(tx, channels.c4), join(rx, channels.c5));
        // Each end is seen at the first look: the sender's, then the receiver's.
        chip.rises.borrow_mut().extend([map::TCIF << map::flags_of(3), map::TCIF << map::flags_of(4)]);
        assert!(ask(sender, receiver, room()).is_some());
        assert_eq!(chip.get(map::isr()), 0);
    }
}
