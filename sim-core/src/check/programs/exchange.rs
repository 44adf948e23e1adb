//! Two messages at once over a serial line, each by a channel of an STM32F103's DMA.

use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::{Parity, Settings, Usart, Usart1};

use super::{expect, fences_by_name, name_of_fences};
use crate::check::counterexample::repair::Repairable;
use crate::device::Chip;
use crate::explore::{Board, Program};
use crate::host::serial::Port;
use crate::host::{Host, Script};
use crate::machine::{Fences, Machine, Place, Strength};
use crate::soc::Config;
use crate::statics;

/// USART1 sends a message and receives one at once, by DMA1, and its peer does the same.
///
/// The chip sends capital letters, the peer small ones.
///
/// See [`vcd::write`](crate::trace::vcd::write) for an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Bytes each way: 1 to [`Exchange::MOST_BYTES`].
    pub bytes: u16,
    /// The machine, and what the driver's fences are on it.
    pub fences: Fences,
}

/// 115 200 baud at 72 MHz. The emulated line has no rate.
const SETTINGS: Settings = Settings { brr: 0x271, parity: Parity::None };

impl Exchange {
    /// The most bytes each way: whoever looks at a timeline wants no more.
    pub const MOST_BYTES: u16 = 1024;

    /// So many bytes each way, with the fences that a Cortex-M3 needs.
    pub fn new(bytes: u16) -> Self {
        Self { bytes, fences: Fences::right(Machine::CortexM4) }
    }

    pub(super) fn by_name(parameters: &str) -> Option<Self> {
        let (bytes, fences) = parameters.split_once(':')?;
        let (bytes, fences) = (bytes.parse().ok()?, fences_by_name(fences)?);
        (1..=Self::MOST_BYTES).contains(&bytes).then_some(Self { bytes, fences })
    }

    /// So many letters from `first` on, round and round.
    fn letters(&self, first: u8) -> impl Iterator<Item = u8> + use<> {
        (first..first + 26).cycle().take(self.bytes.into())
    }
}

impl Program for Exchange {
    fn name(&self) -> String {
        format!("exchange:{}:{}", self.bytes, name_of_fences(self.fences))
    }

    fn config(&self) -> Config {
        Config { chip: Chip::Stm32f103, fences: self.fences, ..Config::default() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let channels = Dma1::split(board.block());
        let (tx, rx) = Usart::<_, Usart1>::new(board.block(), SETTINGS).split();
        let (sender, receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
        let message = statics::bytes(self.bytes.into());
        message.iter_mut().zip(self.letters(b'A')).for_each(|(byte, letter)| *byte = letter);
        let room = statics::bytes(self.bytes.into());

        let input = receiver.read_exact(room).expect("the line is quiet, and the buffer in RAM");
        let output = sender.write_all(message).expect("the buffer is in RAM");
        let (message, mut sender) = output.wait().expect("no access fails");
        let (room, mut receiver) = input.wait().expect("nothing goes wrong on the line");
        sender.flush(&mut receiver);

        let got = room.to_vec();
        statics::give_back_bytes(message);
        statics::give_back_bytes(room);
        assert_eq!(got, self.letters(b'a').collect::<Vec<_>>(), "what the peer has sent");
    }

    fn host(&self, mut host: Host) -> Script {
        let [sent, due] = [b'a', b'A'].map(|first| self.letters(first).collect::<Vec<_>>());
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            peer.send(&sent).await?;
            expect(&peer.receive(due.len()).await?, &due)
        })
    }
}

impl Repairable for Exchange {
    fn places(&self) -> Vec<(Place, Strength)> {
        self.fences.places()
    }

    fn with_fence(&self, place: Place, strength: Strength) -> Self {
        Self { fences: self.fences.with(place, strength), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::{Kind, Verdict, stepped, threads};

    fn explore(program: &Exchange) -> Verdict {
        stepped::explore(program, stepped::Limits::default()).verdict
    }

    #[test]
    fn exchange_with_the_right_fences_is_sound_on_every_schedule() {
        let verdict = explore(&Exchange::new(2));
        assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    }

    #[test]
    fn exchange_without_one_of_its_fences_is_a_race_that_replays() {
        let right = Exchange::new(1).fences;
        for fences in [Fences { start: Strength::None, ..right }, Fences { end: Strength::None, ..right }] {
            let program = Exchange { bytes: 1, fences };
            let verdict = explore(&program);
            assert_eq!(verdict.kind(), Kind::Race, "{fences:?}: {verdict}");
            let recording = verdict.replay().expect("it can be replayed").parse().expect("it is whole");
            let again = stepped::replay(&program, &recording).expect("it is of this program");
            assert_eq!(again.verdict.kind(), Kind::Race, "{}", again.verdict);
        }
    }

    #[test]
    fn longest_exchange_is_sound_on_real_threads() {
        let verdict = threads::run(&Exchange::new(Exchange::MOST_BYTES), None).verdict;
        assert_eq!(verdict.kind(), Kind::Sound, "{verdict}");
    }
}
