//! Who has a right to memory or to registers has it alone: none can be cloned.
//!
//! A copy of a channel could start it while it runs, and a copy of a transfer give its buffer back a second time.
//! Nobody would have to write `unsafe` for that, so one `derive` too many is enough. Each type is named here, with
//! arguments that can be cloned where it takes any, because a `derive` asks that of them.

use core::marker::PhantomData;

use crate::address::Region;
use crate::fence::InOrder;
use crate::nrf52840::power::Power;
use crate::nrf52840::usbd::{self, Suspended, Usbd, Waking};
use crate::registers::{Bus, Volatile};
use crate::stm32f103::circular::Circular;
use crate::stm32f103::dma::{Channel, ChipDma1};
use crate::stm32f103::usart::{self, ChipUsart1, Usart1};
use crate::transfer::{Held, Transfer, TransferFuture};

struct Probe<T>(PhantomData<T>);

/// What is found of a type for which nothing better is.
trait Alone {
    const CAN_BE_CLONED: bool = false;
}

impl<T> Alone for Probe<T> {}

impl<T: Clone> Probe<T> {
    /// It stands before that of the trait.
    const CAN_BE_CLONED: bool = true;
}

type ChipBus = usbd::ChipBus<InOrder>;
type Sender = usart::Sender<ChipUsart1, Usart1, ChipDma1<InOrder>>;
type Receiver = usart::Receiver<ChipUsart1, Usart1, ChipDma1<InOrder>>;

/// Asserts of each type that it can be cloned, or that none can.
macro_rules! assert_clones {
    ($expected:literal: $($type:ty),* $(,)?) => {
        $(assert_eq!(Probe::<$type>::CAN_BE_CLONED, $expected, stringify!($type));)*
    };
}

#[test]
fn what_can_be_cloned_is_told_apart() {
    assert_clones!(true: (), u8, Region, InOrder, &'static [u8]);
    assert_clones!(false: &'static mut [u8]);
}

#[test]
fn registers_are_not_cloned() {
    assert_clones!(false: Volatile<0>, Bus<(), ()>, Power<()>, Usbd<()>, Suspended<()>, Waking<()>);
    assert_clones!(false: usart::Usart<(), ()>, usart::Tx<(), ()>, usart::Rx<(), ()>);
}

#[test]
fn channels_engines_and_endpoints_are_not_cloned() {
    assert_clones!(false: Channel<(), (), 4>, Sender, Receiver, usbd::Engine<()>, usbd::Ep0In<()>, usbd::Endpoints);
    assert_clones!(false: usbd::Control, usbd::EpIn, usbd::EpOut, usbd::IsoIn, usbd::IsoOut);
}

#[test]
fn buffers_that_are_held_and_transfers_are_not_cloned() {
    assert_clones!(false: Held<()>, usbd::PacketBuffer, Transfer<(), Sender>, TransferFuture<(), Sender>);
    assert_clones!(false: Circular<(), Receiver>);
    assert_clones!(false: usbd::Transfer<ChipBus, ()>, usbd::IsoTransfer<ChipBus, ()>);
}
