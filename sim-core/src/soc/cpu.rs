//! The CPU's side of the system: registers, and bytes of simulated RAM.

use dma_api::address::{BusAddress, Direction};

use super::*;

impl Soc {
    /// The driver reads a register.
    #[inline]
    pub fn cpu_read(&mut self, offset: u16, line: Line) -> u32 {
        self.flush_usbd(offset);
        self.push_by_usbd(offset);
        let value = self.usbd.read(offset);
        self.ownership.register_read();
        self.trace.note(Some(line), || Record::Read { offset, value });
        self.settle(Site::Cpu(line));
        value
    }

    /// The driver writes a register.
    #[inline]
    pub fn cpu_write(&mut self, offset: u16, value: u32, line: Line) {
        self.ownership.register_written();
        self.write_usbd(offset, value, line);
    }

    #[inline]
    pub(super) fn write_usbd(&mut self, offset: u16, value: u32, line: Line) {
        self.trace.note(Some(line), || Record::Write { offset, value });
        self.usbd.write(offset, value);
        self.feed();
        self.generation += 1;
        self.settle(Site::Cpu(line));
        self.pass_pending_release();
    }

    /// The driver reads a register of another peripheral than USBD, by its address: of POWER and CLOCK, of DMA and
    /// USART, or one that an erratum's workaround uses. 0 where this system has none.
    pub fn cpu_peek(&mut self, address: u32, line: Line) -> u32 {
        self.flush(address);
        if let Some(place) = self.place_of(address) {
            return self.read_stm32f103(place, address, line);
        }
        self.ownership.register_read();
        let Some(offset) = power::offset_of(address) else {
            return self.usbd.peek(address).unwrap_or_default();
        };
        let read = self.power.read(offset);
        let value = read.as_ref().copied().unwrap_or_default();
        self.trace.note(Some(line), || Record::Peek { address, value });
        self.feed();
        self.report(read.err(), Site::Cpu(line));
        value
    }

    /// The driver writes a register of another peripheral than USBD, by its address: as [`cpu_peek`](Self::cpu_peek)
    /// reads it. An erratum's are not in the trace.
    pub fn cpu_poke(&mut self, address: u32, value: u32, line: Line) {
        self.ownership.register_written();
        self.write_outside(address, value, line);
    }

    pub(super) fn write_outside(&mut self, address: u32, value: u32, line: Line) {
        self.generation += 1;
        if let Some(place) = self.place_of(address) {
            self.trace.note(Some(line), || Record::Poke { address, value });
            return self.write_stm32f103(place, value, line);
        }
        let Some(offset) = power::offset_of(address) else {
            return self.usbd.poke(address, value);
        };
        self.trace.note(Some(line), || Record::Poke { address, value });
        let written = self.power.write(offset, value);
        self.feed();
        self.report(written.err(), Site::Cpu(line));
    }

    /// Whether the register at `address` (of another peripheral than USBD) can change without the CPU.
    pub(crate) fn is_shared(&self, address: u32) -> bool {
        power::offset_of(address).is_some() || self.place_of(address).is_some()
    }

    /// A program reads a byte of simulated RAM: a tracked access. 0 where there is none.
    pub fn load(&mut self, address: BusAddress, line: Line) -> u8 {
        self.touch(address, Access::Read, line);
        let (value, finding) = self.memory.cpu_load(address);
        self.report_findings(finding, Site::Cpu(line));
        value
    }

    /// A program writes a byte of simulated RAM: a tracked access. Lost where there is none.
    pub fn store(&mut self, address: BusAddress, value: u8, line: Line) {
        self.touch(address, Access::Write, line);
        self.memory.cpu_store(address, value, Site::Cpu(line));
    }

    fn touch(&mut self, address: BusAddress, access: Access, line: Line) {
        let start = address.get();
        let range = start..start.saturating_add(1);
        let write = access == Access::Write;
        self.trace.note(Some(line), || Record::Touch { address: start, write });
        let job = self.copy.as_ref().map(|copy| (copy.range(), copy.site())).or(self.taken.clone());
        let conflicts = |direction| write || direction == Direction::DeviceToMemory;
        let direction = self.usbd.job().map(|job| job.direction);
        let channel = self.channel_at(&range, !write).map(|site| (range.clone(), site));
        let in_flight = job
            .filter(|_| direction.is_some_and(conflicts))
            .or(channel)
            .and_then(|(job, site)| ownership::check_cpu_access_in_flight(range.clone(), job, access, site));
        let in_flight = in_flight.or_else(|| self.late_in(&range));
        let race = self.ownership.cpu_access(range, access, line);
        self.report(in_flight, Site::Cpu(line));
        self.report(race, Site::Cpu(line));
    }
}
