//! ONNX Runtime that is missing, foreign, too old, or without the device asked for; and how many threads it gets.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Place, Ran, run, two_classes, write_picture};

/// What anyone may wait for a library that does not fit; the best of three, since the machine may have other work.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs extract, classify and doctor with a library, each of which must say `words` at once.
fn refused(place: &Place, library: &str, words: &[&str]) {
    let commands: [&str; 3] = [
        "extract {dir}/images -o {dir}/new",
        "classify {dir}/images --head {dir}/head",
        "doctor",
    ];
    for args in commands {
        let timed = |_| {
            let start = Instant::now();
            let ran = run(place.command(args).env("ORT_DYLIB_PATH", library)).exits(1);
            (start.elapsed(), ran)
        };
        let runs = (0..3).map(timed);
        let (took, ran) = runs.min_by_key(|(took, _)| *took).unwrap();
        assert!(took < PATIENCE, "`{args}` took {took:?}");
        let said = ran.out + &ran.err;
        for word in words.iter().chain([&library, &"ORT_DYLIB_PATH", &"hint:"]) {
            assert!(
                said.contains(word),
                "`{args}`: `{word}` is missing from:\n{said}"
            );
        }
        assert!(!Path::new(&place.path("new")).exists());
    }
}

#[test]
fn a_missing_library_is_named() {
    let Some(place) = Place::fitted() else { return };
    refused(&place, &place.path("no-such.so"), &["No such file"]);
}

/// A network of half a gigabyte takes more than a second to hash; one that cannot be hashed shows which comes first.
#[test]
fn the_library_is_looked_at_before_the_network() {
    let Some(place) = Place::fitted() else { return };
    let network = place.folder().join("home/models/efficientnet-lite0.onnx");
    fs::write(network, "text").unwrap();
    refused(&place, &place.path("no-such.so"), &["No such file"]);
}

#[test]
fn a_text_is_no_library() {
    let Some(place) = Place::fitted() else { return };
    fs::write(place.path("lib.so"), "text").unwrap();
    refused(&place, &place.path("lib.so"), &["not a shared library"]);
}

#[test]
fn half_a_library_is_named() {
    let Some(place) = Place::fitted() else { return };
    let runtime = fs::read_dir(place.path("home/runtime"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let bytes = fs::read(runtime.path()).unwrap();
    fs::write(place.path("lib.so"), &bytes[..bytes.len() / 2]).unwrap();
    refused(&place, &place.path("lib.so"), &["cut off"]);
}

/// Compiles a shared library; nothing, and a line that says so, where there is no `rustc`.
fn shared_library(place: &Place, code: &str) -> Option<String> {
    let source = place.folder().join("lib.rs");
    fs::write(&source, code).unwrap();
    let library = place.path("libforeign.so");
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()));
    rustc
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "cdylib",
            "-o",
            &library,
        ])
        .arg(&source);
    match rustc.stderr(Stdio::piped()).output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(library)
        }
        Err(error) => {
            eprintln!("not tested: rustc cannot be run: {error}");
            None
        }
    }
}

#[test]
fn a_foreign_library_is_named() {
    let Some(place) = Place::fitted() else { return };
    let code = "#[unsafe(no_mangle)] pub extern \"C\" fn something_else() -> i32 { 7 }";
    let Some(library) = shared_library(&place, code) else {
        return;
    };
    refused(&place, &library, &["OrtGetApiBase", "another library"]);
}

/// As ONNX Runtime's C header declares it: two functions, of which the second gives the version.
const OLD: &str = r#"
#[repr(C)]
pub struct ApiBase(extern "C" fn(u32) -> *const u8, extern "C" fn() -> *const u8);

extern "C" fn api(_version: u32) -> *const u8 {
    std::ptr::null()
}

extern "C" fn version() -> *const u8 {
    c"1.20.0".as_ptr().cast()
}

static BASE: ApiBase = ApiBase(api, version);

#[unsafe(no_mangle)]
pub extern "C" fn OrtGetApiBase() -> &'static ApiBase {
    &BASE
}
"#;

#[test]
fn an_old_library_is_named_with_the_version_needed() {
    let Some(place) = Place::fitted() else { return };
    let Some(library) = shared_library(&place, OLD) else {
        return;
    };
    refused(
        &place,
        &library,
        &["version 1.20.0", "version 1.22 or later"],
    );
}

#[test]
fn cuda_without_cuda_is_an_error_and_auto_says_what_it_took() {
    if Path::new("/proc/driver/nvidia").exists() {
        eprintln!("not tested: there is a GPU");
        return;
    }
    let Some(place) = Place::fitted() else { return };
    let extract = "extract {dir}/images -o {dir}/new --device";
    for device in ["cuda", "cuda:1"] {
        let ran = place.frostline(&format!("{extract} {device}")).exits(1);
        ran.says(&["CUDA", "--device cpu", "hint:"]);
        assert!(!Path::new(&place.path("new")).exists());
    }
    let ran = place.frostline(&format!("{extract} auto")).exits(0);
    ran.says(&["device    cpu (ONNX Runtime 1."]);
    let shown = place.frostline("features show {dir}/new").exits(0).out;
    assert!(shown.contains(" on cpu in fp32, frostline"), "{shown}");
}

#[test]
fn tf32_that_lands_on_the_cpu_is_recorded_as_fp32() {
    if Path::new("/proc/driver/nvidia").exists() {
        eprintln!("not tested: there is a GPU");
        return;
    }
    let Some(place) = Place::fitted() else { return };
    let ran = place.frostline("extract {dir}/images -o {dir}/new --precision tf32");
    ran.exits(0).says(&[
        "the device cpu has no tf32: it computes in fp32",
        ", fp32, ",
    ]);
    let shown = place.frostline("features show {dir}/new").exits(0).out;
    assert!(shown.contains(" on cpu in fp32, frostline"), "{shown}");
}

/// A program that collects usage data keeps it in the home or the cache of the user.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_collected_and_nothing_is_sent() {
    let Some(place) = Place::fitted() else { return };
    let [user, trace] = ["user", "trace"].map(|name| place.path(name));
    fs::create_dir(&user).unwrap();
    let classify = place.command("classify {dir}/images --head {dir}/head");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=network", "-o", &trace]);
    strace.arg(classify.get_program()).args(classify.get_args());
    let is_there = Command::new("strace").arg("--version").output().is_ok();
    let mut traced = if is_there { strace } else { classify };
    // Cargo sets the variable for this process, and the binary has to do without.
    traced
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env_remove("XDG_CACHE_HOME")
        .env("FROSTLINE_HOME", place.path("home"))
        .env("HOME", &user);
    run(&mut traced).exits(0);
    let made = fs::read_dir(&user).unwrap().count();
    assert_eq!(made, 0, "something was written to the user's home");
    if !is_there {
        eprintln!("not tested for connections: strace cannot be run");
        return;
    }
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("+++ exited with 0 +++"), "{trace}");
    for call in ["connect(", "sendto(", "sendmsg("] {
        assert!(!trace.contains(call), "{trace}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn threads_are_those_of_the_cpus_that_are_allowed() {
    let Some(place) = Place::installed() else {
        return;
    };
    write_picture(
        &place.folder().join("one/cat/1.png"),
        crate::harness::RED,
        1,
    );
    let extract = place.command("extract {dir}/one -o {dir}/new");
    let first = first_allowed_cpu();
    let mut pinned = Command::new("taskset");
    pinned
        .args(["-c", &first])
        .arg(extract.get_program())
        .args(extract.get_args());
    match pinned.env("FROSTLINE_HOME", place.path("home")).output() {
        Ok(output) => drop(Ran::of(output).exits(0).says(&["1 thread)"])),
        Err(error) => eprintln!("not tested: taskset cannot be run: {error}"),
    }
}

#[cfg(target_os = "linux")]
fn first_allowed_cpu() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let digits = allowed.unwrap().trim().split(|c: char| !c.is_ascii_digit());
    digits.map(str::to_owned).next().unwrap()
}

/// With one thread there are the main thread, one that decodes, one that runs the network, and one of ONNX Runtime's own
/// that sleeps; the number of CPUs plays no part.
#[cfg(target_os = "linux")]
#[test]
fn one_thread_is_not_many() {
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 40, 0);
    let most = |threads: &str| {
        let args = format!("extract {{dir}}/images -o {{dir}}/new --overwrite --threads {threads}");
        let mut child = place.command(&args).stderr(Stdio::null()).spawn().unwrap();
        let tasks = format!("/proc/{}/task", child.id());
        let mut most = 0;
        while child.try_wait().unwrap().is_none() {
            most = most.max(fs::read_dir(&tasks).map_or(0, Iterator::count));
        }
        most
    };
    let (one, six) = (most("1"), most("6"));
    assert!(one <= 4 && six > 6, "{one} threads of 1, {six} of 6");
}
