//! The rules about what silicon needs beyond the datasheet.

use crate::device::usbd::{Direction, Erratum, ISO, Job, Usbd};
use crate::monitor::{Misuse, Rule};

fn missing(what: String) -> Misuse {
    Misuse::new(Rule::WorkaroundMissing, what)
}

/// Errata 171 and 187: the USBD does not come up by itself.
pub(in crate::device::usbd) fn check_enable(chip: &Usbd) -> Option<Misuse> {
    let pokes = [(Erratum::E171, "0xC0 at 0x4006EC14 (erratum 171)"), (Erratum::E187, "3 at 0x4006ED14 (erratum 187)")];
    let needed: Vec<&str> =
        pokes.iter().filter(|(erratum, _)| chip.suffers_from(*erratum)).map(|(_, poke)| *poke).collect();
    (!needed.is_empty()).then(|| missing(format!("ENABLE=1 without {}: READY never comes", needed.join(" and "))))
}

/// Erratum 199: the USBD cannot receive tasks while a transfer runs.
pub(in crate::device::usbd) fn check_dma_latch(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    chip.suffers_from(Erratum::E199).then(|| {
        let start = Job::start_of(number, direction);
        missing(format!("{start} without 0x82 in the register at 0xc1c (erratum 199)"))
    })
}

/// Erratum 199: until the transfer has ended.
pub(in crate::device::usbd) fn check_latch_kept(chip: &Usbd) -> Option<Misuse> {
    let job = chip.job.as_ref().filter(|_| chip.suffers_from(Erratum::E199))?;
    let what = format!("{job} runs without 0x82 in the register at 0xc1c (erratum 199): wait for {}", job.end());
    Some(missing(what))
}

/// Erratum 166: isochronous endpoints have one buffer instead of two.
pub(in crate::device::usbd) fn check_iso_buffers(chip: &Usbd, number: usize, direction: Direction) -> Option<Misuse> {
    (number == ISO && chip.suffers_from(Erratum::E166)).then(|| {
        let start = Job::start_of(number, direction);
        missing(format!("{start} without 0x40 in the core's register 0x7e3 (erratum 166): there is one buffer only"))
    })
}

/// Erratum 200: SIZE.EPOUT cannot be written.
pub(in crate::device::usbd) fn check_size_is_writable(chip: &Usbd, number: usize) -> Option<Misuse> {
    chip.suffers_from(Erratum::E200).then(|| {
        let what = format!("SIZE.EPOUT[{number}] is not writable (erratum 200): write 0 to the core's register");
        missing(format!("{what} {:#05x}", 0x7C5 + 2 * number))
    })
}

/// After an odd number of bytes the first transfer of the next ENABLE=1 goes astray (nrfx `m_dma_odd`, hal_nordic issue
/// #143). A switch: it is no erratum of Nordic's list.
pub(in crate::device::usbd) fn check_odd_bytes(chip: &Usbd) -> Option<Misuse> {
    chip.odd_bytes.then(|| {
        let what = "ENABLE=0 after an odd number of bytes: move one more first, or the next transfer goes astray";
        Misuse::new(Rule::OddBytesAtPowerDown, what.to_owned())
    })
}
