//! Random use: no byte is lost, doubled or torn.
//!
//! Whatever is sent, received, stopped, dropped and borrowed, in whatever order, on whatever schedule.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;
use sim_core::explore::scheduler::Seeded;
use sim_core::explore::{Board, Kind, Program, stepped};
use sim_core::host::serial::Port;
use sim_core::host::{Host, HostError, Script};
use sim_core::machine::{Fences, Machine};
use sim_core::soc::Config;

use crate::firmware::{config, usart1};

/// One thing that the firmware does.
#[derive(Clone, Copy, Debug)]
enum Operation {
    /// Sends so many frames.
    Send(u8),
    /// Stops after so many looks at how many were moved.
    SendStopped(u8, u8),
    /// Sends from the stack.
    SendBorrowed(u8),
    /// Receives so many frames.
    Receive(u8),
    /// Stops after so many looks.
    ReceiveStopped(u8, u8),
    /// Receives to the stack.
    ReceiveBorrowed(u8),
    /// Sends and receives at once.
    Both(u8, u8),
    /// Waits until all has left.
    Flush,
}

fn operation() -> impl Strategy<Value = Operation> {
    let length = 1..6_u8;
    let looks = 0..12_u8;
    prop_oneof![
        length.clone().prop_map(Operation::Send),
        (length.clone(), looks.clone()).prop_map(|(length, looks)| Operation::SendStopped(length, looks)),
        length.clone().prop_map(Operation::SendBorrowed),
        length.clone().prop_map(Operation::Receive),
        (length.clone(), looks).prop_map(|(length, looks)| Operation::ReceiveStopped(length, looks)),
        length.clone().prop_map(Operation::ReceiveBorrowed),
        (length.clone(), length).prop_map(|(sends, receives)| Operation::Both(sends, receives)),
        Just(Operation::Flush),
    ]
}

/// Operations, on a chip with these fences.
#[derive(Clone, Debug)]
struct Random {
    operations: Vec<Operation>,
    fences: Fences,
    /// What the firmware says it has sent.
    sent: Rc<RefCell<Vec<u8>>>,
}

/// Bytes that nobody has used before.
struct Fresh(u8);

impl Fresh {
    fn take(&mut self, length: u8) -> Vec<u8> {
        let bytes = (0..length).map(|byte| self.0.wrapping_add(byte)).collect();
        self.0 = self.0.wrapping_add(length);
        bytes
    }
}

fn leak(bytes: Vec<u8>) -> &'static mut [u8] {
    Box::leak(bytes.into_boxed_slice())
}

impl Random {
    fn new(operations: Vec<Operation>, fences: Fences) -> Self {
        Self { operations, fences, sent: Rc::default() }
    }

    /// How many frames are asked for.
    fn asked(&self) -> usize {
        let asks = self.operations.iter().map(|operation| match *operation {
            Operation::Receive(length)
            | Operation::ReceiveStopped(length, _)
            | Operation::ReceiveBorrowed(length)
            | Operation::Both(_, length) => usize::from(length),
            _ => 0,
        });
        asks.sum()
    }
}

impl Program for Random {
    fn name(&self) -> String {
        "random".to_owned()
    }

    fn config(&self) -> Config {
        Config { fences: self.fences, ..config() }
    }

    fn firmware<B: Board>(&self, board: B) {
        let (mut sender, mut receiver) = usart1(&board);
        let (mut fresh, mut came) = (Fresh(0), Vec::new());
        let says = |bytes: &[u8]| self.sent.borrow_mut().extend_from_slice(bytes);
        for &operation in &self.operations {
            match operation {
                Operation::Send(length) => {
                    let transfer = sender.write_all(leak(fresh.take(length))).expect("it is not refused");
                    let (buffer, channel) = transfer.wait().expect("no access fails");
                    says(buffer);
                    sender = channel;
                }
                Operation::SendStopped(length, looks) => {
                    let transfer = sender.write_all(leak(fresh.take(length))).expect("it is not refused");
                    (0..looks).for_each(|_| assert!(transfer.moved() <= length.into()));
                    let (buffer, channel, moved) = transfer.stop();
                    says(&buffer[..moved]);
                    sender = channel;
                }
                Operation::SendBorrowed(length) => {
                    let bytes = fresh.take(length);
                    sender.scope(&bytes, |_| ()).expect("it is not refused").1.expect("no access fails");
                    says(&bytes);
                }
                Operation::Receive(length) => {
                    let transfer = receiver.read_exact(leak(vec![0; length.into()])).expect("it is not refused");
                    let (buffer, channel) = transfer.wait().expect("nothing goes wrong");
                    came.extend_from_slice(buffer);
                    receiver = channel;
                }
                Operation::ReceiveStopped(length, looks) => {
                    let transfer = receiver.read_exact(leak(vec![0; length.into()])).expect("it is not refused");
                    let mut seen = vec![0; length.into()];
                    for _ in 0..looks {
                        let count = transfer.received(&mut seen);
                        assert!(
                            seen[..count].iter().zip(came.len()..).all(|(byte, due)| usize::from(*byte) == due % 256)
                        );
                    }
                    let (buffer, channel, moved) = transfer.stop();
                    came.extend_from_slice(&buffer[..moved]);
                    receiver = channel;
                }
                Operation::ReceiveBorrowed(length) => {
                    let mut bytes = vec![0; length.into()];
                    receiver.scope(&mut bytes, |_| ()).expect("it is not refused").1.expect("nothing goes wrong");
                    came.extend(bytes);
                }
                Operation::Both(sends, receives) => {
                    let input = receiver.read_exact(leak(vec![0; receives.into()])).expect("it is not refused");
                    let output = sender.write_all(leak(fresh.take(sends))).expect("it is not refused");
                    let (buffer, channel) = input.wait().expect("nothing goes wrong");
                    came.extend_from_slice(buffer);
                    receiver = channel;
                    let (buffer, channel) = output.wait().expect("no access fails");
                    says(buffer);
                    sender = channel;
                }
                Operation::Flush => sender.flush(&mut receiver),
            }
        }
        assert!(came.iter().zip(0..).all(|(byte, due)| usize::from(*byte) == due % 256), "{came:?}");
    }

    fn host(&self, mut host: Host) -> Script {
        let (asked, sent) = (self.asked(), self.sent.clone());
        Box::pin(async move {
            let mut peer = host.serial(Port::Usart1);
            for frame in 0..asked {
                let [byte, ..] = frame.to_le_bytes();
                match peer.send(&[byte]).await {
                    // A transfer that was stopped asks for fewer.
                    Err(HostError::NoFrame { .. }) => break,
                    outcome => outcome?,
                }
            }
            let mut got = Vec::new();
            loop {
                match peer.receive(1).await {
                    Ok(byte) => got.extend(byte),
                    Err(HostError::NoFrame { .. }) => break,
                    Err(error) => return Err(error),
                }
            }
            if got == *sent.borrow() {
                return Ok(());
            }
            Err(HostError::Unexpected(format!("{got:?} came where {:?} was sent", sent.borrow())))
        })
    }
}

fn judge(operations: &[Operation], fences: Fences, seed: u64) -> Kind {
    let program = Random::new(operations.to_vec(), fences);
    let run = stepped::run(&program, &Rc::new(RefCell::new(Seeded::new(seed))), None);
    println!("{operations:?}, seed {seed}: {}", run.verdict);
    run.verdict.kind()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_is_lost_whatever_is_done(operations in prop::collection::vec(operation(), 1..12), seed: u64) {
        for machine in Machine::ALL {
            prop_assert_eq!(judge(&operations, Fences::right(machine), seed), Kind::Sound);
        }
    }

    #[test]
    fn fence_that_the_machine_does_not_honour_is_found(
        operations in prop::collection::vec(operation(), 1..12),
        seed: u64,
    ) {
        let weak = Fences { machine: Machine::CortexM7, ..Fences::right(Machine::CortexM4) };
        let kind = judge(&operations, weak, seed);
        // Some operations move nothing, on this schedule.
        let certainly = operations.iter().any(|operation| matches!(operation, Operation::Send(_) | Operation::Receive(_)));
        prop_assert!(kind == Kind::Race || !certainly, "{:?}", kind);
    }
}
