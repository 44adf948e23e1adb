//! POWER and CLOCK beside the controller: the wires between them, and the cable.

use dma_api::nrf52840::power::map as power_map;

use super::*;
use crate::device::usbd::{Feed, Rail, Supply};
use crate::trace::{Keep, timeline};

const BASE: u32 = 0x4000_0000;

fn supplied(supply: Supply) -> Config {
    Config { options: Options { supply, ..Options::ideal() }, keep: Keep::Order, ..config() }
}

impl Rig {
    fn new(config: Config) -> Self {
        Self { soc: Soc::new(config), memory: vec![UNTOUCHED; RED_ZONE + BUFFER + RED_ZONE] }
    }

    #[track_caller]
    fn peek(&mut self, offset: u16) -> u32 {
        self.soc.cpu_peek(BASE + u32::from(offset), Location::caller())
    }

    #[track_caller]
    fn poke(&mut self, offset: u16, value: u32) {
        self.soc.cpu_poke(BASE + u32::from(offset), value, Location::caller());
    }

    fn rules_of_supply(&self) -> Vec<Rule> {
        self.soc.monitor().violations().iter().map(|violation| violation.misuse.rule).collect()
    }

    /// Up, in the right order.
    fn attach(&mut self) {
        assert_eq!(self.peek(power_map::usbregstatus()), 1);
        self.write(map::enable(), 1);
        self.soc.power_up_done();
        self.poke(power_map::tasks_hfclkstart(), 1);
        while let Some(step) = self.soc.supply_steps().next() {
            self.soc.supply_step(step);
        }
        assert_eq!(self.peek(power_map::usbregstatus()), 3);
        self.write(map::usbpullup(), 1);
    }
}

#[test]
fn enable_starts_the_regulator_and_hfclkstart_the_crystal() {
    let mut rig = Rig::new(supplied(Supply::Modelled));
    assert_eq!(rig.soc.supply_steps().count(), 0);
    rig.write(map::enable(), 1);
    assert_eq!(rig.soc.supply_steps().collect::<Vec<_>>(), [Step::Regulator]);
    rig.poke(power_map::tasks_hfclkstart(), 1);
    assert_eq!(rig.soc.supply_steps().collect::<Vec<_>>(), [Step::Regulator, Step::Crystal]);
    rig.write(map::enable(), 0);
    assert_eq!(rig.soc.supply_steps().collect::<Vec<_>>(), [Step::Crystal]);
}

#[test]
fn device_is_there_when_all_has_come_and_gone_with_the_cable() {
    let mut rig = Rig::new(supplied(Supply::Modelled));
    rig.attach();
    assert!(rig.soc.is_connected());
    rig.soc.bus_reset();
    assert_eq!(rig.host(Token::Setup([0x80, 6, 0, 1, 0, 0, 8, 0])), Answer::Ack);
    rig.soc.plug(false);
    assert!(!rig.soc.is_connected());
    assert_eq!((rig.peek(power_map::events_usbremoved()), rig.peek(power_map::usbregstatus())), (1, 0));
    // No SUSPEND: there is no bus to be idle.
    assert_eq!(rig.read(map::eventcause()) & map::eventcause::SUSPEND.mask(), 0);
    rig.soc.plug(true);
    assert!(!rig.soc.is_connected(), "the regulator has not settled");
    rig.soc.supply_step(Step::Regulator);
    assert!(rig.soc.is_connected());
    assert_eq!(rig.rules_of_supply(), []);
}

#[test]
fn pulled_cable_is_an_idle_bus_where_vbus_is_always_there() {
    let mut rig = Rig::new(supplied(Supply::Always));
    rig.attach();
    rig.soc.plug(false);
    assert_ne!(rig.read(map::eventcause()) & map::eventcause::SUSPEND.mask(), 0);
    assert_eq!((rig.peek(power_map::events_usbremoved()), rig.peek(power_map::usbregstatus())), (0, 3));
}

#[test]
fn crystal_that_is_stopped_silences_the_device() {
    let mut rig = Rig::new(supplied(Supply::Modelled));
    rig.attach();
    rig.soc.bus_reset();
    let setup = Token::Setup([0x80, 6, 0, 1, 0, 0, 8, 0]);
    rig.poke(power_map::tasks_hfclkstop(), 1);
    assert_eq!(rig.host(setup), Answer::Silence);
    rig.poke(power_map::tasks_hfclkstart(), 1);
    assert_eq!(rig.host(setup), Answer::Silence);
    rig.soc.supply_step(Step::Crystal);
    assert_eq!(rig.host(setup), Answer::Ack);
}

#[test]
fn read_of_the_status_tells_what_the_cpu_has_seen() {
    let mut rig = Rig::new(supplied(Supply::Modelled));
    rig.peek(power_map::usbregstatus());
    rig.soc.plug(false);
    rig.write(map::enable(), 1);
    assert_eq!(rig.rules_of_supply(), []);
    rig.write(map::enable(), 0);
    rig.peek(power_map::usbregstatus());
    rig.write(map::enable(), 1);
    assert_eq!(rig.rules_of_supply(), [Rule::EnableWithoutVbus]);
}

#[test]
fn register_that_is_not_modelled_is_reported_with_its_line() {
    // RESETREAS, and none of any peripheral here.
    for (offset, rules) in [(0x400, vec![Rule::NotModelled; 2]), (0x1400, vec![])] {
        let mut rig = Rig::new(supplied(Supply::Modelled));
        assert_eq!(rig.peek(offset), 0);
        rig.poke(offset, 1);
        assert_eq!(rig.rules_of_supply(), rules);
        for violation in rig.soc.monitor().violations() {
            assert!(violation.to_string().contains("supply.rs"), "{violation}");
        }
    }
}

#[test]
fn accesses_and_steps_are_in_the_trace_by_name() {
    let mut rig = Rig::new(supplied(Supply::Modelled));
    rig.attach();
    let text = anstream::adapter::strip_str(&timeline::render(rig.soc.trace())).to_string();
    let lines = [
        "POWER.USBREGSTATUS -> 0x1",
        "CLOCK.TASKS_HFCLKSTART <- 0x1",
        "the USB regulator has settled",
        "HFXO runs",
        "POWER.USBREGSTATUS -> 0x3",
        "USBPULLUP <- 0x1",
    ];
    let found: Vec<&str> =
        text.lines().filter_map(|line| lines.into_iter().find(|part| line.ends_with(part))).collect();
    assert_eq!(found, lines, "{text}");
}

#[test]
fn whatever_the_supply_does_is_counted_as_a_change() {
    let mut rig = Rig::new(supplied(Supply::Modelled));
    let changes: [fn(&mut Rig); 4] = [
        |rig| rig.poke(power_map::tasks_hfclkstart(), 1),
        |rig| rig.soc.supply_step(Step::Crystal),
        |rig| rig.soc.plug(false),
        |rig| rig.poke(power_map::events_usbremoved(), 0),
    ];
    for change in changes {
        let before = rig.soc.generation();
        change(&mut rig);
        assert_ne!(rig.soc.generation(), before);
    }
    let before = rig.soc.generation();
    rig.peek(power_map::usbregstatus());
    assert_eq!(rig.soc.generation(), before);
}

#[test]
fn supply_is_part_of_the_state_and_the_controller_is_fed_out_of_reset() {
    let hash = |change: fn(&mut Rig)| {
        let mut rig = Rig::new(supplied(Supply::Modelled));
        change(&mut rig);
        std::hash::BuildHasher::hash_one(
            &std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default(),
            &rig.soc,
        )
    };
    assert_ne!(hash(|_| {}), hash(|rig| rig.poke(power_map::tasks_hfclkstart(), 1)));
    let rig = Rig::new(supplied(Supply::Modelled));
    assert_eq!(rig.soc.power().feed(), Feed { vbus: Rail::On, output: Rail::Off, crystal: false });
    assert!(format!("{:?}", rig.soc.usbd()).contains("output: Off, crystal: false"));
}
