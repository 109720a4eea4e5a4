//! Outputs must not be lost or mixed up: what they replace and contain, and how concurrent writers behave.

use std::fs;
use std::path::Path;

use crate::harness::{Place, RED, frostline, two_classes, write_picture};

#[test]
fn the_ending_says_what_is_written() {
    let Some(place) = Place::fitted() else { return };
    let first_line = |args: &str, name: &str| {
        place.frostline(&args.replace("{name}", name)).exits(0);
        let text = fs::read_to_string(place.path(name)).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    let classify = "classify {dir}/images --head {dir}/head -o {dir}/{name}";
    let header = "path,label,probability,status,p_blue,p_red";
    assert_eq!(first_line(classify, "a.csv"), header);
    assert_eq!(first_line(classify, "a.TSV"), header.replace(',', "\t"));
    assert_eq!(first_line(classify, "without-ending"), header);
    for name in ["a.jsonl", "a.ndjson", "a.json"] {
        assert!(
            first_line(classify, name).starts_with(r#"{"path":"#),
            "{name}"
        );
    }
    assert!(first_line(classify, "a.txt").starts_with("blue"));
    let suggest = "suggest {dir}/images --head {dir}/head -o {dir}/{name}";
    assert!(first_line(suggest, "b.tsv").starts_with("path\tlabel\tprobability\trunner_up"));
    let evaluate = "evaluate {dir}/store --head {dir}/head -o {dir}/{name}";
    assert_eq!(first_line(evaluate, "c.json"), "{");
    assert!(first_line(evaluate, "c.txt").starts_with("images  "));
    let inspect = "inspect {dir}/store -o {dir}/{name}";
    assert_eq!(first_line(inspect, "d.json"), "{");
    let export = "features export {dir}/store -o {dir}/{name}";
    assert!(first_line(export, "e.csv").starts_with("path,class,digest"));
    place
        .frostline("features export {dir}/store -o {dir}/e.parquet")
        .exits(0);
    assert!(
        fs::read(place.path("e.parquet"))
            .unwrap()
            .starts_with(b"PAR1")
    );
}

#[test]
fn a_preview_replaces_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    two_classes(&folder.path().join("images"), 1, 0);
    write_picture(&folder.path().join("elsewhere.png"), RED, 5);
    fs::hard_link(path("images/red/0.png"), path("link.png")).unwrap();
    fs::write(path("notes.png"), "notes").unwrap();
    let before = fs::read(path("images/red/0.png")).unwrap();
    let images = path("images");
    let preview = |output: &str, more: &[&str]| {
        let output = path(output);
        frostline([&["preview", &images, "-o", &output], more].concat())
    };
    for more in [&[][..], &["--overwrite"]] {
        preview("images/red/0.png", more)
            .exits(1)
            .says(&["is also an input"]);
        preview("link.png", more)
            .exits(1)
            .says(&["is the same file as the input"]);
    }
    assert_eq!(fs::read(path("images/red/0.png")).unwrap(), before);
    preview("notes.png", &[])
        .exits(1)
        .says(&["is text", "--overwrite"]);
    assert_eq!(fs::read(path("notes.png")).unwrap(), b"notes");
    preview("grid.jpg", &[])
        .exits(2)
        .says(&["grid.jpg", ".png"]);
    preview("new/folder/grid.png", &[]).exits(0);
    preview("new/folder/grid.png", &[]).exits(0);
    preview("notes.png", &["--overwrite"]).exits(0);
    assert!(Path::new(&path("new/folder/grid.png")).is_file());
    let output = crate::harness::command(["preview", &images, "-o", "-"])
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"\x89PNG"));
}

/// Standard input redirected from a file makes that file an input.
#[cfg(target_os = "linux")]
#[test]
fn a_redirected_list_is_no_output() {
    let Some(place) = Place::fitted() else { return };
    let list = place.folder().join("list.txt");
    fs::write(&list, place.fill("{dir}/images/red/0.png\n")).unwrap();
    let mut command = place.command("classify - --head {dir}/head -o {dir}/list.txt --format csv");
    let output = command
        .stdin(fs::File::open(&list).unwrap())
        .output()
        .unwrap();
    crate::harness::Ran::of(output)
        .exits(1)
        .says(&["list.txt", "is the same file as the input"]);
    assert!(fs::read_to_string(&list).unwrap().ends_with("red/0.png\n"));
}

#[cfg(unix)]
#[test]
fn a_replaced_output_keeps_its_mode_and_its_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let Some(place) = Place::fitted() else { return };
    let [file, link] = ["rows.csv", "link.csv"].map(|name| place.folder().join(name));
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    fs::write(&file, "path\n").unwrap();
    symlink("rows.csv", &link).unwrap();
    mode(0o600);
    place
        .frostline("classify {dir}/images --head {dir}/head -o {dir}/link.csv")
        .exits(0);
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 13);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    mode(0o444);
    let before = fs::read(&file).unwrap();
    place
        .frostline("classify {dir}/images/red --head {dir}/head -o {dir}/rows.csv")
        .exits(1)
        .says(&["cannot write", "rows.csv", "read-only"]);
    assert_eq!(fs::read(&file).unwrap(), before);
}

/// Pipes and devices are written in place, and checking an output first never waits for a pipe's other end.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_written_in_place() {
    use std::os::unix::fs::FileTypeExt;
    let Some(place) = Place::fitted() else { return };
    let pipe = place.folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read_to_string(pipe).unwrap())
    };
    let classify = "classify {dir}/images --head {dir}/head --format csv -o";
    place
        .frostline(&format!("{classify} {{dir}}/pipe"))
        .exits(0);
    let rows = reader.join().unwrap();
    assert_eq!(rows.lines().count(), 13);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    for stdout in ["/dev/stdout", "/proc/self/fd/1", "-"] {
        if stdout == "-" || Path::new(stdout).exists() {
            let ran = place.frostline(&format!("{classify} {stdout}")).exits(0);
            assert_eq!(ran.out, rows, "{stdout}");
        }
    }
    place.frostline(&format!("{classify} /dev/null")).exits(0);
    assert!(!Path::new("/dev/null").is_file());
}

/// Somebody may plant links in a folder that others can write to: nothing is written or created through them.
#[cfg(unix)]
#[test]
fn links_in_a_store_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let Some(place) = Place::fitted() else { return };
    let at = |name: &str| place.folder().join(name);
    let extract = "extract {dir}/images -o {dir}/store";
    let classify = "classify {dir}/images --head {dir}/head --store {dir}/store -o {dir}/rows.csv";
    fs::write(at("victim"), "42\n").unwrap();
    fs::remove_file(at("store/.lock")).unwrap();
    for target in ["victim", "missing"] {
        symlink(at(target), at("store/.lock")).unwrap();
        for args in [extract, classify] {
            let ran = place.frostline(args).exits(1);
            ran.says(&["cannot write", ".lock", "it is a symbolic link"]);
        }
        fs::remove_file(at("store/.lock")).unwrap();
    }
    // These files are replaced by a rename: the old content is read through the link, which the new file
    // replaces.
    for name in ["index.arrow", "manifest.json"] {
        let before = fs::read(at("store").join(name)).unwrap();
        let moved = at(&format!("moved-{name}"));
        fs::rename(at("store").join(name), &moved).unwrap();
        symlink(&moved, at("store").join(name)).unwrap();
        write_picture(
            &at(&format!("images/red/{name}.png")),
            [9, 9, name.len() as u8],
            1,
        );
        place.frostline(extract).exits(0);
        assert!(fs::read(&moved).unwrap() == before, "{name}");
    }
    assert_eq!(fs::read(at("victim")).unwrap(), b"42\n");
    assert!(!at("missing").exists());
    // A store may be a link itself.
    symlink(at("store"), at("link")).unwrap();
    place
        .frostline("extract {dir}/images -o {dir}/link")
        .exits(0);
    assert!(at("link").is_symlink());
}

/// A folder with a manifest of something else is not a store: nothing in it is deleted, even if other files
/// are named like a store's.
#[test]
fn a_foreign_manifest_is_not_deleted() {
    let Some(place) = Place::fitted() else { return };
    let folder = place.folder().join("webapp");
    fs::create_dir(&folder).unwrap();
    for (name, text) in [
        ("manifest.json", r#"{"format": "web"}"#),
        ("index.arrow", "mine"),
    ] {
        fs::write(folder.join(name), text).unwrap();
        place
            .frostline("extract {dir}/images -o {dir}/webapp --overwrite")
            .exits(1)
            .says(&["webapp", "contains other files"]);
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text);
        fs::remove_file(folder.join(name)).unwrap();
    }
    // The start of a store's manifest identifies it even if the rest is lost, but only a store's own files
    // are deleted.
    let manifest = place.folder().join("store/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    for name in ["notes.txt", ".frostline-notes"] {
        fs::write(place.folder().join("store").join(name), "mine").unwrap();
    }
    place
        .frostline("features show {dir}/store")
        .exits(1)
        .says(&["cut off", "it rebuilds the manifest"]);
    place
        .frostline("extract {dir}/images -o {dir}/store --overwrite")
        .exits(0);
    for name in ["notes.txt", ".frostline-notes"] {
        assert!(place.folder().join("store").join(name).exists(), "{name}");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::process::{Child, Command, Stdio};

    use super::*;
    use crate::harness::command;

    /// Runs the binary as a container does, as process 1 of a new namespace.
    const CONTAINED: &str = "unshare --user --map-root-user --pid --fork \"$0\"";

    /// Returns a shell that runs `script`, with the binary as its `$0`.
    fn shell(place: &Place, script: &str, arguments: &[&str]) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell.arg(command::<&str>([]).get_program()).args(arguments);
        shell.env("FROSTLINE_HOME", place.path("home"));
        shell
    }

    /// Containers that share a volume have the same process numbers.
    #[test]
    fn writers_with_equal_process_numbers_do_not_mix() {
        let Some(place) = Place::fitted() else { return };
        let probe = shell(&place, &format!("{CONTAINED} --version"), &[]).output();
        if !probe.is_ok_and(|ran| ran.status.success()) {
            eprintln!("not tested: PID namespaces are not available");
            return;
        }
        place
            .frostline("extract {dir}/images/red -o {dir}/other")
            .exits(0);
        let export = "features export \"$1\" --format csv -q -o \"$2-$i.csv\"";
        let script = format!("for i in $(seq 50); do {CONTAINED} {export} || exit 1; done");
        fs::create_dir(place.path("volume")).unwrap();
        let start = |store: &str, name: &str| -> Child {
            let (store, name) = (place.path(store), place.path(name));
            let mut writer = shell(&place, &script, &[&store, &name]);
            writer.stderr(Stdio::inherit()).spawn().unwrap()
        };
        let writers = [start("store", "volume/a"), start("other", "volume/b")];
        for mut writer in writers {
            assert!(writer.wait().unwrap().success());
        }
        let expected = [("a", "store"), ("b", "other")].map(|(name, store)| {
            let single =
                format!("features export {{dir}}/{store} --format csv -o {{dir}}/{store}.csv");
            place.frostline(&single).exits(0);
            (name, fs::read(place.path(&format!("{store}.csv"))).unwrap())
        });
        assert_ne!(expected[0].1, expected[1].1);
        for (name, content) in &expected {
            for i in 1..=50 {
                let file = format!("volume/{name}-{i}.csv");
                assert_eq!(&fs::read(place.path(&file)).unwrap(), content, "{file}");
            }
        }
        assert_eq!(fs::read_dir(place.path("volume")).unwrap().count(), 100);
    }
}
