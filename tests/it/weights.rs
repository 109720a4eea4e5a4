//! Files of weights that `torch.save` wrote, and files that nobody should have written.

use std::fs;
use std::path::Path;

use frostline::backbones::weights::read_state_dict;

use crate::harness::golden;

#[test]
fn what_pytorch_saved_is_read() {
    let golden = golden("weights");
    let wanted = golden["tensors"].as_array().unwrap();
    for name in ["legacy.pth", "zip.pth"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        let weights = read_state_dict(&path).unwrap();
        assert_eq!(weights.len(), wanted.len(), "{name}");
        for ((found, tensor), wanted) in weights.iter().zip(wanted) {
            assert_eq!(wanted["name"], found, "{name}");
            assert_eq!(
                wanted["shape"],
                serde_json::json!(tensor.shape),
                "{name}: {found}"
            );
            let data = wanted["data"].as_array().unwrap().iter();
            let data: Vec<f32> = data.map(|x| x.as_f64().unwrap() as f32).collect();
            assert_eq!(tensor.data, data, "{name}: {found}");
        }
    }
}

/// A pickle that says more than there is, as a file of the older format.
fn legacy(state: &[u8]) -> Vec<u8> {
    let opening = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";
    [opening, state].concat()
}

/// Small files that ask for much.
fn greedy() -> [(&'static str, Vec<u8>); 5] {
    let storage = |len: &[u8; 4]| {
        let id = [
            b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuJ",
            &len[..],
            b"tQ",
        ];
        id.concat()
    };
    let tensor = [
        b"}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n(".as_slice(),
        &storage(b"\xff\xff\xff\x7f"),
        b"K\0J\xff\xff\xff\x7f\x85K\x01\x85\x89}tRs.",
        b"\x80\x02]X\x01\0\0\x000a.",
        &(i64::from(i32::MAX)).to_le_bytes(),
        b"only this much",
    ];
    let mut list = legacy(b"(");
    list.resize(6 << 20, b'N');
    let flat = |begin: &[u8], rest: &[u8]| [begin, rest].concat();
    [
        // A tensor of 8 GB, a text of 4 GB, and more values than are read.
        ("tensor.pth", legacy(&tensor.concat())),
        ("text.pth", legacy(b"X\xff\xff\xff\xffx")),
        ("list.pth", list),
        // A list of 99 MB and one of 2⁴⁷ bytes.
        (
            "list.safetensors",
            flat(&99_000_000_u64.to_le_bytes(), b"{\"a\":"),
        ),
        (
            "huge.safetensors",
            flat(&(1_u64 << 47).to_le_bytes(), b"{}"),
        ),
    ]
}

/// Half a gigabyte of address space is plenty for the binary, and far less than these files ask for.
#[cfg(target_os = "linux")]
#[test]
fn greedy_files_are_refused_in_little_memory() {
    use std::process::Command;

    use crate::harness::run;

    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in greedy() {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let mut limited = Command::new("sh");
        limited
            .args(["-c", "ulimit -v 524288 && exec \"$@\"", "sh"])
            .args([env!("CARGO_BIN_EXE_frostline"), "models", "import"])
            .args([path.to_str().unwrap(), "--arch", "vgg19"])
            .env("FROSTLINE_HOME", folder.path());
        run(&mut limited).exits(1).says(&[name]);
    }
    assert!(!folder.path().join("models").exists());
}
