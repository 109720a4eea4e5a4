//! ONNX Runtime that is missing, a different library, too old or without the requested device, and its number
//! of threads.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::harness::executable;
use crate::harness::{Place, Ran, run, runtime_library, two_classes, write_picture};

/// Longest wait for an unusable library; the best of three runs counts, because the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs `extract`, `classify` and `doctor` with a library; each must print `words` immediately.
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

/// A network of half a gigabyte takes more than a second to hash, so the library is checked first; a network
/// that cannot be hashed shows the order.
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
    let bytes = fs::read(runtime_library().unwrap()).unwrap();
    fs::write(place.path("lib.so"), &bytes[..bytes.len() / 2]).unwrap();
    refused(&place, &place.path("lib.so"), &["cut off"]);
}

/// Compiles a shared library; returns `None` and prints why if `rustc` cannot be run.
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
    refused(&place, &library, &["OrtGetApiBase", "not ONNX Runtime"]);
}

/// Returns the code of a library with the API base of ONNX Runtime's C header: a table of two functions, the
/// second of which returns the version.
fn library_with(version: &str) -> String {
    format!(
        r#"
#[repr(C)]
pub struct ApiBase(
    Option<extern "C" fn(u32) -> *const u8>,
    Option<extern "C" fn() -> *const std::ffi::c_char>,
);

extern "C" fn api(_version: u32) -> *const u8 {{
    std::ptr::null()
}}

extern "C" fn version() -> *const std::ffi::c_char {{
    {version}
}}

static BASE: ApiBase = ApiBase(Some(api), Some(version));

#[unsafe(no_mangle)]
pub extern "C" fn OrtGetApiBase() -> &'static ApiBase {{
    &BASE
}}
"#
    )
}

#[test]
fn an_old_library_is_named_with_the_version_needed() {
    let Some(place) = Place::fitted() else { return };
    let code = library_with("c\"1.20.0\".as_ptr()");
    let Some(library) = shared_library(&place, &code) else {
        return;
    };
    refused(
        &place,
        &library,
        &["version 1.20.0", "version 1.23 or later"],
    );
}

#[test]
fn a_library_that_gives_nothing_is_named() {
    let Some(place) = Place::fitted() else { return };
    for (code, words) in [
        (
            library_with("std::ptr::null()"),
            "it does not report a version",
        ),
        (
            library_with("c\"1.32.0\".as_ptr()").replace("Some(version)", "None"),
            "it does not report a version",
        ),
        (
            library_with("c\"1.32.0\".as_ptr()"),
            "it reports version 1.32.0, but does not provide API version 23",
        ),
        (
            library_with("c\"1.32.0\".as_ptr()").replace("Some(api)", "None"),
            "does not provide API version 23",
        ),
        (
            library_with("c\"1.32.0\".as_ptr()")
                .replace("    &BASE", "    unsafe { std::mem::transmute(0_usize) }")
                .replace("-> &'static ApiBase", "-> Option<&'static ApiBase>"),
            "`OrtGetApiBase` returns null",
        ),
    ] {
        let Some(library) = shared_library(&place, &code) else {
            return;
        };
        refused(&place, &library, &[words]);
    }
}

/// The test library sees the same environment as ONNX Runtime would when it is loaded and first called.
#[test]
fn telemetry_is_off_before_the_library_is_loaded() {
    let Some(place) = Place::fitted() else { return };
    let version = "if std::env::var_os(\"ORT_DISABLE_TELEMETRY\").is_some() { c\"1.0.1\" } else { \
        c\"1.0.0\" }.as_ptr()";
    let Some(library) = shared_library(&place, &library_with(version)) else {
        return;
    };
    let mut doctor = place.command("doctor");
    doctor.env("ORT_DYLIB_PATH", &library);
    // Cargo sets the variable for this process, so the binary's environment must drop it.
    let ran = run(doctor.env_remove("ORT_DISABLE_TELEMETRY")).exits(1);
    assert!(ran.out.contains("version 1.0.1"), "{}", ran.out);
}

/// The answers are those of `nvidia-smi` on machines with and without GPUs.
#[cfg(unix)]
#[test]
fn doctor_names_the_gpus_and_their_driver() {
    let Some(place) = Place::fitted() else { return };
    let program = place.folder().join("bin/nvidia-smi");
    let doctor = |script: &str, folder: &str| {
        executable(&program, &format!("#!/bin/sh\n{script}\n"));
        let mut doctor = place.command("doctor");
        doctor.current_dir(place.folder()).env("PATH", folder);
        run(&mut doctor).exits(0).out
    };
    let folder = place.path("bin");
    let two = r#"[ "$*" = "--query-gpu=name,driver_version --format=csv,noheader" ] &&
        echo "NVIDIA H200, 570.86.15" && echo "NVIDIA H200, 570.86.15""#;
    let out = doctor(two, &folder);
    let line = "ok       NVIDIA GPUs: 2 × NVIDIA H200; driver 570.86.15\n";
    assert!(out.contains(line), "{out}");
    for (script, words) in [
        ("exit 3", "`nvidia-smi` fails (exit status: 3)"),
        (
            "echo Failed to initialize NVML: Driver/library version mismatch; exit 18",
            "the driver reports: Failed to initialize NVML: Driver/library version mismatch",
        ),
        (
            "exec /bin/sleep 60",
            "`nvidia-smi` does not answer within 10 s",
        ),
        (
            "exec /usr/bin/yes NVIDIA H200, 570.86.15",
            "the driver reports: NVIDIA H200",
        ),
    ] {
        let out = doctor(script, &folder);
        let warning = format!("warning  NVIDIA GPUs: the device cuda:0 does not work: {words}");
        assert!(out.contains(&warning), "{script}: {out}");
    }
    for (script, folder) in [
        ("echo No devices were found; exit 6", &*folder),
        // The working directory.
        (two, "bin"),
        (two, ""),
    ] {
        let out = doctor(script, folder);
        assert!(!out.contains("NVIDIA GPUs"), "{script}: {out}");
    }
}

/// A library that an attacker puts next to the images is never loaded, whatever the environment says.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_loaded_from_the_working_directory() {
    let Some(place) = Place::fitted() else { return };
    // Loading the library creates a file.
    let code = format!(
        r#"
extern "C" fn run() {{
    std::fs::write({:?}, "loaded").unwrap();
}}

#[used]
#[unsafe(link_section = ".init_array")]
static RUN: extern "C" fn() = run;
"#,
        place.path("loaded")
    );
    let Some(library) = shared_library(&place, &code) else {
        return;
    };
    let here = place.folder().join("images");
    for name in [
        "lib",
        "onnxruntime/capi",
        "lib/python3/site-packages/onnxruntime/capi",
    ] {
        fs::create_dir_all(here.join(name)).unwrap();
        for file in ["libonnxruntime.so", "onnxruntime.so"] {
            fs::copy(&library, here.join(name).join(file)).unwrap();
        }
    }
    for file in [
        "libonnxruntime.so",
        "libonnxruntime.so.1.32.0",
        "onnxruntime.so",
    ] {
        fs::copy(&library, here.join(file)).unwrap();
    }
    fs::remove_file(place.path("home/runtime")).unwrap();
    let doctor = |variable: &str, value: &str| {
        let mut doctor = place.command("doctor");
        doctor.current_dir(&here);
        for other in ["ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"] {
            doctor.env_remove(other);
        }
        let ran = run(doctor.env(variable, value)).exits(1);
        assert!(
            !Path::new(&place.path("loaded")).exists(),
            "{variable}={value}"
        );
        ran.out
    };
    for (variable, value) in [
        ("VIRTUAL_ENV", "."),
        ("VIRTUAL_ENV", ""),
        ("CONDA_PREFIX", "."),
        ("LD_LIBRARY_PATH", ""),
        ("LD_LIBRARY_PATH", "/nonexistent"),
    ] {
        let out = doctor(variable, value);
        assert!(out.contains("ONNX Runtime was not found"), "{out}");
    }
    for value in [
        ":",
        "/nonexistent:",
        ":/nonexistent",
        ".",
        "/nonexistent:lib",
        "/a;",
    ] {
        let out = doctor("LD_LIBRARY_PATH", value);
        let words = [
            "LD_LIBRARY_PATH has an empty or relative entry",
            "hint: set LD_LIBRARY_PATH",
        ];
        assert!(
            words.iter().all(|word| out.contains(word)),
            "{value}: {out}"
        );
    }
    for value in [
        "libonnxruntime.so",
        "./libonnxruntime.so",
        "lib/libonnxruntime.so",
    ] {
        let out = doctor("ORT_DYLIB_PATH", value);
        assert!(out.contains("relative path"), "{out}");
    }
    let home = doctor_in_relative_home(&place, &here);
    assert!(home.contains("relative path"), "{home}");
    assert!(!Path::new(&place.path("loaded")).exists());
    // Given explicitly, the library is loaded, so the trap works.
    let mut doctor = place.command("doctor");
    run(doctor.env("ORT_DYLIB_PATH", &library)).exits(1);
    assert!(Path::new(&place.path("loaded")).exists());
}

#[cfg(target_os = "linux")]
fn doctor_in_relative_home(place: &Place, here: &Path) -> String {
    let mut doctor = place.command("doctor");
    run(doctor.current_dir(here).env("FROSTLINE_HOME", "lib"))
        .exits(1)
        .err
}

/// The loader also looks for the libraries that ONNX Runtime itself needs.
#[cfg(target_os = "linux")]
#[test]
fn a_library_beside_the_images_is_not_taken_for_one_that_is_needed() {
    let Some(place) = Place::fitted() else { return };
    let classify = |path: &str| {
        let mut classify = place.command("classify {dir}/images --head {dir}/head");
        classify.current_dir(place.folder().join("images"));
        run(classify.env("LD_LIBRARY_PATH", path))
    };
    classify("/nonexistent:").exits(0);
    fs::write(place.path("images/libstdc++.so.6"), "text").unwrap();
    classify("/nonexistent").exits(0);
    let ran = classify("/nonexistent:").exits(1);
    ran.says(&["LD_LIBRARY_PATH", "libstdc++.so.6", "hint:"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_on_the_loaders_path_is_found() {
    let Some(place) = Place::fitted() else { return };
    fs::remove_file(place.path("home/runtime")).unwrap();
    fs::create_dir(place.path("lib")).unwrap();
    std::os::unix::fs::symlink(
        runtime_library().unwrap(),
        place.path("lib/libonnxruntime.so"),
    )
    .unwrap();
    let mut doctor = place.command("doctor");
    doctor.env("LD_LIBRARY_PATH", place.path("lib"));
    let ran = run(doctor.env_remove("VIRTUAL_ENV").env_remove("CONDA_PREFIX")).exits(0);
    assert!(
        ran.out.contains("(found by: the loader's path)"),
        "{}",
        ran.out
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
        "the device cpu does not support tf32: using fp32",
        ", fp32, ",
    ]);
    let shown = place.frostline("features show {dir}/new").exits(0).out;
    assert!(shown.contains(" on cpu in fp32, frostline"), "{shown}");
}

/// A program that collects usage data would store it in the user's home or cache.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_collected_and_nothing_is_sent() {
    let Some(place) = Place::fitted() else { return };
    let [user, trace] = ["user", "trace"].map(|name| place.path(name));
    fs::create_dir(&user).unwrap();
    let classify = place.command("classify {dir}/images --head {dir}/head");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-e", "trace=network,openat,open,creat", "-o", &trace]);
    strace.arg(classify.get_program()).args(classify.get_args());
    let is_there = Command::new("strace").arg("--version").output().is_ok();
    let mut traced = if is_there { strace } else { classify };
    // Cargo sets the variable for this process, so the binary's environment must drop it.
    traced
        .env_remove("ORT_DISABLE_TELEMETRY")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("LD_LIBRARY_PATH")
        .env("FROSTLINE_HOME", place.path("home"))
        .env("HOME", &user);
    run(&mut traced).exits(0);
    let made = fs::read_dir(&user).unwrap().count();
    assert_eq!(made, 0, "something was written to the user's home");
    if !is_there {
        eprintln!("not tested for connections and files: strace cannot be run");
        return;
    }
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("+++ exited with 0 +++"), "{trace}");
    for call in ["socket(", "connect(", "sendto(", "sendmsg("] {
        assert!(!trace.contains(call), "{trace}");
    }
    // If another thread interrupts a call, its second line has no path.
    let is_begun = |line: &&str| line.contains("open") && line.contains('"');
    let calls = trace.lines().filter(is_begun);
    calls.for_each(|call| check_opened(&place, call));
}

/// Checks that written files are in the home, and that files read are the command's, the system's or next to
/// the binary.
#[cfg(target_os = "linux")]
fn check_opened(place: &Place, call: &str) {
    let path = call.split('"').nth(1).unwrap_or_default();
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "creat("];
    let is_written = writes.iter().any(|flag| call.contains(flag));
    assert!(
        !is_written || path.starts_with(&place.path("home")),
        "{call}"
    );
    let binary = Path::new(env!("CARGO_BIN_EXE_frostline")).parent().unwrap();
    let runtime = fs::canonicalize(place.path("home/runtime")).unwrap();
    let system = ["/lib", "/usr/", "/etc/ld.so", "/proc/", "/sys/", "/dev/"];
    let is_known = [place.folder(), binary, &runtime]
        .iter()
        .any(|&folder| Path::new(path).starts_with(folder));
    assert!(
        is_known || system.iter().any(|start| path.starts_with(start)),
        "{call}"
    );
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

/// With `--threads 1` there are the main thread, one that decodes, one that runs the network, an idle one of
/// ONNX Runtime and four that wait for the disk, whatever the number of CPUs.
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
    assert!(one <= 8 && six > 30, "{one} threads of 1, {six} of 6");
}
