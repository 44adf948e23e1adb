//! What goes wrong in the middle: on the bus, on the line.

use dma_api::stm32f103::dma::TransferError;
use dma_api::stm32f103::usart::{LineError, ReceiveError, ReceiveStartError};
use sim_core::device::stm32f103::usart::FrameError;
use sim_core::device::stm32f103::{BusError, Line};
use sim_core::explore::{Board, Kind, Program};
use sim_core::host::serial::Port;
use sim_core::host::{Host, Script};
use sim_core::monitor::Rule;
use sim_core::soc::Config;

use crate::firmware::{assert_sound, config, counting, explore, usart1, zeros};

/// The bus has an error at this item of a transfer of three.
#[derive(Clone, Copy, Debug)]
struct OnTheBus {
    sends: bool,
    item: u32,
}

impl Program for OnTheBus {
    fn name(&self) -> String {
        let Self { sends, item } = self;
        format!("bus-error:{sends}:{item}")
    }

    fn config(&self) -> Config {
        let Self { sends, item } = *self;
        let channel = if sends { 4 } else { 5 };
        Config { bus_error: Some(BusError { controller: 1, channel, item }), ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (sender, receiver) = usart1(&board);
        let moved = self.item as usize;
        if self.sends {
            let transfer = sender.write_all(counting(3)).expect("it is not refused");
            while !transfer.is_done() {}
            let failed = transfer.wait().expect_err("an access fails");
            assert_eq!((failed.kind, &*failed.buffer), (TransferError { moved }, &[1, 2, 3][..]));
            // The channel works again, up to the same item.
            let (_, _, again) = failed.channel.write_all(failed.buffer).expect("TEIF was cleared").stop();
            assert!(again <= moved);
            return;
        }
        let failed = receiver.read_exact(zeros(3)).expect("it is not refused").wait().expect_err("an access fails");
        assert_eq!(failed.kind, ReceiveError::Transfer(TransferError { moved }));
        assert_eq!(failed.buffer[..moved], [1, 2, 3][..moved]);
        drop(failed.channel.read_exact(failed.buffer));
    }

    fn host(&self, mut host: Host) -> Script {
        let Self { sends, item } = *self;
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            if sends {
                assert_eq!(peer.receive(item as usize).await?, [1, 2, 3][..item as usize]);
            } else {
                // The item that fails has taken its frame from DR, or has not.
                peer.send(&[1, 2, 3][..=item as usize]).await?;
            }
            Ok(())
        })
    }
}

#[test]
fn error_on_the_bus_ends_a_transfer_and_nothing_is_lost() {
    for sends in [true, false] {
        for item in 0..3 {
            assert_sound(&OnTheBus { sends, item });
        }
    }
}

/// Something is wrong with the second frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OnTheLine(FrameError);

impl Program for OnTheLine {
    fn name(&self) -> String {
        format!("line:{:?}", self.0)
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, receiver) = usart1(&board);
        let failed = receiver.read_exact(zeros(2)).expect("it is not refused").wait().expect_err("a frame is wrong");
        let due = match self.0 {
            FrameError::Parity => LineError::Parity,
            FrameError::Framing => LineError::Framing,
            FrameError::Noise => LineError::Noise,
        };
        assert_eq!((failed.kind, &*failed.buffer), (ReceiveError::Line(due), &[1, 2][..]));
        // It is told once.
        let next = failed.channel.read_exact(failed.buffer).expect("it is told once");
        drop(next);
    }

    fn host(&self, mut host: Host) -> Script {
        let error = self.0;
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            peer.send(&[1]).await?;
            peer.send_with(2, error).await
        })
    }
}

#[test]
fn what_goes_wrong_on_the_line_is_said_at_the_end() {
    for error in [FrameError::Parity, FrameError::Framing, FrameError::Noise] {
        assert_sound(&OnTheLine(error));
    }
}

/// A peer that sends faster than anybody takes it.
#[derive(Debug)]
struct Overruns;

impl Program for Overruns {
    fn name(&self) -> String {
        "overruns".to_owned()
    }

    fn config(&self) -> Config {
        config()
    }

    fn firmware<B: Board>(&self, board: B) {
        let (_, mut receiver) = usart1(&board);
        let (mut got, mut errors) = (Vec::new(), 0);
        loop {
            let transfer = match receiver.read_exact(zeros(2)) {
                Ok(transfer) => transfer,
                Err(refused) => {
                    assert_eq!(refused.kind, ReceiveStartError::Line(LineError::Overrun));
                    (receiver, errors) = (refused.channel, errors + 1);
                    continue;
                }
            };
            while !transfer.is_done() && !board.host_is_done() {}
            if !transfer.is_done() {
                break;
            }
            match transfer.wait() {
                Ok((buffer, channel)) => {
                    got.extend_from_slice(buffer);
                    receiver = channel;
                }
                Err(failed) => {
                    assert_eq!(failed.kind, ReceiveError::Line(LineError::Overrun));
                    got.extend_from_slice(failed.buffer);
                    (receiver, errors) = (failed.channel, errors + 1);
                }
            }
        }
        let is_whole = (1..).zip(&got).all(|(due, frame)| due == *frame);
        assert!(is_whole || errors > 0, "{got:?} came, and nothing is said to be lost");
        assert!(got.is_sorted_by(|a, b| a < b), "{got:?}");
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            peer.send(&[1]).await?;
            peer.send_at_once(2).await?;
            peer.send_at_once(3).await?;
            peer.send(&[4]).await
        })
    }
}

#[test]
fn frame_that_is_lost_is_told_on_every_schedule() {
    assert_sound(&Overruns);
}

/// How two bytes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    /// In one transfer.
    AtOnce,
    /// In two; the first has left before the second starts.
    OneByOne,
    /// In two; the first may leave while the second starts: after TC was cleared, and before the channel is enabled.
    BackToBack,
    /// In a transfer that is stopped, and one of what is left.
    Stopped,
}

/// Sends two bytes, waits until they have left, and switches the transmitter off.
#[derive(Clone, Copy, Debug)]
struct SwitchesOff {
    line: Line,
    sends: Sends,
}

impl Program for SwitchesOff {
    fn name(&self) -> String {
        format!("switches-off:{:?}:{:?}", self.line, self.sends)
    }

    fn config(&self) -> Config {
        Config { line: self.line, ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut sender, mut receiver) = usart1(&board);
        let mut rest = counting(2);
        if self.sends == Sends::Stopped {
            let (bytes, channel, moved) = sender.write_all(rest).expect("it is not refused").stop();
            (sender, rest) = (channel, &mut bytes[moved..]);
            sender.flush(&mut receiver);
        }
        let at_once = if matches!(self.sends, Sends::OneByOne | Sends::BackToBack) { 1 } else { 2 };
        for bytes in rest.chunks_mut(at_once) {
            if self.sends == Sends::OneByOne {
                sender.flush(&mut receiver);
            }
            sender = sender.write_all(bytes).expect("it is not refused").wait().expect("it ends").1;
        }
        sender.flush(&mut receiver);
        let usart = board.block::<dma_api::stm32f103::usart::Usart1>();
        // SAFETY:
        // - It starts no transfer: it switches the USART off.
        unsafe { dma_api::registers::Registers::write(&usart, dma_api::stm32f103::usart::map::cr1(), 0) };
    }

    fn host(&self, mut host: Host) -> Script {
        Box::pin(async move {
            assert_eq!(host.serial(Port::Usart1).receive(2).await?, [1, 2]);
            Ok(())
        })
    }
}

/// The limits of `flush`: its docs have them.
#[test]
fn flush_waits_for_the_last_frame_unless_tc_is_set_before_it() {
    for sends in [Sends::AtOnce, Sends::OneByOne, Sends::Stopped] {
        assert_sound(&SwitchesOff { line: Line::Slow, sends });
    }
    let late = SwitchesOff { line: Line::Any, sends: Sends::AtOnce };
    let back_to_back = SwitchesOff { line: Line::Slow, sends: Sends::BackToBack };
    for limit in [late, back_to_back] {
        let verdict = explore(&limit);
        assert_eq!(verdict.kind(), Kind::Violation(Rule::DisabledWhileSending), "{verdict}");
    }
}
