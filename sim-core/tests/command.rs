//! The `dmacheck` command: output, exit status, bad usage.

use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use sim_core::check::programs::Exchange;
use sim_core::explore::Program;
use sim_core::explore::replay::Recording;

fn dmacheck() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dmacheck"))
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = dmacheck().args(arguments).output().expect("it can be run");
    let text = |bytes| String::from_utf8(bytes).expect("it prints UTF-8");
    (status.code().expect("it was not killed"), text(stdout), text(stderr))
}

/// What comes of it without arguments.
static WHOLE: LazyLock<(i32, String, String)> = LazyLock::new(|| run(&[]));

#[test]
fn without_arguments_it_shows_a_transfer_and_ends_with_the_verdicts() {
    let (code, out, err) = &*WHOLE;
    assert_eq!(*code, 0, "{err}");
    assert!(out.contains("TASKS_STARTEPIN[0] <- 0x1") && out.contains("SETUP 80 06 00 01"), "{out}");
    assert_eq!(out.lines().last(), Some("verdicts: 201 as expected, 0 unexpected"));
    assert!(!out.contains('\u{1b}'), "colours go to terminals only");
    assert_eq!(err, "");
}

#[test]
fn json_of_every_command_parses() {
    let json = |arguments: &[&str]| -> serde_json::Value {
        let (code, out, err) = run(arguments);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).expect("it is JSON")
    };
    assert!(json(&["usb", "--json"]).is_object() && json(&["serial", "--json"]).is_object());
    let part = json(&["check", "--json", "--only", "matrix"]);
    let value = json(&["--json"]);
    assert_eq!(part["matrix"].as_array().map(Vec::len), Some(27));
    assert_eq!(value["matrix"].as_array().map(Vec::len), Some(27));
    let quirks = value["quirks"].as_array().expect("it is a list");
    assert_eq!(quirks.len(), 81);
    assert!(quirks.iter().all(|row| row["verdict"] == row["expected"]), "{quirks:?}");
    let caught = quirks.iter().filter(|row| row["verdict"] != "sound");
    assert!(caught.clone().count() > 0 && caught.clone().all(|row| row["completion"] != "after-data"), "{quirks:?}");
    let paths = value["paths"].as_array().expect("it is a list");
    assert_eq!(paths.len(), 27, "{paths:?}");
    for fence in paths.iter().flat_map(|path| path["fences"].as_array().expect("it is a list")) {
        let [m4, m7] = if fence["idle"] == true { ["none", "none"] } else { ["compiler", "full"] };
        assert_eq!(fence["weakest"]["cortex-m4"], m4, "{fence}");
        assert_eq!(fence["weakest"]["cortex-m7"], m7, "{fence}");
        assert!(fence["file"].as_str().is_some_and(|file| file.starts_with("dma-api")), "{fence}");
    }
    let refused = paths
        .iter()
        .filter(|path| path["fences"].as_array().is_some_and(|all| all.iter().any(|fence| fence["idle"] == true)));
    let refused: Vec<_> = refused.map(|path| &path["path"]).collect();
    assert_eq!(refused, ["ep-in-refused", "send-refused"]);
    let upkeep = value["upkeep"].as_array().expect("it is a list");
    assert_eq!(upkeep.len(), 27, "{upkeep:?}");
    for chore in upkeep.iter().flat_map(|path| path["fences"].as_array().expect("it is a list")) {
        let cleans = chore["does"] == "clean";
        let without = if cleans { "CacheNotCleaned" } else { "CacheNotInvalidated" };
        assert_eq!(chore["without"]["violation"], without, "{chore}");
    }
    assert_eq!(value["unexpected"], 0);
}

#[test]
fn part_that_is_asked_for_is_judged_and_no_other() {
    let parts = [("matrix", 27, "Which fences"), ("hosts", 7, "Endpoint 0")];
    for (part, verdicts, title) in parts {
        let (code, out, err) = run(&["check", "--only", part]);
        assert_eq!(code, 0, "{err}");
        let last = format!("verdicts: {verdicts} as expected, 0 unexpected");
        assert_eq!(out.lines().last(), Some(&*last));
        for (other, _, other_title) in parts {
            assert_eq!(out.contains(other_title), other == part, "{part}: {other_title}");
        }
        assert!(out.contains(title) && !out.contains("each path"), "{part}: {out}");
    }
    assert_eq!(run(&["check", "--only", "nothing"]).0, 2);
}

/// A bounded run never reads as a proof.
#[test]
fn what_a_bound_leaves_unexplored_is_said() {
    for (bound, left) in [
        (["--shard", "2/4"], "the other shards, this was 2/4"),
        (["--preemptions", "1"], "schedules with more than 1 preemptions"),
        (["--executions", "100"], "what comes after the limit of 100 schedules"),
        (["--time", "0"], "what comes after the limit of 0"),
    ] {
        let (code, out, err) = run(&[&["check", "--only", "hosts"][..], &bound].concat());
        assert_eq!(code, 0, "{err}");
        assert!(out.lines().any(|line| line.contains("device:reset:8: ") && line.contains(left)), "{bound:?}: {out}");
        let last = out.lines().last();
        assert_eq!(last, Some("verdicts: 0 as expected, 0 unexpected, 7 left open: no proof"), "{bound:?}");
    }
    let (_, out, _) = run(&["check", "--only", "hosts", "--executions", "100", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!((&value["left_open"], &value["unexpected"]), (&7.into(), &0.into()));
    assert!(value["programs"][0]["unexplored"].is_string(), "{value}");
    let (_, whole, _) = run(&["check", "--only", "hosts", "--executions", "1000000"]);
    assert!(
        whole.ends_with("verdicts: 7 as expected, 0 unexpected\n"),
        "a bound that nobody comes to is none: {whole}"
    );
}

#[test]
fn shard_that_there_is_not_is_bad_usage() {
    for (shard, says) in
        [("0/4", "from 1/4 to 4/4"), ("5/4", "from 1/4 to 4/4"), ("1/0", "of how many"), ("x", "as in 1/4")]
    {
        let (code, out, err) = run(&["check", "--shard", shard]);
        assert_eq!((code, out.as_str()), (2, ""), "{shard}");
        assert!(err.contains(says), "{shard}: {err}");
    }
}

/// Every verdict, executions and replay string of the matrix, without the times.
fn verdicts(command: &mut Command) -> serde_json::Value {
    fn forget_times(value: &mut serde_json::Value) {
        if let Some(fields) = value.as_object_mut() {
            fields.remove("milliseconds");
            fields.values_mut().for_each(forget_times);
        }
        value.as_array_mut().into_iter().flatten().for_each(forget_times);
    }
    let out = command.args(["check", "--only", "matrix", "--json"]).output().expect("it can be run").stdout;
    let mut value = serde_json::from_slice(&out).expect("it is JSON");
    forget_times(&mut value);
    value
}

#[test]
fn environment_of_the_user_changes_no_verdict() {
    let plain = verdicts(&mut dmacheck());
    let mut meddled = dmacheck();
    meddled.env("LOOM_MAX_PREEMPTIONS", "1").env("LOOM_MAX_BRANCHES", "3").env("LOOM_MAX_PERMUTATIONS", "2");
    assert_eq!(verdicts(&mut meddled), plain);
    let explored = plain["matrix"][0]["loom"]["executions"].as_u64();
    assert!(explored.is_some_and(|executions| executions > 100), "{plain}");
}

#[test]
fn eighty_columns_hold_every_row_of_the_tables() {
    let (_, out, _) = &*WHOLE;
    let rows: Vec<&str> = out.lines().filter(|line| line.contains(" sound ") || line.contains(" race ")).collect();
    assert_eq!(rows.len(), 61, "{out}");
    for row in rows {
        assert!(row.chars().count() <= 80, "{row}");
    }
}

#[test]
fn replay_shows_the_race_again_and_fails() {
    let (_, out, _) = run(&["check", "--only", "matrix", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    let rows = value["matrix"].as_array().expect("it is a list");
    let replay = rows.iter().find_map(|row| row["stepped"]["replay"].as_str()).expect("there is a race");
    let (code, out, _) = run(&["replay", replay]);
    assert_eq!(code, 1);
    assert!(out.contains("!! Race") && out.contains(replay), "{out}");
}

const README: &str = include_str!("../../README.md");

/// The chapter about the second chip.
const CHAPTER: &str = include_str!("../src/guide/stm32f103.md");

/// The lines of a sample are among those that were printed. `...` stands for lines that are left out.
#[track_caller]
fn assert_shows(out: &str, sample: &str) {
    let mut sample = sample.lines().skip(1);
    assert!(sample.clone().count() > 10);
    let missing = sample.find(|line| line.trim() != "..." && !out.lines().any(|printed| printed == *line));
    assert_eq!(missing, None, "{out}");
}

#[test]
fn race_of_the_readme_is_what_its_replay_prints() {
    let sample = README.split("```").nth(1).expect("the README begins with a race");
    let replay = sample.lines().last().and_then(|line| line.trim().strip_prefix("replay ")).expect("the string");
    assert_shows(&run(&["replay", replay]).1, sample);
}

#[test]
fn exchange_of_the_chapter_is_what_its_command_prints() {
    let (_, after) = CHAPTER.split_once("`dmacheck serial --").expect("the chapter has an exchange");
    let (options, after) = after.split_once('`').expect("the command ends");
    let sample = after.split("```").nth(1).expect("its output follows");
    let command = format!("serial --{options}");
    assert_shows(&run(&command.split(' ').collect::<Vec<_>>()).1, sample);
}

#[test]
fn bad_usage_is_named_and_exits_with_two() {
    let other = Recording { program: "somebody-elses".to_owned(), choices: vec![0] }.to_string();
    let of = |program: &Exchange| Recording { program: program.name(), choices: vec![0] }.to_string();
    let [exchange, too_many] = [1, 1025].map(|bytes| of(&Exchange::new(bytes)));
    let cut = "d1.device:reset:8.4ab5ab13a2b27a5b.872a4e";
    for (arguments, expected) in [
        (&["frobnicate"][..], "unrecognized subcommand"),
        (&["check", "--packets", "4"], "4 is not in 1..=3"),
        (&["usb", "--seed", "1"], "`--seed` needs `--engine stepped`"),
        (&["usb", "--engine", "magic"], "invalid value 'magic'"),
        (&["serial", "--seed", "1"], "`--seed` needs `--engine stepped`"),
        (&["serial", "--bytes", "0"], "0 is not in 1..=1024"),
        (&["serial", "--bytes", "1025"], "1025 is not in 1..=1024"),
        (&["serial", "--bytes", "-1"], "unexpected argument '-1'"),
        (&["serial", "--bytes", "many"], "invalid value 'many'"),
        (&["serial", "--start", "dmb"], "[possible values: fence, compiler_fence, none]"),
        (&["serial", "--pcapng", "serial.pcapng"], "unexpected argument '--pcapng'"),
        (&["replay", &exchange, "--pcapng", "serial.pcapng"], "`--pcapng` is for USB packets"),
        (&["replay", &too_many], "not one of dmacheck's"),
        (&["catalogue", "c999"], "no case has `c999` in its name"),
        (&["replay"], "required arguments"),
        (&["replay", "nonsense"], "this is no replay string"),
        (&["replay", cut], "the string was cut or altered"),
        (&["replay", &other], "not one of dmacheck's"),
    ] {
        let (code, _, err) = run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {err}");
        assert!(err.contains(expected), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    }
}

#[test]
fn reader_that_goes_away_is_no_panic() {
    let mut child = dmacheck().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be run");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn help_of_every_command_has_examples_or_says_how_it_exits() {
    for command in ["--help", "check", "usb", "serial", "catalogue", "replay"] {
        let (code, out, _) = run(&[command, "--help"]);
        assert_eq!(code, 0);
        assert!(out.contains("Examples:") || out.contains("Exit status:"), "{out}");
    }
}

/// What the help of a command shows under `Examples:`, as far as it is ours to run.
fn examples_of(command: &str) -> Vec<String> {
    let (_, out, _) = run(&[command, "--help"]);
    let after = out.lines().skip_while(|line| *line != "Examples:").skip(1);
    let shown = after.take_while(|line| line.starts_with("  ")).map(str::trim);
    shown.filter(|line| line.starts_with("dmacheck")).map(str::to_owned).collect()
}

#[test]
fn examples_of_every_help_end_as_they_should() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples_of_help");
    std::fs::create_dir_all(&directory).expect("the target directory can be written");
    let commands = ["--help", "check", "usb", "serial", "catalogue", "replay"];
    let mut examples: Vec<String> = commands.into_iter().flat_map(examples_of).collect();
    assert!(commands.iter().all(|command| *command == "--help" || !examples_of(command).is_empty()));
    examples.sort();
    examples.dedup();
    // These are run by other tests.
    examples.retain(|example| !["dmacheck", "dmacheck catalogue --json"].contains(&example.as_str()));
    for example in examples {
        // A driver without its fence, and a race that is run again.
        let fails = example.contains("--end none") || example.starts_with("dmacheck replay");
        // What is judged takes long; that the arguments go together shows with a part of it.
        let is_whole = example.starts_with("dmacheck check") && !example.contains("--only");
        let part: &[&str] = if is_whole { &["--only", "matrix"] } else { &[] };
        let arguments = example.split(' ').skip(1).chain(part.iter().copied());
        let output = dmacheck().args(arguments).current_dir(&directory).output().expect("it can be run");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(fails.into()), "{example}: {errors}");
        assert!(!output.stdout.is_empty(), "{example}: {errors}");
    }
    for file in ["run.vcd", "out.pcapng", "usb.pcapng", "usb.vcd", "serial.vcd", "target/dmacheck/index.html"] {
        assert!(directory.join(file).is_file(), "{file} is not what an example has written");
    }
}

#[test]
fn catalogue_runs_every_case_and_its_strings_bring_each_back() {
    let (code, out, err) = run(&["catalogue", "--json"]);
    assert_eq!(code, 0, "{err}");
    let value: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(value["unexpected"], 0);
    let cases = value["cases"].as_array().expect("it is a list");
    assert_eq!(cases.len(), sim_core::catalogue::cases().count());
    for case in cases {
        assert!(case["source"].is_string() && case["hazard"].is_string() && case["found_by"].is_array(), "{case}");
        assert_ne!(case["broken"]["verdict"], "sound", "{case}");
        assert_eq!(case["right"]["verdict"], "sound", "{case}");
    }
    let replay = cases[0]["broken"]["replay"].as_str().expect("each has one");
    let (code, out, err) = run(&["replay", replay]);
    assert_eq!(code, 1, "{err}");
    assert!(out.contains(replay), "{out}");
}

#[test]
fn catalogue_of_a_name_runs_what_has_it_in_its_name() {
    let (code, out, err) = run(&["catalogue", "c016"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("c016  dropped transfer") && out.contains("CpuAccessInFlight"), "{out}");
    assert!(out.ends_with("cases: 1 as expected, 0 unexpected\n"), "{out}");
}

#[test]
fn same_seed_gives_the_same_run() {
    for command in ["usb", "serial"] {
        let stepped = |seed| run(&[command, "--engine", "stepped", "--seed", seed]).1;
        assert_eq!(stepped("7"), stepped("7"));
        assert_ne!(stepped("7"), stepped("8"));
    }
}

#[test]
fn serial_shows_both_directions_by_their_channels() {
    for engine in ["threads", "stepped"] {
        let (code, out, err) = run(&["serial", "--engine", engine]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        for shown in [
            "USART1.BRR <- 0x271",
            "DMA1.CNDTR4 <- 0x4",
            "DMA1.CCR5 <- 0x81",
            "DMA1.4 item 3 writes USART1.DR: 0x44",
            "DMA1.5 item 3 reads USART1.DR: 0x64",
            "USART1 -> 0x44 'D'",
            "USART1 <- 0x64 'd'",
            "acquire 0x2000c000, 4 bytes (compiler_fence)",
        ] {
            assert!(out.contains(shown), "no `{shown}` in {out}");
        }
        assert!(out.ends_with("Both messages have arrived, and the monitor found nothing in this run.\n\n"), "{out}");
        let widest = out.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|columns| columns <= 120), "{out}");
    }
}

#[test]
fn serial_that_fails_prints_a_string_that_replay_knows() {
    for (fence, named, found_at) in
        [("--start", "no release fence", "DMA1.5 item 0 writes "), ("--end", "no acquire fence", "acquire 0x")]
    {
        let weakened = ["serial", "--bytes", "2", "--engine", "stepped", "--seed", "3", fence, "none"];
        let (code, out, _) = run(&weakened);
        assert_eq!(code, 1, "{out}");
        assert!(out.contains("!! Race") && out.contains(named), "{out}");
        let before = out.lines().take_while(|line| !line.ends_with("!! Race")).last();
        assert!(before.is_some_and(|line| line.contains(found_at)), "the access comes before what it breaks: {out}");
        let replay = out.lines().find_map(|line| line.trim().strip_prefix("replay ")).expect("the string");
        let (code, again, err) = run(&["replay", replay]);
        assert_eq!(code, 1, "{err}");
        let events =
            |out: &str| out.lines().filter(|line| line.len() > 11).skip(1).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(events(&again), events(&out), "the same run");
    }
}

#[test]
fn serial_in_json_is_one_run_with_its_timeline() {
    let arguments = ["serial", "--bytes", "1", "--engine", "stepped", "--json"];
    let (code, out, _) = run(&arguments);
    assert_eq!(code, 0);
    let report: serde_json::Value = serde_json::from_str(&out).expect("it is JSON");
    assert_eq!(report["program"], "exchange:1:cortex-m4:compiler_fence:compiler_fence");
    assert_eq!(report["verdict"], "sound");
    let lines = report["timeline"].as_array().expect("it is a list");
    assert!(lines.iter().any(|line| line.as_str().is_some_and(|line| line.ends_with("USART1 -> 0x41 'A'"))), "{out}");
}
