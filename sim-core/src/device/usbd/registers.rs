//! The register side: what a read gives and a write does.
//!
//! Offsets are decoded with the table that drivers take them from, [`map::REGISTERS`].

use dma_api::address::Direction;
use dma_api::nrf52840::usbd::map::REGISTERS;
use dma_api::table::{Access, Register};

use super::*;

/// What a register that is out of reach reads while a transfer runs, where silicon gives garbage.
const POISON: u32 = 0x55;

/// The address of the block.
const BASE: u32 = 0x4002_7000;

type Row = Register<Name>;

/// The row of each word of the block: its index in the table plus one, and the register's index in its array.
static ROWS: [(u8, u8); 0x400] = {
    let mut rows = [(0, 0); 0x400];
    let mut index = 0;
    while index < REGISTERS.len() {
        let row = &REGISTERS[index];
        let mut n = 0;
        while n < row.count {
            // Both fit: the table has fewer than 255 rows, and no array has more than 8 registers.
            rows[(row.offset + n * row.stride) as usize / 4] = (index.to_le_bytes()[0] + 1, n.to_le_bytes()[0]);
            n += 1;
        }
        index += 1;
    }
    rows
};

/// The bits of each row's register.
static MASKS: [u32; REGISTERS.len()] = {
    let mut masks = [0; REGISTERS.len()];
    let mut index = 0;
    while index < REGISTERS.len() {
        masks[index] = REGISTERS[index].mask();
        index += 1;
    }
    masks
};

/// The row and array index of the register at `offset`, and its bits.
#[inline]
fn decode(offset: u16) -> Option<(&'static Row, u16, u32)> {
    if !offset.is_multiple_of(4) {
        return None;
    }
    let (row, n) = *ROWS.get(usize::from(offset) / 4)?;
    let index = usize::from(row.checked_sub(1)?);
    Some((&REGISTERS[index], u16::from(n), MASKS[index]))
}

/// The address of the register at `offset`.
///
/// See [`name_of`] for an example.
pub fn address_of(offset: u16) -> u32 {
    BASE + u32::from(offset)
}

/// The offset of the register at `address`, if that is in the block.
///
/// See [`name_of`] for an example.
pub fn offset_of(address: u32) -> Option<u16> {
    u16::try_from(address.checked_sub(BASE)?).ok().filter(|offset| *offset < 0x1000)
}

/// The datasheet's name of the register at `offset`, with its index: `EPIN[0].PTR`.
///
/// ```
/// # use dma_api::nrf52840::usbd::map;
/// # use dma_api::table::Access;
/// # use sim_core::device::usbd::{address_of, mode_of, name_of, names_of, offset_of};
/// let offset = map::events_ep0setup();
/// assert_eq!((name_of(offset).as_str(), mode_of(offset)), ("EVENTS_EP0SETUP", Some(Access::Event)));
/// assert_eq!(offset_of(address_of(offset)), Some(offset));
/// assert_eq!(names_of(1).collect::<Vec<_>>(), ["EVENTS_USBRESET"]);
/// ```
pub fn name_of(offset: u16) -> String {
    let Some((row, n, _)) = decode(offset) else {
        return format!("{offset:#05x}");
    };
    if row.count == 1 {
        return row.text.to_owned();
    }
    match row.text.split_once('_') {
        Some((block @ ("EPIN" | "EPOUT"), register)) => format!("{block}[{n}].{register}"),
        Some((block @ ("SIZE" | "HALTED"), register)) => format!("{block}.{register}[{n}]"),
        _ => format!("{}[{n}]", row.text),
    }
}

/// How the register at `offset` answers reads and writes, if there is one.
///
/// See [`name_of`] for an example.
pub fn mode_of(offset: u16) -> Option<Access> {
    decode(offset).map(|(row, ..)| row.access)
}

/// The names of the events at these bits of INTEN.
///
/// See [`name_of`] for an example.
pub fn names_of(events: u32) -> impl Iterator<Item = String> {
    (0..32_u16).filter(move |bit| events >> bit & 1 == 1).map(|bit| name_of(map::events_usbreset() + 4 * bit))
}

impl Usbd {
    /// Reads the register at `offset`.
    pub fn read(&mut self, offset: u16) -> u32 {
        let Some((row, n, mask)) = decode(offset) else {
            self.report(Some(rules::unknown_register(offset)));
            return 0;
        };
        let misuse = rules::check_access(self, row, n);
        let is_garbage = misuse.as_ref().is_some_and(|misuse| misuse.rule == Rule::AccessDuringTransfer);
        self.report(misuse);
        let value = if is_garbage { POISON } else { self.value(row, usize::from(n)) };
        value & mask
    }

    fn value(&self, row: &Row, n: usize) -> u32 {
        let setup = |byte: usize| u32::from(self.ep0.setup[byte]);
        match row.name {
            Name::SHORTS => self.shorts,
            Name::INTEN | Name::INTENSET | Name::INTENCLR => self.inten,
            Name::EVENTCAUSE => self.eventcause,
            Name::HALTED_EPIN => self.is_halted(n, Direction::MemoryToDevice).into(),
            Name::HALTED_EPOUT => self.is_halted(n, Direction::DeviceToMemory).into(),
            Name::EPSTATUS => self.epstatus,
            Name::EPDATASTATUS => self.epdatastatus,
            Name::USBADDR => u32::from(self.usbaddr),
            Name::BMREQUESTTYPE => setup(0),
            Name::BREQUEST => setup(1),
            Name::WVALUEL => setup(2),
            Name::WVALUEH => setup(3),
            Name::WINDEXL => setup(4),
            Name::WINDEXH => setup(5),
            Name::WLENGTHL => setup(6),
            Name::WLENGTHH => setup(7),
            Name::SIZE_EPOUT => self.size_epout(n),
            Name::ENABLE => self.enable,
            Name::USBPULLUP => self.usbpullup,
            Name::DPDMVALUE => self.dpdmvalue,
            Name::DTOGGLE => self.dtoggle(),
            Name::EPINEN => self.epinen,
            Name::EPOUTEN => self.epouten,
            Name::FRAMECNTR => self.framecntr,
            Name::LOWPOWER => self.lowpower,
            Name::SIZE_ISOOUT => self.size_isoout(),
            Name::ISOSPLIT => self.isosplit,
            Name::ISOINCONFIG => self.isoinconfig,
            Name::ISOIN_PTR => self.epin[ISO].ptr,
            Name::ISOIN_MAXCNT => self.epin[ISO].maxcnt,
            Name::ISOIN_AMOUNT => self.epin[ISO].amount,
            Name::ISOOUT_PTR => self.epout[ISO].ptr,
            Name::ISOOUT_MAXCNT => self.epout[ISO].maxcnt,
            Name::ISOOUT_AMOUNT => self.epout[ISO].amount,
            Name::EPIN_PTR => self.epin[n].ptr,
            Name::EPIN_MAXCNT => self.epin[n].maxcnt,
            Name::EPIN_AMOUNT => self.epin[n].amount,
            Name::EPOUT_PTR => self.epout[n].ptr,
            Name::EPOUT_MAXCNT => self.epout[n].maxcnt,
            Name::EPOUT_AMOUNT => self.epout[n].amount,
            Name::DMALATCH => self.dmalatch,
            Name::COREINDEX => self.coreindex,
            Name::COREDATA => self.core_register().map_or(0, |register| self.coredata(register)),
            _ if row.access == Access::Event => {
                let step = usize::from(row.stride) * n;
                u32::from(self.events & (map::event_bit(row.offset) << (step / 4)) != 0)
            }
            // Tasks and write-only registers read as 0. The rest is not modelled and holds its reset value.
            _ => row.reset,
        }
    }

    /// Writes the register at `offset`. Takes effect at once.
    pub fn write(&mut self, offset: u16, value: u32) {
        let Some((row, n, mask)) = decode(offset) else {
            self.report(Some(rules::unknown_register(offset)));
            return;
        };
        if self.report(rules::check_access(self, row, n)) {
            return;
        }
        self.report(rules::check_endpoint_field(row.name, value));
        self.report(rules::check_maxcnt(row.name, offset, value, mask));
        let value = value & mask;
        let n = usize::from(n);
        match row.access {
            Access::Task if value != 0 => self.trigger(row.name, n),
            Access::Event if value == 0 => self.events &= !(map::event_bit(row.offset) << n),
            Access::Task | Access::Event | Access::ReadOnly => {}
            _ => self.store(row.name, n, value),
        }
    }

    fn trigger(&mut self, task: Name, n: usize) {
        match task {
            Name::TASKS_STARTEPIN => self.start(n, Direction::MemoryToDevice),
            Name::TASKS_STARTEPOUT => self.start(n, Direction::DeviceToMemory),
            Name::TASKS_STARTISOIN => self.start(ISO, Direction::MemoryToDevice),
            Name::TASKS_STARTISOOUT => self.start(ISO, Direction::DeviceToMemory),
            Name::TASKS_EP0RCVOUT => self.on_tasks_ep0rcvout(),
            Name::TASKS_EP0STATUS => self.on_tasks_ep0status(),
            Name::TASKS_EP0STALL => self.on_tasks_ep0stall(),
            Name::TASKS_DPDMDRIVE => self.on_tasks_dpdmdrive(),
            Name::TASKS_DPDMNODRIVE => self.on_tasks_dpdmnodrive(),
            _ => {}
        }
    }

    fn store(&mut self, name: Name, n: usize, value: u32) {
        match name {
            Name::SHORTS => self.shorts = value,
            Name::INTEN => self.inten = value,
            Name::INTENSET => self.inten |= value,
            Name::INTENCLR => self.inten &= !value,
            Name::EVENTCAUSE => self.eventcause &= !value,
            Name::EPSTATUS => self.epstatus &= !value,
            Name::EPDATASTATUS => self.epdatastatus &= !value,
            Name::SIZE_EPOUT => self.on_size_epout(n),
            Name::ENABLE => self.on_enable(value),
            Name::USBPULLUP => self.on_usbpullup(value),
            Name::EPINEN => self.epinen = value,
            Name::EPOUTEN => self.on_epouten(value),
            Name::DPDMVALUE => self.dpdmvalue = value,
            Name::LOWPOWER => self.on_lowpower(value),
            Name::DTOGGLE => self.on_dtoggle(value),
            Name::EPSTALL => self.on_epstall(value),
            Name::ISOSPLIT => self.isosplit = value,
            Name::ISOINCONFIG => self.isoinconfig = value,
            Name::ISOIN_PTR => self.epin[ISO].ptr = value,
            Name::ISOIN_MAXCNT => self.epin[ISO].maxcnt = value,
            Name::ISOOUT_PTR => self.epout[ISO].ptr = value,
            Name::ISOOUT_MAXCNT => self.epout[ISO].maxcnt = value,
            Name::EPIN_PTR => self.epin[n].ptr = value,
            Name::EPIN_MAXCNT => self.epin[n].maxcnt = value,
            Name::EPOUT_PTR => self.epout[n].ptr = value,
            Name::EPOUT_MAXCNT => self.epout[n].maxcnt = value,
            Name::DMALATCH => self.on_dmalatch(value),
            Name::COREINDEX => self.coreindex = value,
            Name::COREDATA => {
                if let Some(register) = self.core_register() {
                    self.on_coredata(register, value);
                }
            }
            _ => {}
        }
    }
}
