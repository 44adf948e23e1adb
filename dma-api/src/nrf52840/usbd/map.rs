//! The nRF52840 USBD register map: every offset, field, access kind, reset value.
//!
//! Base [`BASE`], interrupt 39. The rows follow `nrf52840.svd` of nrfx 4.2.1; the registers marked *undocumented*
//! are not in it: real drivers poke them (nrfx, TinyUSB, Tock). Traps that the layout holds:
//!
//! - an event's bit in INTEN is `(offset - 0x100) / 4`, for every event: [`event_bit`];
//! - ENDISOIN is at 0x12C, not at "ENDEPIN\[8\]" (0x128 is EP0DATADONE), but ENDISOOUT is at "ENDEPOUT\[8\]";
//! - EPDATASTATUS has no bit for EP0 and none for the isochronous endpoints;
//! - EPSTALL and DTOGGLE have three bits for the endpoint: endpoint 8 aliases to endpoint 0.
//!
//! A register is a function, which gives its offset, and a module, which has its fields:
//!
//! ```
//! # use dma_api::nrf52840::usbd::map;
//! assert_eq!((map::tasks_startepin(3), map::events_endisoin()), (0x010, 0x12C));
//! assert_eq!(map::event_bit(map::events_ep0setup()), map::inten::EP0SETUP.mask());
//! ```

#![expect(non_camel_case_types, reason = "these are the datasheet's names, to be found by a search for them")]

use crate::table::register_table;

/// The address of the first register.
pub const BASE: usize = 0x4002_7000;

/// The size of an endpoint's local buffer, and so the longest packet, in bytes (endpoints 0 to 7).
pub const PACKET_SIZE: usize = 64;

/// The longest isochronous packet, in bytes, where one direction has the whole buffer.
pub const ISO_PACKET_SIZE: usize = 1023;

/// *Undocumented.* COREINDEX of the core's control register for endpoint 0 (EZ-USB EP0CS).
pub const CORE_EP0CS: u32 = 0x7B4;

/// *Undocumented.* EP0CS: a packet is armed. Writing 1 takes it out (nrfx 4.2.1 `usbd_ep_abort`).
pub const CORE_EP0CS_INBSY: u32 = 0x04;

/// *Undocumented.* COREINDEX of the core's control register for IN endpoint n, 1 to 7 (EZ-USB INnCS).
pub const fn core_incs(n: u8) -> u32 {
    assert!(n >= 1 && n <= 7, "no endpoint has this register");
    0x7B6 + 2 * (n as u32 - 1)
}

/// *Undocumented.* INnCS: a packet is armed. Writing 1 takes it out (nrfx 4.2.1 `usbd_ep_abort`).
pub const CORE_INCS_BUSY: u32 = 0x02;

/// *Undocumented.* COREINDEX of the core's IN07IRQ: a bit for each IN endpoint whose packet the host has acknowledged.
pub const CORE_IN07IRQ: u32 = 0x7A9;

/// *Undocumented.* COREINDEX of the core's OUT07IRQ: a bit for each OUT endpoint that has received a packet.
pub const CORE_OUT07IRQ: u32 = 0x7AA;

/// *Undocumented.* COREINDEX of the core's byte count of OUT endpoint n, 0 to 7 (EZ-USB OUTnBC). A write of any value
/// arms the endpoint, as one to SIZE.EPOUT\[n\] does (erratum 200).
pub const fn core_outbc(n: u8) -> u32 {
    assert!(n <= 7, "no endpoint has this register");
    0x7C5 + 2 * n as u32
}

/// *Undocumented.* COREINDEX of the register that erratum 166 is about.
pub const CORE_ISO: u32 = 0x7E3;

/// *Undocumented.* CORE_ISO: isochronous endpoints have two buffers.
pub const CORE_ISO_DOUBLE_BUFFERED: u32 = 0x40;

/// *Undocumented.* DMALATCH while a transfer runs (erratum 199).
pub const DMALATCH_RUNNING: u32 = 0x82;

/// *Undocumented.* The address of the register that opens and closes [`WORKAROUND_171`] and [`WORKAROUND_187`]; 0 while
/// they are closed. Not in this block.
pub const WORKAROUND_KEY: u32 = 0x4006_EC00;

/// *Undocumented.* What is written to [`WORKAROUND_KEY`].
pub const WORKAROUND_KEY_TOGGLES: u32 = 0x9375;

/// *Undocumented.* The address of the register of erratum 171: 0xC0 before ENABLE, 0 after READY. Not in this block.
pub const WORKAROUND_171: u32 = 0x4006_EC14;

/// *Undocumented.* What is written to [`WORKAROUND_171`].
pub const WORKAROUND_171_ON: u32 = 0xC0;

/// *Undocumented.* What is written to [`WORKAROUND_187`].
pub const WORKAROUND_187_ON: u32 = 3;

/// *Undocumented.* The address of the register of errata 187 and 211: 3 before ENABLE. Not in this block.
pub const WORKAROUND_187: u32 = 0x4006_ED14;

/// DTOGGLE.VALUE that forces DATA0.
pub const DTOGGLE_DATA0: u32 = 1;

/// ISOSPLIT that gives the lower half of the isochronous buffer to IN, and the upper half to OUT.
pub const ISOSPLIT_HALF_IN: u32 = 0x80;

/// DPDMVALUE of a resume: K, for as long as the hardware takes it to be right.
pub const DPDMVALUE_RESUME: u32 = 1;

/// The bit of the event at `offset` in INTEN, INTENSET and INTENCLR.
pub const fn event_bit(offset: u16) -> u32 {
    1 << ((offset - 0x100) / 4)
}

register_table! {
    /// Captures EPIN\[n\].PTR and MAXCNT, copies RAM to the endpoint, then lets IN endpoint n answer the host.
    TASKS_STARTEPIN tasks_startepin 0x004 [8; 4] Task = 0 { TASK 0 }
    /// The same for the isochronous IN endpoint.
    TASKS_STARTISOIN tasks_startisoin 0x024 Task = 0 { TASK 0 }
    /// Captures EPOUT\[n\].PTR and MAXCNT, copies the endpoint to RAM, then lets OUT endpoint n accept traffic.
    TASKS_STARTEPOUT tasks_startepout 0x028 [8; 4] Task = 0 { TASK 0 }
    /// The same for the isochronous OUT endpoint.
    TASKS_STARTISOOUT tasks_startisoout 0x048 Task = 0 { TASK 0 }
    /// Permits one packet of the OUT data stage on endpoint 0.
    TASKS_EP0RCVOUT tasks_ep0rcvout 0x04C Task = 0 { TASK 0 }
    /// Permits the status stage on endpoint 0.
    TASKS_EP0STATUS tasks_ep0status 0x050 Task = 0 { TASK 0 }
    /// Stalls data and status stages on endpoint 0, until the next SETUP.
    TASKS_EP0STALL tasks_ep0stall 0x054 Task = 0 { TASK 0 }
    /// Forces D+ and D- to the state in DPDMVALUE.
    TASKS_DPDMDRIVE tasks_dpdmdrive 0x058 Task = 0 { TASK 0 }
    /// Gives D+ and D- back to the USB engine.
    TASKS_DPDMNODRIVE tasks_dpdmnodrive 0x05C Task = 0 { TASK 0 }
    /// A bus reset was seen on the lines.
    EVENTS_USBRESET events_usbreset 0x100 Event = 0 { EVENT 0 }
    /// PTR and MAXCNT were captured for the endpoints flagged in EPSTATUS.
    EVENTS_STARTED events_started 0x104 Event = 0 { EVENT 0 }
    /// The whole EPIN\[n\] buffer in RAM was read: software may touch it again.
    EVENTS_ENDEPIN events_endepin 0x108 [8; 4] Event = 0 { EVENT 0 }
    /// An acknowledged data packet went over endpoint 0, in either direction.
    EVENTS_EP0DATADONE events_ep0datadone 0x128 Event = 0 { EVENT 0 }
    /// The whole ISOIN buffer in RAM was read.
    EVENTS_ENDISOIN events_endisoin 0x12C Event = 0 { EVENT 0 }
    /// The EPOUT\[n\] buffer in RAM was written: software may touch it again.
    EVENTS_ENDEPOUT events_endepout 0x130 [8; 4] Event = 0 { EVENT 0 }
    /// The ISOOUT buffer in RAM was written.
    EVENTS_ENDISOOUT events_endisoout 0x150 Event = 0 { EVENT 0 }
    /// A start of frame was seen.
    EVENTS_SOF events_sof 0x154 Event = 0 { EVENT 0 }
    /// A bit of EVENTCAUSE went from 0 to 1.
    EVENTS_USBEVENT events_usbevent 0x158 Event = 0 { EVENT 0 }
    /// A valid SETUP was received and already acknowledged.
    EVENTS_EP0SETUP events_ep0setup 0x15C Event = 0 { EVENT 0 }
    /// A bit of EPDATASTATUS went from 0 to 1.
    EVENTS_EPDATA events_epdata 0x160 Event = 0 { EVENT 0 }
    /// Tasks that events trigger in hardware.
    SHORTS shorts 0x200 ReadWrite = 0 {
        EP0DATADONE_STARTEPIN0 0, EP0DATADONE_STARTEPOUT0 1, EP0DATADONE_EP0STATUS 2, ENDEPOUT0_EP0STATUS 3,
        ENDEPOUT0_EP0RCVOUT 4,
    }
    /// Which events assert the interrupt line.
    INTEN inten 0x300 ReadWrite = 0 {
        USBRESET 0, STARTED 1, ENDEPIN0 2, ENDEPIN1 3, ENDEPIN2 4, ENDEPIN3 5, ENDEPIN4 6, ENDEPIN5 7, ENDEPIN6 8,
        ENDEPIN7 9, EP0DATADONE 10, ENDISOIN 11, ENDEPOUT0 12, ENDEPOUT1 13, ENDEPOUT2 14, ENDEPOUT3 15,
        ENDEPOUT4 16, ENDEPOUT5 17, ENDEPOUT6 18, ENDEPOUT7 19, ENDISOOUT 20, SOF 21, USBEVENT 22, EP0SETUP 23,
        EPDATA 24,
    }
    /// Sets bits of INTEN.
    INTENSET intenset 0x304 WriteOneToSet = 0 { EVENTS 0 + 25 }
    /// Clears bits of INTEN.
    INTENCLR intenclr 0x308 WriteOneToClear = 0 { EVENTS 0 + 25 }
    /// Why USBEVENT was raised.
    EVENTCAUSE eventcause 0x400 WriteOneToClear = 0 {
        ISOOUTCRC 0, SUSPEND 8, RESUME 9, USBWUALLOWED 10, READY 11,
    }
    /// Whether IN endpoint n is halted: the answer to GET_STATUS.
    HALTED_EPIN halted_epin 0x420 [8; 4] ReadOnly = 0 { GETSTATUS 0 + 16 }
    /// Whether OUT endpoint n is halted: the answer to GET_STATUS.
    HALTED_EPOUT halted_epout 0x444 [8; 4] ReadOnly = 0 { GETSTATUS 0 + 16 }
    /// Endpoints whose EasyDMA registers were captured.
    EPSTATUS epstatus 0x468 WriteOneToClear = 0 {
        EPIN0 0, EPIN1 1, EPIN2 2, EPIN3 3, EPIN4 4, EPIN5 5, EPIN6 6, EPIN7 7, EPIN8 8,
        EPOUT0 16, EPOUT1 17, EPOUT2 18, EPOUT3 19, EPOUT4 20, EPOUT5 21, EPOUT6 22, EPOUT7 23, EPOUT8 24,
    }
    /// Endpoints with an acknowledged data packet.
    EPDATASTATUS epdatastatus 0x46C WriteOneToClear = 0 {
        EPIN1 1, EPIN2 2, EPIN3 3, EPIN4 4, EPIN5 5, EPIN6 6, EPIN7 7,
        EPOUT1 17, EPOUT2 18, EPOUT3 19, EPOUT4 20, EPOUT5 21, EPOUT6 22, EPOUT7 23,
    }
    /// The device address, kept by hardware.
    USBADDR usbaddr 0x470 ReadOnly = 0 { ADDR 0 + 7 }
    /// *Undocumented.* Bit 5 is polled as "DMA finished" on Engineering A silicon (erratum 104).
    DMASTATE dmastate 0x474 ReadOnly = 0 { STATE 0 + 8 }
    /// SETUP byte 0.
    BMREQUESTTYPE bmrequesttype 0x480 ReadOnly = 0 { RECIPIENT 0 + 5, TYPE 5 + 2, DIRECTION 7 }
    /// SETUP byte 1.
    BREQUEST brequest 0x484 ReadOnly = 0 { BREQUEST 0 + 8 }
    /// SETUP byte 2.
    WVALUEL wvaluel 0x488 ReadOnly = 0 { WVALUEL 0 + 8 }
    /// SETUP byte 3.
    WVALUEH wvalueh 0x48C ReadOnly = 0 { WVALUEH 0 + 8 }
    /// SETUP byte 4.
    WINDEXL windexl 0x490 ReadOnly = 0 { WINDEXL 0 + 8 }
    /// SETUP byte 5.
    WINDEXH windexh 0x494 ReadOnly = 0 { WINDEXH 0 + 8 }
    /// SETUP byte 6.
    WLENGTHL wlengthl 0x498 ReadOnly = 0 { WLENGTHL 0 + 8 }
    /// SETUP byte 7.
    WLENGTHH wlengthh 0x49C ReadOnly = 0 { WLENGTHH 0 + 8 }
    /// Bytes in the last packet of OUT endpoint n. Writing any value lets the endpoint accept the next packet.
    SIZE_EPOUT size_epout 0x4A0 [8; 4] WriteAnyToArm = 0 { SIZE 0 + 7 }
    /// Bytes in the last isochronous packet.
    SIZE_ISOOUT size_isoout 0x4C0 ReadOnly = 0x0001_0000 { SIZE 0 + 10, ZERO 16 }
    /// Powers the peripheral up; READY in EVENTCAUSE says when.
    ENABLE enable 0x500 ReadWrite = 0 { ENABLE 0 }
    /// Pulls D+ up: the host sees a full-speed device.
    USBPULLUP usbpullup 0x504 ReadWrite = 0 { CONNECT 0 }
    /// What DPDMDRIVE drives: 1 resume, 2 J, 4 K.
    DPDMVALUE dpdmvalue 0x508 ReadWrite = 0 { STATE 0 + 5 }
    /// Selects an endpoint's data toggle (VALUE 0), or forces it to DATA0 (1) or DATA1 (2).
    DTOGGLE dtoggle 0x50C ReadWrite = 0x0000_0100 { EP 0 + 3, IO 7, VALUE 8 + 2 }
    /// Which IN endpoints answer tokens.
    EPINEN epinen 0x510 ReadWrite = 0x0000_0001 { IN0 0, IN1 1, IN2 2, IN3 3, IN4 4, IN5 5, IN6 6, IN7 7, ISOIN 8 }
    /// Which OUT endpoints answer tokens.
    EPOUTEN epouten 0x514 ReadWrite = 0x0000_0001 {
        OUT0 0, OUT1 1, OUT2 2, OUT3 3, OUT4 4, OUT5 5, OUT6 6, OUT7 7, ISOOUT 8,
    }
    /// Stalls or unstalls an endpoint.
    EPSTALL epstall 0x518 WriteOnly = 0 { EP 0 + 3, IO 7, STALL 8 }
    /// How the isochronous buffer is shared: 0 one direction, 0x80 half each.
    ISOSPLIT isosplit 0x51C ReadWrite = 0 { SPLIT 0 + 16 }
    /// The frame number of the last start of frame.
    FRAMECNTR framecntr 0x520 ReadOnly = 0 { FRAMECNTR 0 + 11 }
    /// Low power, in suspend only.
    LOWPOWER lowpower 0x52C ReadWrite = 0 { LOWPOWER 0 }
    /// What an isochronous IN token without data gets: nothing, or a zero-length packet.
    ISOINCONFIG isoinconfig 0x530 ReadWrite = 0 { RESPONSE 0 }
    /// Where IN endpoint n's transfer reads RAM.
    EPIN_PTR epin_ptr 0x600 [8; 0x14] ReadWrite = 0 { PTR 0 + 32 }
    /// How many bytes IN endpoint n's transfer moves.
    EPIN_MAXCNT epin_maxcnt 0x604 [8; 0x14] ReadWrite = 0 { MAXCNT 0 + 7 }
    /// How many bytes IN endpoint n's last transfer moved.
    EPIN_AMOUNT epin_amount 0x608 [8; 0x14] ReadOnly = 0 { AMOUNT 0 + 7 }
    /// Where the isochronous IN transfer reads RAM.
    ISOIN_PTR isoin_ptr 0x6A0 ReadWrite = 0 { PTR 0 + 32 }
    /// How many bytes the isochronous IN transfer moves.
    ISOIN_MAXCNT isoin_maxcnt 0x6A4 ReadWrite = 0 { MAXCNT 0 + 10 }
    /// How many bytes the last isochronous IN transfer moved.
    ISOIN_AMOUNT isoin_amount 0x6A8 ReadOnly = 0 { AMOUNT 0 + 10 }
    /// Where OUT endpoint n's transfer writes RAM.
    EPOUT_PTR epout_ptr 0x700 [8; 0x14] ReadWrite = 0 { PTR 0 + 32 }
    /// How many bytes OUT endpoint n's transfer moves.
    EPOUT_MAXCNT epout_maxcnt 0x704 [8; 0x14] ReadWrite = 0 { MAXCNT 0 + 7 }
    /// How many bytes OUT endpoint n's last transfer moved.
    EPOUT_AMOUNT epout_amount 0x708 [8; 0x14] ReadOnly = 0 { AMOUNT 0 + 7 }
    /// Where the isochronous OUT transfer writes RAM.
    ISOOUT_PTR isoout_ptr 0x7A0 ReadWrite = 0 { PTR 0 + 32 }
    /// How many bytes the isochronous OUT transfer moves.
    ISOOUT_MAXCNT isoout_maxcnt 0x7A4 ReadWrite = 0 { MAXCNT 0 + 10 }
    /// How many bytes the last isochronous OUT transfer moved.
    ISOOUT_AMOUNT isoout_amount 0x7A8 ReadOnly = 0 { AMOUNT 0 + 10 }
    /// *Undocumented.* Index of an 8-bit register inside the USB core.
    COREINDEX coreindex 0x800 ReadWrite = 0 { INDEX 0 + 11 }
    /// *Undocumented.* Data port for that index.
    COREDATA coredata 0x804 ReadWrite = 0 { DATA 0 + 8 }
    /// *Undocumented.* Erratum 199: 0x82 while a DMA transfer runs, 0 otherwise.
    DMALATCH dmalatch 0xC1C ReadWrite = 0 { LATCH 0 + 8 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Access;

    #[test]
    fn rows_ascend_and_do_not_overlap() {
        // Arrays of PTR, MAXCNT and AMOUNT interleave, so the words are compared one by one.
        let mut owner = [None; 0x400];
        let mut last = 0;
        for row in REGISTERS {
            assert!(row.offset >= last, "{} is out of order", row.text);
            last = row.offset;
            for n in 0..row.count {
                let word = usize::from((row.offset + n * row.stride) / 4);
                assert_eq!(owner[word], None, "{}[{n}] stands on another register", row.text);
                owner[word] = Some(row.text);
            }
        }
    }

    #[test]
    fn fields_do_not_overlap_and_hold_the_reset_value() {
        for row in REGISTERS {
            let bits: u32 = row.fields.iter().map(|field| u32::from(field.width)).sum();
            assert_eq!(bits, row.mask().count_ones(), "fields of {} overlap", row.text);
            assert_eq!(row.reset & !row.mask(), 0, "{} resets to a bit of no field", row.text);
        }
    }

    #[test]
    fn inten_bits_follow_from_event_offsets() {
        let events = REGISTERS.iter().filter(|row| row.access == Access::Event);
        let mut bits = 0;
        for row in events {
            for n in 0..row.count {
                bits |= event_bit(row.offset + n * row.stride);
            }
        }
        assert_eq!(bits, 0x01FF_FFFF);
        assert_eq!(event_bit(events_ep0datadone()), inten::EP0DATADONE.mask());
        assert_eq!(event_bit(events_endisoin()), inten::ENDISOIN.mask());
        assert_eq!(event_bit(events_endepout(7)), inten::ENDEPOUT7.mask());
        assert_eq!(event_bit(events_epdata()), inten::EPDATA.mask());
    }

    #[test]
    fn isochronous_blocks_stand_where_endpoint_eight_would() {
        assert_eq!(isoin_ptr(), epin_ptr(7) + 0x14);
        assert_eq!(isoout_amount(), epout_amount(7) + 0x14);
        assert_eq!(size_isoout(), size_epout(7) + 4);
        assert_eq!(tasks_startisoin(), tasks_startepin(7) + 4);
        assert_eq!(events_endisoout(), events_endepout(7) + 4);
        assert_ne!(events_endisoin(), events_endepin(7) + 4);
    }

    #[test]
    #[should_panic(expected = "no register has this index")]
    fn endpoint_eight_has_no_ordinary_register() {
        let _ = epin_ptr(8);
    }

    #[test]
    fn registers_of_the_core_have_the_indices_that_drivers_use() {
        // nrfx 4.2.1 `usbd_ep_abort`, TinyUSB 64f41dea6.
        assert_eq!([1, 2, 7].map(core_incs), [0x7B6, 0x7B8, 0x7C2]);
        assert_eq!([0, 1, 7].map(core_outbc), [0x7C5, 0x7C7, 0x7D3]);
    }
}
