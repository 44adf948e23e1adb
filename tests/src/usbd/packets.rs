//! What was sent on a pipe, and what may come of it.
//!
//! Packets are numbered, and each byte of a packet follows from its number. They must come in order, none twice, each
//! as a whole. An *epoch* begins whenever the firmware opens or closes its endpoints, and whenever it loses its engine:
//! what was under way is lost then. Within an epoch none is missing, but for those of which the sender knows that they
//! may not have arrived.

/// The bytes of a packet.
pub fn fill(number: u8, bytes: &mut [u8]) {
    for (byte, index) in bytes.iter_mut().zip(0_u8..) {
        *byte = number.wrapping_add(index.wrapping_mul(7));
    }
}

/// The number of a packet.
///
/// # Errors
///
/// If it is not whole.
pub fn number_of(bytes: &[u8]) -> Result<u8, String> {
    let number = *bytes.first().ok_or("an empty packet came")?;
    let mut due = bytes.to_vec();
    fill(number, &mut due);
    if due == bytes { Ok(number) } else { Err(format!("a packet is torn: {bytes:?}")) }
}

/// One pipe's packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packets {
    /// The number of the next.
    next: u8,
    /// Those of which the sender does not know that they arrive.
    uncertain: Vec<u8>,
    /// Those that the wire corrupts: they must not be handed out.
    corrupted: Vec<u8>,
    /// What was made, by number: its length, and the epoch if it is the firmware that sends.
    made: Vec<(u32, usize)>,
    /// What came: number, and the epoch: of a packet that the firmware has received, that in which it has.
    came: Vec<(u8, u32)>,
}

impl Packets {
    /// A packet for the pipe.
    pub fn make(&mut self, epoch: u32, bytes: &mut [u8]) -> u8 {
        let number = self.next;
        fill(number, bytes);
        self.next += 1;
        self.made.push((epoch, bytes.len()));
        number
    }

    /// The packet that was made last was not sent.
    pub fn take_back(&mut self) {
        self.next -= 1;
        self.made.pop();
    }

    /// This packet may not arrive.
    pub fn may_be_lost(&mut self, number: u8) {
        self.uncertain.push(number);
    }

    /// The wire corrupts this packet. Its bytes stay as they are: only its CRC says so.
    pub fn is_corrupted(&mut self, number: u8) {
        self.corrupted.push(number);
    }

    /// Nobody knows any more which packets were corrupted: those of before may be handed out.
    pub fn forget_corrupted(&mut self) {
        self.corrupted.clear();
    }

    /// The length of a packet.
    pub fn length(&self, number: u8) -> Option<usize> {
        self.made.get(usize::from(number)).map(|&(_, length)| length)
    }

    /// The number of a packet that came, as it was made; and its epoch.
    fn identify(&self, bytes: &[u8]) -> Result<(u8, u32), String> {
        let number = number_of(bytes)?;
        let &(epoch, length) = self.made.get(usize::from(number)).ok_or(format!("packet {number} was never sent"))?;
        if self.corrupted.contains(&number) {
            return Err(format!("packet {number} was corrupted on its way"));
        }
        if bytes.len() != length {
            return Err(format!("{} bytes came of packet {number}, which has {length}", bytes.len()));
        }
        Ok((number, epoch))
    }

    /// The host got a packet. Returns its number.
    ///
    /// # Errors
    ///
    /// If it is not whole, or was not sent.
    pub fn came_to_host(&mut self, bytes: &[u8]) -> Result<u8, String> {
        let (number, epoch) = self.identify(bytes)?;
        self.came.push((number, epoch));
        Ok(number)
    }

    /// The firmware got a packet, in this epoch.
    ///
    /// # Errors
    ///
    /// If it is not whole, or was not sent.
    pub fn came_to_firmware(&mut self, epoch: u32, bytes: &[u8]) -> Result<(), String> {
        let (number, _) = self.identify(bytes)?;
        self.came.push((number, epoch));
        Ok(())
    }

    /// How many have come.
    pub fn count(&self) -> usize {
        self.came.len()
    }

    /// Whether all came that had to, in order, once. `to_host`: the epoch of a packet is that in which it was sent.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn check(&self, to_host: bool) -> Result<(), String> {
        for pair in self.came.windows(2) {
            let [(before, epoch_before), (after, epoch)] = [pair[0], pair[1]];
            if after <= before {
                return Err(format!("packet {after} came after {before}"));
            }
            let is_due = |number: &u8| {
                let sent_in = self.made.get(usize::from(*number)).filter(|_| to_host);
                let is_same = sent_in.map_or(epoch_before == epoch, |&(sent_in, _)| sent_in == epoch);
                is_same && !self.uncertain.contains(number)
            };
            if let Some(missing) = (before + 1..after).find(is_due) {
                return Err(format!("packet {missing} is lost: {after} came after {before}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(epochs: &[u32], came: &[u8], to_host: bool) -> Result<(), String> {
        let mut packets = Packets::default();
        for &epoch in epochs {
            packets.make(epoch, &mut [0; 4]);
        }
        for &number in came {
            let mut bytes = [0; 4];
            fill(number, &mut bytes);
            if to_host {
                packets.came_to_host(&bytes)?;
            } else {
                let epoch = epochs.get(usize::from(number)).copied().unwrap_or_default();
                packets.came_to_firmware(epoch, &bytes)?;
            }
        }
        packets.check(to_host)
    }

    #[test]
    fn packet_is_missed_within_an_epoch_only() {
        for to_host in [true, false] {
            assert_eq!(sent(&[0, 0, 1, 1], &[0, 2, 3], to_host), Ok(()), "packet 1 was lost with its epoch");
            assert!(sent(&[0, 0, 0, 1], &[0, 2, 3], to_host).is_err(), "packet 1 is of the epoch of 0 and 2");
            assert!(sent(&[0, 0], &[0, 0], to_host).is_err(), "it came twice");
            assert!(sent(&[0, 0], &[1, 0], to_host).is_err(), "it came late");
            assert!(sent(&[0, 0], &[2], to_host).is_err(), "it was not sent");
        }
    }

    #[test]
    fn packet_that_lacks_its_end_is_not_whole() {
        let mut packets = Packets::default();
        let mut bytes = [0; 4];
        packets.make(0, &mut bytes);
        assert!(packets.came_to_host(&bytes[..3]).is_err() && packets.came_to_firmware(0, &bytes[..3]).is_err());
        assert_eq!(packets.came_to_host(&bytes), Ok(0));
    }

    #[test]
    fn packet_that_was_corrupted_is_not_to_come() {
        let mut packets = Packets::default();
        let mut bytes = [0; 4];
        let number = packets.make(0, &mut bytes);
        packets.is_corrupted(number);
        assert_eq!(packets.came_to_firmware(0, &bytes), Err("packet 0 was corrupted on its way".to_owned()));
    }

    #[test]
    fn packet_of_two_halves_is_torn() {
        assert_eq!(number_of(&[3, 10, 17]), Ok(3));
        assert!(number_of(&[3, 10, 18]).is_err());
    }
}
