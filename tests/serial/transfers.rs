//! Whole transfers: to the wire, from the wire, both at once.

use std::cell::RefCell;
use std::rc::Rc;

use dma_api::stm32f103::dma::Dma1;
use dma_api::stm32f103::usart::{Instance, Usart, Usart1, Usart2, Usart3};
use sim_core::explore::scheduler::{Immediate, Seeded, Timed, Timing};
use sim_core::explore::{Board, Kind, Program, stepped, threads};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::soc::Config;

use crate::firmware::{assert_sound, config, counting, expect, halves, usart1, zeros};

/// Sends and receives so many bytes at once, through USART1 to 3, as often as told.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    port: Port,
    sends: u8,
    receives: u8,
    times: u8,
}

impl Exchange {
    fn run<B: Board, P: Instance>(
        self,
        board: &B,
        transmit: P::Transmit<crate::firmware::Dma<B>>,
        receive: P::Receive<crate::firmware::Dma<B>>,
    ) {
        let (mut sender, mut receiver) = halves::<B, P>(board, transmit, receive);
        let (mut out, mut into) = (counting(self.sends), zeros(self.receives.into()));
        for time in 0..self.times {
            out.iter_mut().for_each(|byte| *byte += time);
            let input = receiver.read_exact(into).expect("it is not refused");
            let output = sender.write_all(out).expect("it is not refused");
            (out, sender) = output.wait().expect("no access fails");
            (into, receiver) = input.wait().expect("nothing goes wrong on the line");
            let due: Vec<u8> = (0..self.receives).map(|byte| byte + time).collect();
            assert_eq!(into, due);
        }
        sender.flush(&mut receiver);
    }
}

impl Program for Exchange {
    fn name(&self) -> String {
        let Self { port, sends, receives, times } = self;
        format!("exchange:{port:?}:{sends}:{receives}:{times}")
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let channels = Dma1::split(board.block());
        match self.port {
            Port::Usart1 => self.run::<B, Usart1>(&board, channels.c4, channels.c5),
            Port::Usart2 => self.run::<B, Usart2>(&board, channels.c7, channels.c6),
            Port::Usart3 => self.run::<B, Usart3>(&board, channels.c2, channels.c3),
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { port, sends, receives, times } = *self;
        Box::pin(async move {
            let mut peer = host.serial(port);
            for time in 0..times {
                peer.send(&(0..receives).map(|byte| byte + time).collect::<Vec<_>>()).await?;
                let first: u8 = (0..=time).sum();
                expect(&peer.receive(sends.into()).await?, &(1..=sends).map(|byte| byte + first).collect::<Vec<_>>())?;
            }
            Ok(())
        })
    }
}

const EXCHANGE: Exchange = Exchange { port: Port::Usart1, sends: 2, receives: 2, times: 1 };

#[test]
fn exchange_is_sound_on_every_schedule() {
    assert_sound(&EXCHANGE);
    for port in [Port::Usart2, Port::Usart3] {
        assert_sound(&Exchange { port, sends: 1, ..EXCHANGE });
    }
    assert_sound(&Exchange { sends: 3, receives: 1, ..EXCHANGE });
}

#[test]
fn long_exchange_is_sound_on_many_schedules() {
    let program = Exchange { sends: 100, receives: 90, times: 2, ..EXCHANGE };
    let run = stepped::run(&program, &Rc::new(RefCell::new(Immediate)), None);
    assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    for seed in 0..100 {
        let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "seed {seed}: {}", run.verdict);
    }
    let slow = Timing { item: 500, ..Timing::default() };
    for timing in [Timing::default(), slow] {
        let run = stepped::run(&program, &Rc::new(RefCell::new(Timed::new(timing))), None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{timing:?}: {}", run.verdict);
    }
}

#[test]
fn long_exchange_is_sound_on_real_threads() {
    for port in [Port::Usart1, Port::Usart2, Port::Usart3] {
        let program = Exchange { port, sends: 120, receives: 110, times: 2 };
        let run = threads::run(&program, None);
        assert_eq!(run.verdict.kind(), Kind::Sound, "{}", run.verdict);
    }
}

/// Frame by frame, without DMA, and in frames of 9 bits by DMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frames {
    /// An echo by the CPU.
    Blocking,
    /// An echo of half-words.
    NineBits,
}

impl Program for Frames {
    fn name(&self) -> String {
        format!("frames:{self:?}")
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        match self {
            Self::Blocking => {
                let mut usart: Usart<_, Usart1> = Usart::new(board.block(), crate::firmware::SETTINGS);
                for _ in 0..2 {
                    let frame = usart.read().expect("nothing goes wrong on the line");
                    usart.write(frame);
                }
                usart.flush();
            }
            Self::NineBits => {
                let channels = Dma1::split(board.block());
                let (tx, rx) = Usart::<_, Usart1, u16>::with_nine_bits(board.block(), 0x271).split();
                let (sender, receiver) = (tx.with_dma(channels.c4), rx.with_dma(channels.c5));
                let buffer: &'static mut [u16; 2] = Box::leak(Box::new([0; 2]));
                let (buffer, mut receiver) =
                    receiver.read_exact(buffer).expect("it is not refused").wait().expect("it ends");
                let (_, mut sender) = sender.write_all(buffer).expect("it is not refused").wait().expect("it ends");
                sender.flush(&mut receiver);
            }
        }
    }

    fn host(&self, mut host: Host) -> Script {
        let frames = if *self == Self::NineBits { [0x1AB, 0x0CD] } else { [0xAB, 0xCD] };
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            for frame in frames {
                peer.send_frame(frame).await?;
            }
            for frame in frames {
                assert_eq!(peer.receive_frame().await?, frame);
            }
            Ok(())
        })
    }
}

#[test]
fn frames_of_both_widths_come_back() {
    assert_sound(&Frames::Blocking);
    assert_sound(&Frames::NineBits);
}

/// Receives while it looks at what has come so far.
#[derive(Debug)]
struct Looks;

impl Program for Looks {
    fn name(&self) -> String {
        "looks".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, receiver) = usart1(&board);
        let transfer = receiver.read_exact(zeros(3)).expect("it is not refused");
        let mut seen = [0; 3];
        let mut before = 0;
        loop {
            let count = transfer.received(&mut seen);
            assert!(count >= before, "{count} came after {before}");
            assert_eq!(seen[..count], [7, 8, 9][..count]);
            before = count;
            if count == 3 {
                break;
            }
        }
        assert_eq!(transfer.wait().expect("nothing goes wrong").0, [7, 8, 9]);
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move { host.serial(Port::Usart1).send(&[7, 8, 9]).await })
    }
}

#[test]
fn what_has_come_so_far_can_be_looked_at() {
    assert_sound(&Looks);
}
