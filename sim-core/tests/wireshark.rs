//! What Wireshark says of our captures. Ignored, unless asked for: it needs tshark, 4.0 or newer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sim_core::device::usbd::{Answer, Packet, Token};
use sim_core::trace::{Keep, Record, Trace, pcapng};

/// What is wrong with a frame: a bad CRC, a packet out of place, anything that the dissectors complain about.
const WRONG: &str = "usbll.crc5.status == 0 || usbll.crc16.status == 0 || _ws.expert || _ws.malformed";

/// A capture, and the transactions that the same run shows on the terminal: `@0 SETUP 80 06 ..: ACK`.
struct Run {
    capture: PathBuf,
    transactions: Vec<String>,
}

impl Run {
    fn new(name: &str, arguments: &[&str]) -> Self {
        let capture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_dmacheck"));
        let output = command.args(["usb", "--json"]).args(arguments).arg("--pcapng").arg(&capture).output();
        let output = output.expect("it can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let lines = report["timeline"].as_array().expect("it is a list").iter().filter_map(|line| line.as_str());
        let transactions = lines.filter_map(|line| line.split_once('@')).map(|(_, shown)| shown.to_owned()).collect();
        Self { capture, transactions }
    }

    /// A capture of transactions that the command's host does not send.
    fn synthetic(name: &str) -> Self {
        let bytes: Vec<u8> = (0..64).collect();
        let packet = |length| Packet::new(&bytes[..length]);
        let mut trace = Trace::new(Keep::Order);
        for (endpoint, token, answer) in [
            (1, Token::In, Answer::Data { data1: false, packet: packet(64) }),
            (1, Token::In, Answer::Data { data1: true, packet: packet(1) }),
            (2, Token::Out { data1: false, packet: packet(63) }, Answer::Nak),
            (2, Token::Out { data1: false, packet: packet(63) }, Answer::Ack),
            (7, Token::In, Answer::Stall),
            (15, Token::Out { data1: true, packet: packet(2) }, Answer::Stall),
        ] {
            trace.note(None, || Record::Transaction { address: 0x7F, endpoint, token, answer, fault: None });
        }
        let capture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        pcapng::write(&trace, fs::File::create(&capture).expect("it can be written")).expect("it can be written");
        Self { capture, transactions: Vec::new() }
    }

    /// Address and PIDs of each packet, as the terminal shows them. Only tokens have an address.
    fn packets(&self) -> Vec<String> {
        let mut packets = Vec::new();
        for shown in &self.transactions {
            let (address, rest) = shown.split_once(' ').expect("an address");
            let (token, answer) = rest.split_once(": ").expect("an answer");
            let word = |text: &str, n| text.split([' ', ',']).nth(n).unwrap_or_default().to_owned();
            packets.push(format!("{address} {}", word(token, 0)));
            match &word(token, 0)[..] {
                "SETUP" => packets.push("DATA0".to_owned()),
                "OUT" => packets.push(word(token, 1)),
                _ => {}
            }
            packets.push(word(answer, 0));
            if answer.starts_with("DATA") {
                packets.push("ACK".to_owned());
            }
        }
        packets
    }

    /// The lines that tshark prints.
    fn tshark(&self, arguments: &[&str]) -> Vec<String> {
        let mut command = Command::new("tshark");
        // Without the user's preferences.
        command.env("HOME", env!("CARGO_TARGET_TMPDIR")).env_remove("XDG_CONFIG_HOME");
        let output = command.arg("-r").arg(&self.capture).args(arguments).output();
        let output = output.expect("tshark can be run: apt-get install tshark");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("it prints UTF-8");
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The Info column of the frames that match.
    fn info(&self, filter: &str) -> Vec<String> {
        self.tshark(&["-o", "gui.column.format:\"Info\",\"%i\"", "-Y", filter])
    }

    /// Address and PID of each frame, as [`Run::packets`].
    fn packets_of_tshark(&self) -> Vec<String> {
        let fields = ["-T", "fields", "-E", "separator= ", "-e", "usbll.device_addr", "-e", "usbll.pid"];
        let named = |line: String| {
            let (before, pid) = line.rsplit_once("0x").expect("a PID");
            format!("{before}{}", name_of_pid(pid))
        };
        self.tshark(&fields).into_iter().map(named).collect()
    }
}

fn name_of_pid(pid: &str) -> &'static str {
    match pid {
        "2d" => "SETUP",
        "69" => "IN",
        "e1" => "OUT",
        "c3" => "DATA0",
        "4b" => "DATA1",
        "d2" => "ACK",
        "5a" => "NAK",
        "1e" => "STALL",
        other => panic!("no PID of ours: {other}"),
    }
}

#[test]
#[ignore = "needs tshark"]
fn tshark_decodes_an_enumeration() {
    let run = Run::new("enumeration.pcapng", &["--engine", "stepped"]);
    let read = ["GET DESCRIPTOR Request DEVICE", "GET DESCRIPTOR Response DEVICE"];
    assert_eq!(run.info("usb"), [&read[..], &["SET ADDRESS Request"], &read].concat());
    let fields = ["-Y", "usb.idVendor", "-T", "fields", "-e", "usb.idVendor", "-e", "usb.idProduct"];
    assert_eq!(run.tshark(&fields), ["0x1209\t0x0001"; 2]);
    assert_eq!(run.tshark(&["-Y", "usb.device_address", "-T", "fields", "-e", "usb.device_address"]), ["5"]);
}

#[test]
#[ignore = "needs tshark"]
fn tshark_sees_the_packets_that_the_terminal_shows() {
    for (name, arguments) in [
        ("immediate.pcapng", &["--engine", "stepped"][..]),
        ("seeded.pcapng", &["--engine", "stepped", "--seed", "7"]),
        ("threads.pcapng", &["--engine", "threads"]),
    ] {
        let run = Run::new(name, arguments);
        let packets = run.packets();
        assert!(packets.len() >= 25, "{packets:?}");
        assert_eq!(run.packets_of_tshark(), packets, "{name}");
        assert_eq!(run.info(WRONG), [""; 0], "{name}");
        let tokens = packets.iter().filter(|packet| packet.contains(' ')).count();
        let data = packets.iter().filter(|packet| packet.starts_with("DATA")).count();
        assert_eq!(run.info("usbll.crc5.status == 1").len(), tokens, "{name}");
        assert_eq!(run.info("usbll.crc16.status == 1").len(), data, "{name}");
    }
}

#[test]
#[ignore = "needs tshark"]
fn tshark_agrees_with_every_crc_of_other_endpoints() {
    let run = Run::synthetic("endpoints.pcapng");
    let endpoints = run.tshark(&["-Y", "usbll.endp", "-T", "fields", "-e", "usbll.device_addr", "-e", "usbll.endp"]);
    assert_eq!(endpoints, ["127\t1", "127\t1", "127\t2", "127\t2", "127\t7", "127\t15"]);
    assert_eq!(run.info(WRONG), [""; 0]);
    assert_eq!(run.info("usbll.crc5.status == 1").len(), 6);
    assert_eq!(run.info("usbll.crc16.status == 1").len(), 5);
}

#[test]
#[ignore = "needs tshark"]
fn tshark_finds_a_packet_that_was_altered() {
    let run = Run::new("altered.pcapng", &["--engine", "stepped"]);
    let mut file = fs::read(&run.capture).expect("it is there");
    let get_descriptor = [0xC3, 0x80, 6, 0, 1];
    let at = file.windows(5).position(|bytes| bytes == get_descriptor).expect("the SETUP's data packet is in it");
    file[at + 4] = 2;
    fs::write(&run.capture, file).expect("it can be written");
    assert_eq!(run.info("usbll.crc16.status == 0").len(), 1);
    assert_eq!(run.info(WRONG).len(), 1);
}

#[test]
#[ignore = "needs tshark"]
fn tshark_lists_what_each_host_asks() {
    for host in ["linux", "windows", "macos"] {
        let run = Run::new(&format!("{host}.pcapng"), &["--engine", "stepped", "--host", host]);
        let info = run.info("usb");
        let asked: Vec<&str> = info.iter().map(String::as_str).filter(|info| info.contains("Request")).collect();
        for request in [
            "GET DESCRIPTOR Request DEVICE",
            "GET DESCRIPTOR Request CONFIGURATION",
            "GET DESCRIPTOR Request STRING",
            "SET ADDRESS Request",
            "SET CONFIGURATION Request",
        ] {
            assert!(asked.contains(&request), "{host}, {request}: {asked:?}");
        }
        let begins_with_address = asked.first().is_some_and(|first| first.starts_with("SET ADDRESS"));
        assert_eq!(begins_with_address, host == "macos", "{host}: {asked:?}");
        assert_eq!(run.info(WRONG), [""; 0], "{host}");
    }
}
