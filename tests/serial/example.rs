//! The firmware of `dma-api/examples/stm32f103_echo`, as it runs on the chip, on every schedule.

use sim_core::explore::{Board, Kind, Program};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::machine::{Fences, Machine};
use sim_core::soc::Config;

use crate::echo::turn;
use crate::firmware::{assert_sound, config, counting, expect, explore, usart1, zeros};

/// So many turns of one byte.
struct Echo {
    turns: u8,
    fences: Fences,
}

impl Program for Echo {
    fn name(&self) -> String {
        format!("echo:{}", self.turns)
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut sender, mut receiver) = usart1(&board);
        let (mut full, mut empty) = (counting(1), zeros(1));
        for _ in 0..self.turns {
            (sender, receiver, full, empty) = turn(sender, receiver, full, empty);
        }
        sender.flush(&mut receiver);
    }

    fn host(&self, mut host: Host) -> Script {
        let turns = self.turns;
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            let mut due = [1];
            for turn in 0..turns {
                expect(&peer.receive(1).await?, &due)?;
                due = [turn + 2];
                peer.send(&due).await?;
            }
            Ok(())
        })
    }
}

#[test]
fn message_comes_back_on_every_schedule() {
    assert_sound(&Echo { turns: 2, fences: Fences::right(Machine::CortexM4) });
}

#[test]
fn message_that_nothing_orders_is_a_race() {
    for fences in Fences::all().filter(|fences| fences.machine == Machine::CortexM7 && !fences.suffice()) {
        assert_eq!(explore(&Echo { turns: 1, fences }).kind(), Kind::Race, "{fences:?}");
    }
}
