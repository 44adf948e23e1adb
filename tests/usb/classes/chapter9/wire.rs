//! What a tool on real hardware cannot do: lost and repeated packets, transfers that are abandoned, toggles.

use dma_api::usb::Setup;
use sim_core::device::usbd::Packet;
use sim_core::host::fault::Fault;
use sim_core::host::requests::{self, get_configuration};
use sim_core::host::{PATIENCE_MS, descriptors};

use super::*;

/// The faults that a device must bear without anybody noticing. (A toggle that is wrong is the host's fault: it loses
/// its packet.)
const FAULTS: [Fault; 3] = [Fault::LostToken, Fault::CorruptedPacket, Fault::LostHandshake];

/// As a host does that was refused: it asks again, three times. A driver refuses when a SETUP came at a moment that
/// leaves it in doubt.
async fn ask(host: &mut Host, setup: Setup) -> Result<Vec<u8>, HostError> {
    for _ in 0..2 {
        match host.control_in(setup).await {
            Err(HostError::Stalled { .. }) => {}
            outcome => return outcome,
        }
    }
    host.control_in(setup).await
}

/// As [`ask`], for a write.
async fn tell(host: &mut Host, setup: Setup, data: &[u8]) -> Result<(), HostError> {
    for _ in 0..2 {
        match host.control_out(setup, data).await {
            Err(HostError::Stalled { .. }) => {}
            outcome => return outcome,
        }
    }
    host.control_out(setup, data).await
}

/// Waits until the device has nothing more to do: an endpoint without data is answered NAK for as long as somebody goes
/// on.
async fn settle(host: &mut Host, subject: Subject) -> Result<(), HostError> {
    host.set_patience_ms(1);
    let outcome = host.bulk_in(subject.bulk_in, 64).await;
    host.set_patience_ms(PATIENCE_MS);
    match outcome {
        Err(error) if error.is_timeout() => Ok(()),
        outcome => Err(HostError::Unexpected(format!("a packet that nobody has sent: {outcome:?}"))),
    }
}

/// A control read that the host gives up after so many transactions, or at the next, if it was over before.
async fn abandon(host: &mut Host, transactions: u32, setup: Setup) -> Result<(), HostError> {
    let mut outcome = host.abandon_after(transactions).control_in(setup).await;
    if outcome.is_ok() {
        outcome = host.abandon_after(0).control_in(setup).await;
    }
    ensure(matches!(outcome, Err(HostError::Abandoned { .. })), format!("it was to be abandoned: {outcome:?}"))
}

#[test]
fn control_read_survives_a_fault_in_each_transaction() {
    holds_on_schedules(&[], |mut host, subject| async move {
        configure(&mut host).await?;
        let setup = get_descriptor(descriptors::CONFIGURATION, 0, 0, 32);
        let due = host.control_in(setup).await?;
        for fault in FAULTS {
            for transaction in [Transaction::Setup, Transaction::Data, Transaction::Status] {
                if (fault, transaction) != (Fault::LostHandshake, Transaction::Data) {
                    let bytes = read_with_fault(&mut host, subject, setup, fault, transaction).await?;
                    ensure(bytes == due, format!("{fault} in {transaction:?}: {bytes:?}"))?;
                }
            }
        }
        Ok(())
    });
}

/// USB 2.0 8.5.3.3: the host has the last packet and goes on to the status stage; the device has not seen its ACK.
#[test]
fn last_acknowledgement_that_is_lost_ends_the_data_stage_all_the_same() {
    let reason = "endpoint 0 of the chip waits for the ACK; `UsbBus` permits the status stage some frames later";
    let exceptions = [Exception { subject: LOOPBACK, reason, says: "was answered with NAK" }];
    holds_on_schedules(&exceptions, |mut host, subject| async move {
        configure(&mut host).await?;
        host.wait_frames(1).await?;
        // One packet, of each of the devices.
        let setup = get_descriptor(descriptors::DEVICE, 0, 0, 8);
        let due = host.control_in(setup).await?;
        let bytes = read_with_fault(&mut host, subject, setup, Fault::LostHandshake, Transaction::Data).await?;
        ensure(bytes == due, format!("{bytes:?}"))?;
        ensure(host.control_in(setup).await? == due, "another answer")
    });
}

/// Where in a control read something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    Setup,
    /// The last packet of the data stage.
    Data,
    Status,
}

/// A control read, of packets that are whole, in which this happens.
async fn read_with_fault(
    host: &mut Host,
    subject: Subject,
    setup: Setup,
    fault: Fault,
    suffers: Transaction,
) -> Result<Vec<u8>, HostError> {
    if suffers == Transaction::Setup {
        host.with_fault(fault);
    }
    host.setup(setup).await?;
    let (mut bytes, mut data1) = (Vec::new(), true);
    while bytes.len() < usize::from(setup.length) {
        // Otherwise it would happen to a NAK.
        settle(host, subject).await?;
        if suffers == Transaction::Data {
            host.with_fault(fault);
        }
        bytes.extend_from_slice(host.packet_in(data1).await?.bytes());
        data1 = !data1;
    }
    settle(host, subject).await?;
    if suffers == Transaction::Status {
        host.with_fault(fault);
    }
    permitted_status(host).await?;
    Ok(bytes)
}

/// The status stage of a read, on a bus with frames: one goes by when the device does not get on.
async fn permitted_status(host: &mut Host) -> Result<(), HostError> {
    const FRAMES: u32 = 20;
    host.set_patience_ms(1);
    for _ in 0..FRAMES {
        match host.packet_out(true, Packet::EMPTY).await {
            Err(error) if error.is_timeout() => host.wait_frames(1).await?,
            outcome => {
                host.set_patience_ms(PATIENCE_MS);
                return outcome;
            }
        }
    }
    host.packet_out(true, Packet::EMPTY).await
}

#[test]
fn bulk_data_arrives_once_whatever_is_lost() {
    holds_on_schedules(&[], |mut host, subject| async move {
        configure(&mut host).await?;
        let mut number = 0;
        for fault in FAULTS {
            for _ in 0..2 {
                number += 1;
                host.with_fault(fault);
                host.bulk_out(subject.bulk_out, &[number, 1, 2]).await?;
                host.with_fault(fault);
                let back = host.bulk_in(subject.bulk_in, 3).await?;
                ensure(back == [number, 1, 2], format!("{fault}: {back:?}"))?;
                // The class gets the next packet when it knows that this one is gone.
                settle(&mut host, subject).await?;
            }
        }
        Ok(())
    });
}

#[test]
fn setup_in_mid_data_begins_anew() {
    holds_on_schedules(&[], |mut host, subject| async move {
        configure(&mut host).await?;
        let setup = get_descriptor(descriptors::CONFIGURATION, 0, 0, 255);
        let due = host.control_in(setup).await?;
        // After the SETUP, after packets of the data stage, before the status stage.
        for transactions in 1..6 {
            abandon(&mut host, transactions, setup).await?;
            settle(&mut host, subject).await?;
            ensure(ask(&mut host, setup).await? == due, format!("after {transactions}: another answer"))?;
            ensure(ask(&mut host, get_configuration()).await? == [1], "another answer")?;
        }
        Ok(())
    });
}

#[test]
fn write_that_is_abandoned_leaves_nothing_behind() {
    // SET_LINE_CODING on the serial port: the only one with a write of which one can ask what has come.
    let set = Setup { request_type: 0x21, request: 0x20, value: 0, index: 0, length: 7 };
    let get = Setup { request_type: 0xA1, request: 0x21, ..set };
    passes_on_schedules(Device::Serial, move |mut host| async move {
        configure(&mut host).await?;
        for transactions in 1..3 {
            tell(&mut host, set, &[1; 7]).await?;
            let outcome = host.abandon_after(transactions).control_out(set, &[2; 7]).await;
            ensure(matches!(outcome, Err(HostError::Abandoned { .. })), format!("{outcome:?}"))?;
            settle(&mut host, SERIAL).await?;
            let coding = ask(&mut host, get).await?;
            // Its status stage was left out: whether it holds is the device's affair, but not by half.
            ensure(matches!(coding[..4], [1, 1, 1, 1] | [2, 2, 2, 2]), format!("{coding:?}"))?;
            settle(&mut host, SERIAL).await?;
            tell(&mut host, set, &[3, 3, 3, 3, 0, 0, 8]).await?;
            ensure(ask(&mut host, get).await? == [3, 3, 3, 3, 0, 0, 8], "what came last does not hold")?;
        }
        Ok(())
    });
}

#[test]
fn reset_in_mid_transfer_begins_anew() {
    holds(|mut host, subject| async move {
        for transactions in 1..4 {
            configure_again(&mut host).await?;
            echo(&mut host, subject, b"before").await?;
            abandon(&mut host, transactions, get_descriptor(descriptors::CONFIGURATION, 0, 0, 32)).await?;
            configure_again(&mut host).await?;
            // A packet that is on its way back: the device has it, and the host has not.
            host.bulk_out(subject.bulk_out, b"lost").await?;
            configure_again(&mut host).await?;
            echo(&mut host, subject, b"after").await?;
        }
        Ok(())
    });
}

#[test]
fn suspension_in_mid_transfer_goes_on_after_it() {
    holds(|mut host, subject| async move {
        configure(&mut host).await?;
        for _ in 0..3 {
            host.bulk_out(subject.bulk_out, b"sleep").await?;
            host.suspend().await?;
            host.resume().await?;
            host.settle().await?;
            let back = host.bulk_in(subject.bulk_in, 5).await?;
            ensure(back == b"sleep", format!("{back:?}"))?;
            // The device has seen the end of it when it answers.
            ensure(host.control_in(get_configuration()).await? == [1], "it is not configured any more")?;
        }
        Ok(())
    });
}

/// An odd number of packets each way, so that DATA1 is due, and then a request after which DATA0 is.
async fn toggles_restart(host: &mut Host, subject: Subject, request: Setup) -> Result<(), HostError> {
    configure(host).await?;
    for _ in 0..3 {
        echo(host, subject, b"odd").await?;
        host.control_out(request, &[]).await?;
    }
    echo(host, subject, b"end").await
}

#[test]
fn clear_feature_restarts_the_toggle() {
    holds(|mut host, subject| async move {
        toggles_restart(&mut host, subject, requests::clear_halt(0x80 | subject.bulk_in)).await?;
        toggles_restart(&mut host, subject, requests::clear_halt(subject.bulk_out)).await
    });
}

#[test]
fn set_configuration_restarts_the_toggles() {
    holds(|mut host, subject| async move { toggles_restart(&mut host, subject, Setup::set_configuration(1)).await });
}

#[test]
fn set_interface_restarts_the_toggles() {
    let reason = "it tells nobody but the class of SET_INTERFACE, and this one has nothing to do then";
    let exceptions = usb_device_fails(reason, "was answered with NAK");
    holds_except(&exceptions, |mut host, subject| async move {
        // The interface with the bulk endpoints.
        let interface = if subject == SERIAL { 1 } else { 0 };
        toggles_restart(&mut host, subject, requests::set_interface(interface, 0)).await
    });
}

#[test]
fn packet_with_a_toggle_that_is_not_due_is_dropped() {
    holds_on_schedules(&[], |mut host, subject| async move {
        configure(&mut host).await?;
        echo(&mut host, subject, b"first").await?;
        settle(&mut host, subject).await?;
        host.with_fault(Fault::WrongToggle);
        // The device takes it for a repeat of the first: it acknowledges, and drops it.
        host.bulk_out(subject.bulk_out, b"wrong").await?;
        settle(&mut host, subject).await
    });
}
