//! Each fault in each transaction: a right device loses and doubles nothing, and a wrong one is found out.

use proptest::prelude::*;

use super::*;
use crate::host::requests::get_descriptor;

/// Faults by the number of the transaction that they happen to, counted from 0.
type Schedule = BTreeMap<usize, Fault>;

/// A wire on which faults happen by number.
struct FaultyWire {
    inner: FakeWire,
    schedule: Schedule,
    count: std::cell::Cell<usize>,
}

impl Wire for FaultyWire {
    fn poll_step(&self, step: &Step, context: &mut Context<'_>) -> Poll<Result<Reply, HostError>> {
        let mut step = step.clone();
        if let Step::Transaction(transaction) = &mut step {
            let count = self.count.replace(self.count.get() + 1);
            transaction.fault = self.schedule.get(&count).copied();
        }
        self.inner.poll_step(&step, context)
    }
}

impl Rig {
    /// The same device, with faults on the wire.
    fn with_schedule(mut self, schedule: Schedule) -> Self {
        let wire = FaultyWire { inner: FakeWire(self.fake.clone()), schedule, count: std::cell::Cell::default() };
        self.host = Host::new(Rc::new(wire));
        self
    }

    fn with_fault_at(self, at: usize, fault: Fault) -> Self {
        self.with_schedule(BTreeMap::from([(at, fault)]))
    }
}

/// The faults that a host and a device survive without a loss.
const SURVIVED: [Fault; 3] = [Fault::LostToken, Fault::CorruptedPacket, Fault::LostHandshake];

#[test]
fn bulk_out_arrives_once_whatever_is_lost() {
    for fault in SURVIVED {
        for at in 0..4 {
            let mut rig = Rig::with_endpoints(Defect::None, &[0x01]).with_fault_at(at, fault);
            assert_eq!(now(rig.host.bulk_out(1, &bytes(200))), Ok(()));
            assert_eq!(rig.received(0x01).concat(), bytes(200), "{fault} at {at}");
            assert_eq!(rig.fake().logged("@0.1 OUT"), 5, "{fault} at {at}: one more than packets");
        }
    }
}

#[test]
fn device_that_stores_repeats_doubles_a_packet_whose_ack_was_lost() {
    let mut rig = Rig::with_endpoints(Defect::StoresRepeats, &[0x01]).with_fault_at(1, Fault::LostHandshake);
    assert_eq!(now(rig.host.bulk_out(1, &bytes(200))), Ok(()));
    assert_eq!(rig.received(0x01).concat().len(), 264);
}

#[test]
fn bulk_in_arrives_once_whatever_is_lost() {
    for fault in SURVIVED {
        for at in 0..3 {
            let mut rig = Rig::with_endpoints(Defect::None, &[0x81]).with_fault_at(at, fault);
            rig.arm(0x81, &[&[1; 64], &[2; 64], &[3; 9], &[4]]);
            let due = [vec![1; 64], vec![2; 64], vec![3; 9]].concat();
            assert_eq!(now(rig.host.bulk_in(1, 512)), Ok(due), "{fault} at {at}");
            assert_eq!(now(rig.host.bulk_in(1, 512)), Ok(vec![4]), "{fault} at {at}");
        }
    }
}

#[test]
fn device_whose_toggle_is_stuck_is_found_out_by_a_lost_ack_too() {
    let mut rig = Rig::with_endpoints(Defect::StuckToggle, &[0x81]).with_fault_at(0, Fault::LostHandshake);
    rig.arm(0x81, &[&[1; 64], &[2; 64]]);
    assert_eq!(now(rig.host.bulk_in(1, 128)), Err(HostError::Toggle { endpoint: 1, expected: 1, got: 0 }));
}

#[test]
fn packet_with_the_wrong_toggle_is_dropped_by_the_device() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    assert_eq!(now(rig.host.with_fault(Fault::WrongToggle).bulk_out(1, &[1])), Ok(()));
    assert_eq!(rig.received(0x01), Vec::<Vec<u8>>::new(), "it looked like a repeat");
    let mut rig = Rig::with_endpoints(Defect::StoresRepeats, &[0x01]);
    assert_eq!(now(rig.host.with_fault(Fault::WrongToggle).bulk_out(1, &[1])), Ok(()));
    assert_eq!(rig.received(0x01), [[1]], "by a right one");
}

#[test]
fn control_transfers_survive_each_fault_in_each_transaction() {
    let write = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 100 };
    for fault in SURVIVED {
        for at in 0..4 {
            let mut rig = Rig::new(Defect::None).with_fault_at(at, fault);
            rig.fake().descriptors.insert(0x4200, bytes(100));
            assert_eq!(now(rig.host.control_in(get_descriptor(0x42, 0, 0, 100))), Ok(bytes(100)), "{fault} at {at}");
            let mut rig = Rig::new(Defect::None).with_fault_at(at, fault);
            assert_eq!(now(rig.host.control_out(write, &bytes(100))), Ok(()), "{fault} at {at}");
            assert_eq!(rig.fake().written, bytes(100), "{fault} at {at}");
        }
    }
}

#[test]
fn control_write_to_a_device_that_stores_repeats_is_doubled() {
    let write = Setup { request_type: 0x40, request: 1, value: 0, index: 0, length: 100 };
    let mut rig = Rig::new(Defect::StoresRepeats).with_fault_at(1, Fault::LostHandshake);
    assert_eq!(now(rig.host.control_out(write, &bytes(100))), Ok(()));
    assert_eq!(rig.fake().written.len(), 164);
}

#[test]
fn third_loss_in_a_row_is_the_last() {
    /// Loses the first tokens.
    struct Losing(FakeWire, std::cell::Cell<u32>);
    impl Wire for Losing {
        fn poll_step(&self, step: &Step, context: &mut Context<'_>) -> Poll<Result<Reply, HostError>> {
            let left = self.1.get();
            self.1.set(left.saturating_sub(1));
            if left > 0 { Poll::Ready(Ok(Reply::Answer(Answer::Silence))) } else { self.0.poll_step(step, context) }
        }
    }
    let outcome = |losses| {
        let Rig { fake, .. } = Rig::with_endpoints(Defect::None, &[0x01]);
        let mut host = Host::new(Rc::new(Losing(FakeWire(fake), std::cell::Cell::new(losses))));
        now(host.bulk_out(1, &[1]))
    };
    assert_eq!(outcome(2), Ok(()));
    assert_eq!(outcome(3), Err(HostError::NoAnswer { token: "OUT", address: 0, endpoint: 1, tries: 3 }));
}

#[test]
fn losses_with_a_nak_between_are_not_in_a_row() {
    let lost = |at| (at, Fault::LostToken);
    let outcome = |schedule: &[(usize, Fault)]| {
        // Nothing is armed: what arrives is answered NAK, and the host gives up its second retry.
        let rig = Rig::with_endpoints(Defect::None, &[0x81]);
        now(rig.with_schedule(schedule.iter().copied().collect()).host.bulk_in(1, 64))
    };
    let with_nak = outcome(&[lost(0), lost(1), lost(3), lost(4)]);
    assert!(with_nak.as_ref().is_err_and(HostError::is_timeout), "{with_nak:?}");
    let in_a_row = outcome(&[lost(0), lost(1), lost(2)]);
    assert!(matches!(in_a_row, Err(HostError::NoAnswer { tries: 3, .. })), "{in_a_row:?}");
}

#[test]
fn fault_of_a_script_happens_once() {
    let mut rig = Rig::with_endpoints(Defect::None, &[0x01]);
    assert_eq!(now(rig.host.with_fault(Fault::LostToken).bulk_out(1, &[1])), Ok(()));
    assert_eq!(rig.fake().log, ["@0.1 OUT DATA0, 1 bytes: no answer", "@0.1 OUT DATA0, 1 bytes: ACK"]);
}

/// Faults at random, not more than two in a row: the third is the last.
fn any_schedule() -> impl Strategy<Value = Schedule> {
    let fault = prop_oneof![3 => Just(None), 2 => proptest::sample::select(&SURVIVED).prop_map(Some)];
    proptest::collection::vec(fault, 0..40).prop_map(|faults| {
        let mut in_a_row = 0;
        let kept = faults.into_iter().map(|fault| {
            let fault = fault.filter(|_| in_a_row < 2);
            in_a_row = if fault.is_some() { in_a_row + 1 } else { 0 };
            fault
        });
        kept.enumerate().filter_map(|(at, fault)| Some((at, fault?))).collect()
    })
}

proptest! {
    #[test]
    fn bytes_arrive_once_on_any_schedule_of_faults(schedule in any_schedule(), length in 0..400_usize) {
        let mut rig = Rig::with_endpoints(Defect::None, &[0x01, 0x81]).with_schedule(schedule.clone());
        let sent = bytes(length);
        prop_assert_eq!(now(rig.host.bulk_out(1, &sent)), Ok(()));
        prop_assert_eq!(rig.received(0x01).concat(), sent.clone());
        let packets: Vec<_> = rig.received(0x01);
        rig.arm(0x81, &packets.iter().map(Vec::as_slice).collect::<Vec<_>>());
        prop_assert_eq!(now(rig.host.bulk_in(1, length)), Ok(sent));

        let mut rig = Rig::new(Defect::None).with_schedule(schedule);
        rig.fake().descriptors.insert(0x4200, bytes(length));
        prop_assert_eq!(now(rig.host.control_in(get_descriptor(0x42, 0, 0, 399))), Ok(bytes(length.min(399))));
    }
}
