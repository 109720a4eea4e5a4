//! The files in `deploy/`: the options they pass exist, and systemd accepts the unit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::frostline;

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name)
}

/// Returns the options of `frostline serve` in a file, from the line that starts the program on.
fn options(name: &str, start: &str) -> Vec<String> {
    let text = fs::read_to_string(deploy(name)).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let lines = lines.skip_while(|line| !line.contains(start));
    let lines: Vec<_> = lines.filter(|line| line.contains("--")).collect();
    let words = lines.join(" ");
    let words = words.split(|c: char| c.is_whitespace() || "\"',=[]".contains(c));
    let options = words.filter(|word| word.starts_with("--") && *word != "---");
    options.map(str::to_owned).collect()
}

#[test]
fn the_options_exist() {
    let help = frostline(["serve", "--help"]).exits(0).out;
    for (name, start, least) in [
        ("Dockerfile", "ENTRYPOINT", 4),
        ("frostline.service", "ExecStart=", 4),
        ("kubernetes/frostline.yaml", "args:", 5),
        ("kubernetes/kserve.yaml", "args:", 4),
    ] {
        let options = options(name, start);
        assert!(options.len() >= least, "{name}: {options:?}");
        for option in options {
            assert!(
                help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")),
                "{name}: {option}"
            );
        }
    }
}

#[test]
fn the_options_of_shards_exist() {
    let help = frostline(["extract", "--help"]).exits(0).out;
    for name in ["slurm/extract.sbatch", "kubernetes/shards.yaml"] {
        let text = fs::read_to_string(deploy(name)).unwrap();
        let command = text.split("frostline extract \"").nth(1).unwrap();
        let command = command.split("--quiet").next().unwrap();
        let options = command
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        let options: Vec<&str> = options.collect();
        assert_eq!(options, ["--shard"], "{name}");
        assert!(help.contains("--shard <I/N>") && command.contains("-o \"$STORES/"));
    }
}

/// The time for a stop is longer than `--grace`, whose default is 30 s.
#[test]
fn a_stop_has_time_for_the_grace() {
    let unit = fs::read_to_string(deploy("frostline.service")).unwrap();
    let pod = fs::read_to_string(deploy("kubernetes/frostline.yaml")).unwrap();
    let seconds = |text: &str, name: &str| -> u32 {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    };
    assert!(seconds(&unit, "TimeoutStopSec=") > 30);
    // Kubernetes counts the sleep before the stop too.
    assert!(seconds(&pod, "terminationGracePeriodSeconds:") > 30 + 5);
}

#[test]
fn systemd_accepts_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("frostline.service");
    let text = fs::read_to_string(deploy("frostline.service")).unwrap();
    // Programs must exist.
    let text = text.replace("/usr/local/bin/frostline", env!("CARGO_BIN_EXE_frostline"));
    fs::write(&unit, text).unwrap();
    let Ok(verified) = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&unit)
        .output()
    else {
        eprintln!("not tested: systemd-analyze is missing");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(
        verified.status.success() && !said.contains("Unknown key"),
        "{said}"
    );
}
