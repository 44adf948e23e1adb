//! What the other end of the line does, or the host.

use crate::by_hand::nrf52840::{ONES, expect};
pub use crate::by_hand::nrf52840::{sends_twos, takes_twos};
pub use crate::by_hand::stm32f103::silent;
use crate::by_hand::stm32f103::{gets, sends};
use crate::device::stm32f103::usart::FrameError;
use crate::host::serial::Port;
use crate::host::{Host, HostError, Script};

/// It sends two nines.
pub fn sends_two(host: Host) -> Script {
    sends(host, &[9, 9])
}

/// It offers two nines, and nobody need take them.
pub fn offers_two(host: Host) -> Script {
    offers(host, 2)
}

/// It goes on until nobody takes any.
pub fn sends_many(host: Host) -> Script {
    offers(host, 4)
}

fn offers(mut host: Host, most: usize) -> Script {
    Box::pin(async move {
        for _ in 0..most {
            match host.serial(Port::Usart1).send_frame(9).await {
                Ok(()) | Err(HostError::NoFrame { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })
}

/// It sends a frame that is broken.
pub fn sends_broken(mut host: Host) -> Script {
    Box::pin(async move { host.serial(Port::Usart1).send_with(9, FrameError::Framing).await })
}

/// It gets the first two bytes of the buffer.
pub fn gets_two(host: Host) -> Script {
    gets(host, &[1, 2])
}

/// The host takes a packet of ones.
pub fn takes_ones(mut host: Host) -> Script {
    Box::pin(async move { expect(&host.bulk_in(1, 8).await?, &ONES) })
}

/// It takes two of them.
pub fn takes_ones_twice(mut host: Host) -> Script {
    Box::pin(async move {
        expect(&host.bulk_in(1, 8).await?, &ONES)?;
        expect(&host.bulk_in(1, 8).await?, &ONES)
    })
}

/// It takes a packet of fives, which are four.
pub fn takes_four_fives(mut host: Host) -> Script {
    Box::pin(async move { expect(&host.bulk_in(1, 64).await?, &[5; 4]) })
}

/// The peer gets two requests of two bytes each.
pub fn gets_four(host: Host) -> Script {
    gets(host, &[1, 2, 3, 4])
}

/// It says that four bytes follow, and sends as many as somebody takes.
pub fn announces_four(mut host: Host) -> Script {
    Box::pin(async move {
        host.serial(Port::Usart1).send(&[4]).await?;
        offers(host, 4).await
    })
}

/// The first byte of a peer that counts.
pub const COUNTS_FROM: u8 = 11;

/// How many bytes it sends.
pub const COUNT: u8 = 6;

fn numbers(count: u8) -> Vec<u8> {
    (COUNTS_FROM..COUNTS_FROM + count).collect()
}

/// It counts, to more than a ring of four bytes holds.
pub fn counts(mut host: Host) -> Script {
    Box::pin(async move { host.serial(Port::Usart1).send(&numbers(COUNT)).await })
}

/// It counts to a lap of the ring.
pub fn counts_a_lap(mut host: Host) -> Script {
    Box::pin(async move { host.serial(Port::Usart1).send(&numbers(4)).await })
}
