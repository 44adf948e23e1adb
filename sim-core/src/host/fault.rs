//! What can happen to a transaction on its way.
//!
//! | fault | SETUP, OUT | IN |
//! |---|---|---|
//! | [`LostToken`](Fault::LostToken) | the device sees nothing | the device sees nothing |
//! | [`CorruptedPacket`](Fault::CorruptedPacket) | the device sees a bad CRC: silence | the host sees one: no ACK |
//! | [`LostHandshake`](Fault::LostHandshake) | the host does not see the answer | the device does not see the ACK |
//! | [`WrongToggle`](Fault::WrongToggle) | OUT: the device takes the packet for a repeat | none |
//!
//! An isochronous transaction suffers the first two; a device moves a packet with a bad CRC, and says so.
//!
//! A script has one happen with [`Host::with_fault`](super::Host::with_fault). A scheduler may have one happen to every
//! transaction, for as long as the budget of [`Faults`] lasts.

use std::borrow::Cow;

use super::wire::{Isochronous, Step};
use crate::device::usbd::{Answer, Token};

/// What happens to one transaction.
///
/// A script says which transaction suffers it:
///
/// ```
/// # use dma_api::usb::Setup;
/// # use sim_core::host::{Host, HostError, fault::Fault};
/// async fn retried(mut host: Host) -> Result<Vec<u8>, HostError> {
///     host.with_fault(Fault::CorruptedPacket); // the next one
///     host.control_in(Setup::get_device_descriptor(18)).await
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The token does not arrive.
    LostToken,
    /// The data packet arrives with a wrong CRC, and is dropped by who gets it.
    CorruptedPacket,
    /// The handshake does not arrive: the device's after SETUP and OUT, the host's after IN.
    LostHandshake,
    /// The packet of an OUT token has the other toggle. Nothing, for other tokens.
    WrongToggle,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 4] = [Self::LostToken, Self::CorruptedPacket, Self::LostHandshake, Self::WrongToggle];

    /// Whether it changes anything for this token.
    pub fn applies_to(self, token: &Token) -> bool {
        self != Self::WrongToggle || matches!(token, Token::Out { .. })
    }

    fn applies_to_step(self, step: &Step) -> bool {
        match step {
            Step::Transaction(transaction) => self.applies_to(&transaction.token),
            Step::Isochronous(Isochronous { .. }) => matches!(self, Self::LostToken | Self::CorruptedPacket),
            _ => false,
        }
    }

    /// What of `token` the device can make sense of.
    pub fn arriving(fault: Option<Self>, token: &Token) -> Option<Cow<'_, Token>> {
        match (fault, token) {
            (Some(Self::LostToken), _) => None,
            (Some(Self::CorruptedPacket), Token::Setup(_) | Token::Out { .. }) => None,
            (Some(Self::WrongToggle), &Token::Out { data1, packet }) => {
                Some(Cow::Owned(Token::Out { data1: !data1, packet }))
            }
            (_, token) => Some(Cow::Borrowed(token)),
        }
    }

    /// Whether the device gets the host's ACK for its packet.
    pub fn is_acknowledged(fault: Option<Self>, answer: Answer) -> bool {
        matches!(answer, Answer::Data { .. }) && matches!(fault, None | Some(Self::WrongToggle))
    }

    /// What of the device's `answer` the host can make sense of.
    pub fn returning(fault: Option<Self>, answer: Answer) -> Answer {
        match (fault, answer) {
            (None | Some(Self::WrongToggle), answer) => answer,
            (Some(Self::LostHandshake), Answer::Data { .. }) => answer,
            _ => Answer::Silence,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::LostToken => "the token is lost",
            Self::CorruptedPacket => "the packet is corrupted",
            Self::LostHandshake => "the handshake is lost",
            Self::WrongToggle => "the toggle is wrong",
        })
    }
}

/// How often each fault may happen in a run, where a scheduler chooses: `explore::stepped`.
///
/// Each is a choice at each transaction, so an exhaustive exploration has them everywhere. None, unless you say so.
///
/// ```
/// # use sim_core::explore::{Kind, stepped};
/// # use sim_core::check::programs::{Device, Try};
/// # use sim_core::host::Faults;
/// # use sim_core::soc::Config;
/// let mut program = Device::new(Try::ControlRead, 8);
/// program.config = Config { faults: Faults { lost_tokens: 1, ..Faults::default() }, ..program.config };
/// let exploration = stepped::explore(&program, stepped::Limits::default());
/// assert_eq!(exploration.verdict.kind(), Kind::Sound, "whichever token it is that does not arrive");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// See [`Fault::LostToken`].
    pub lost_tokens: u8,
    /// See [`Fault::CorruptedPacket`].
    pub corrupted_packets: u8,
    /// See [`Fault::LostHandshake`].
    pub lost_handshakes: u8,
    /// See [`Fault::WrongToggle`].
    pub wrong_toggles: u8,
    /// The transaction is not sent, and the script is told so
    /// ([`HostError::Abandoned`](super::HostError::Abandoned)): it may reset the bus, send another SETUP, leave a stage
    /// out.
    pub abandoned: u8,
}

/// How a transaction goes, by choice of a scheduler.
///
/// See [`Faults`] for an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Course {
    /// As the script says.
    AsTold,
    /// It suffers this.
    Suffers(Fault),
    /// It is not sent.
    Abandoned,
}

impl Faults {
    /// The ways in which `step` can go. What the script has happen to it is not overruled.
    pub(crate) fn courses(self, step: &Step) -> impl Iterator<Item = Course> {
        let is_free = match step {
            Step::Transaction(transaction) => transaction.fault.is_none(),
            Step::Isochronous(isochronous) => isochronous.fault.is_none(),
            _ => false,
        };
        let faults = Fault::ALL.into_iter().filter(|fault| fault.applies_to_step(step)).map(Course::Suffers);
        let chosen = faults.chain([Course::Abandoned]).filter(move |&course| is_free && self.left(course) > 0);
        [Course::AsTold].into_iter().chain(chosen)
    }

    /// Takes `course` off the budget.
    pub(crate) fn spend(&mut self, course: Course) {
        if let Some(left) = self.budget(course) {
            *left = left.saturating_sub(1);
        }
    }

    fn left(mut self, course: Course) -> u8 {
        self.budget(course).map_or(u8::MAX, |left| *left)
    }

    fn budget(&mut self, course: Course) -> Option<&mut u8> {
        Some(match course {
            Course::AsTold => return None,
            Course::Suffers(Fault::LostToken) => &mut self.lost_tokens,
            Course::Suffers(Fault::CorruptedPacket) => &mut self.corrupted_packets,
            Course::Suffers(Fault::LostHandshake) => &mut self.lost_handshakes,
            Course::Suffers(Fault::WrongToggle) => &mut self.wrong_toggles,
            Course::Abandoned => &mut self.abandoned,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::usbd::Packet;
    use crate::host::Transaction;

    const OUT: Token = Token::Out { data1: true, packet: Packet::EMPTY };
    const DATA: Answer = Answer::Data { data1: true, packet: Packet::EMPTY };

    #[test]
    fn each_fault_hides_what_it_says_and_nothing_else() {
        let seen = |fault, token, answer| {
            let arrives = Fault::arriving(Some(fault), &token).is_some();
            (arrives, Fault::is_acknowledged(Some(fault), answer), Fault::returning(Some(fault), answer))
        };
        assert_eq!(seen(Fault::LostToken, Token::In, DATA), (false, false, Answer::Silence));
        assert_eq!(seen(Fault::CorruptedPacket, OUT, Answer::Ack), (false, false, Answer::Silence));
        assert_eq!(seen(Fault::CorruptedPacket, Token::In, DATA), (true, false, Answer::Silence));
        assert_eq!(seen(Fault::LostHandshake, OUT, Answer::Ack), (true, false, Answer::Silence));
        assert_eq!(seen(Fault::LostHandshake, Token::In, DATA), (true, false, DATA));
        assert_eq!(seen(Fault::WrongToggle, Token::In, DATA), (true, true, DATA));
    }

    #[test]
    fn wrong_toggle_is_the_other_one() {
        let sent = Fault::arriving(Some(Fault::WrongToggle), &OUT).map(Cow::into_owned);
        assert_eq!(sent, Some(Token::Out { data1: false, packet: Packet::EMPTY }));
        assert_eq!(Fault::arriving(None, &OUT), Some(Cow::Borrowed(&OUT)));
    }

    #[test]
    fn budget_offers_each_fault_until_it_is_spent() {
        let mut faults = Faults { lost_tokens: 1, wrong_toggles: 1, abandoned: 1, ..Faults::default() };
        let courses = |faults: Faults, transaction| faults.courses(&Step::Transaction(transaction)).collect::<Vec<_>>();
        let (out, input) = (Transaction::new(0, 0, OUT), Transaction::new(0, 0, Token::In));
        let lost = Course::Suffers(Fault::LostToken);
        let wrong = Course::Suffers(Fault::WrongToggle);
        assert_eq!(courses(faults, out), [Course::AsTold, lost, wrong, Course::Abandoned]);
        assert_eq!(courses(faults, input), [Course::AsTold, lost, Course::Abandoned], "IN has no toggle of the host's");
        faults.spend(lost);
        faults.spend(Course::Abandoned);
        assert_eq!(courses(faults, out), [Course::AsTold, wrong]);
        let told = Transaction { fault: Some(Fault::LostHandshake), ..out };
        assert_eq!(courses(faults, told), [Course::AsTold], "the script has decided");
        let isochronous = Step::Isochronous(Isochronous { address: 0, sends: None, fault: None });
        let faults = Faults { lost_tokens: 1, lost_handshakes: 1, wrong_toggles: 1, ..Faults::default() };
        assert_eq!(
            faults.courses(&isochronous).collect::<Vec<_>>(),
            [Course::AsTold, lost],
            "it has no handshake and no toggle"
        );
        assert_eq!(faults.courses(&Step::Reset).collect::<Vec<_>>(), [Course::AsTold]);
    }
}
