//! The memory of a run is set by batch and threads, and not by how many images there are.

use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::harness::Place;

/// Bytes of the pixels of one picture.
const PIXELS: usize = 100 * 100 * 3;

/// `n` different pictures of 100 × 100 pixels, in the format that is written the quickest.
fn pictures(place: &Place, folder: &str, n: usize) {
    let root = place.folder().join(folder);
    fs::create_dir(&root).unwrap();
    let mut bytes = b"P6 100 100 255\n".to_vec();
    let header = bytes.len();
    bytes.resize(header + PIXELS, 90);
    for i in 0..n {
        bytes[header..header + 8].copy_from_slice(&i.to_le_bytes());
        fs::write(root.join(format!("{i}.ppm")), &bytes).unwrap();
    }
}

/// The most memory that a process ever held, in bytes, as the kernel last told it before the process ended.
fn peak_of(mut child: Child) -> usize {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = line.and_then(|line| line.split_whitespace().next()) {
            peak = 1024 * kib.parse::<usize>().unwrap();
        }
        if let Some(code) = child.try_wait().unwrap() {
            assert!(code.success());
            return peak;
        }
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn ten_times_the_images_take_no_more_memory() {
    let Some(place) = Place::installed() else {
        return;
    };
    let peak = |folder: &str, n: usize| {
        pictures(&place, folder, n);
        let line = format!("extract {{dir}}/{folder} -o {{dir}}/{folder}-features --threads 2");
        let mut command = place.command(&line);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        peak_of(command.spawn().unwrap())
    };
    let (few, many) = (peak("few", 400), peak("many", 4000));
    let grown = many.saturating_sub(few);
    // A row of the index takes some hundred bytes, a part that is being filled 16 MiB at most; all pixels would be 108 MB.
    assert!(few > 10 << 20, "{few} bytes are no process");
    assert!(grown < 24 << 20, "{few} bytes, then {many}");
}
