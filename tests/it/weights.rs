//! Weight files that `torch.save` wrote, and malicious ones.

use std::fs;
use std::path::Path;

use frostline::backbones::onnx::open_checkpoint;
use frostline::backbones::{Architecture, End, WeightsOf};
use frostline_onnx::weights::read_state_dict;

use crate::harness::{command, golden, run};

#[test]
fn what_pytorch_saved_is_read() {
    let golden = golden("weights");
    let wanted = golden["tensors"].as_array().unwrap();
    for name in ["legacy.pth", "zip.pth"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        let weights = read_state_dict(fs::File::open(&path).unwrap(), &path).unwrap();
        assert_eq!(weights.len(), wanted.len(), "{name}");
        for ((found, tensor), wanted) in weights.iter().zip(wanted) {
            let found = found.strip_prefix("module.").unwrap();
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

/// Finds the weights of a ResNet-18 in checkpoints as timm, Lightning and momentum contrast write them.
#[test]
fn weights_are_found_in_checkpoints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/checkpoints");
    for wanted in golden("checkpoints")["readings"].as_array().unwrap() {
        let path = folder.join(wanted["file"].as_str().unwrap());
        let of = wanted["weights"].as_str().map(WeightsOf::from);
        let mut checkpoint = open_checkpoint(&path).unwrap();
        let found = Architecture::ResNet18
            .find(&mut checkpoint, End::Features, &of.unwrap_or_default())
            .unwrap();
        assert_eq!(wanted["place"], found.place.to_string(), "{path:?}");
        let others: Vec<_> = found.others.iter().map(ToString::to_string).collect();
        assert_eq!(wanted["others"], serde_json::json!(others), "{path:?}");
        let first = &found.weights.get("conv1.weight").unwrap().data[..8];
        let wanted_first = wanted["first_8"].as_array().unwrap().iter();
        let wanted_first: Vec<f32> = wanted_first.map(|x| x.as_f64().unwrap() as f32).collect();
        assert_eq!(first, wanted_first, "{path:?}");
        let network = found
            .weights
            .iter()
            .filter(|(name, _)| !name.starts_with("fc."));
        let sums =
            network.map(|(_, tensor)| tensor.data.iter().map(|&x| f64::from(x)).sum::<f64>());
        let (sum, wanted) = (sums.sum::<f64>(), wanted["sum"].as_f64().unwrap());
        assert!(
            (sum - wanted).abs() < 1e-6,
            "{path:?}: {sum}, expected {wanted}"
        );
        Architecture::ResNet18
            .build(&found.weights, End::Features)
            .unwrap();
    }
}

#[test]
fn an_import_says_which_weights_it_used() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/checkpoints");
    let home = tempfile::tempdir().unwrap();
    let import = |file: &str, more: &[&str]| {
        let path = golden.join(file);
        let args = [
            "models",
            "import",
            path.to_str().unwrap(),
            "--arch",
            "resnet18",
            "--replace",
        ];
        let mut command = command(args.iter().chain(more));
        run(command.env("FROSTLINE_HOME", home.path()))
    };
    import("lightning.ckpt", &[])
        .exits(0)
        .says(&["used the weights in `state_dict` with the prefix `model.`"]);
    import("timm.pth.tar", &["--weights", "ema"])
        .exits(0)
        .says(&[
            "used the weights in `state_dict_ema`",
            "also contains the weights `state_dict`; choose with --weights",
        ]);
    import("timm.pth.tar", &["--weights", "teacher"])
        .exits(1)
        .says(&[
            "no weights named `teacher` that match; these match: `state_dict`, `state_dict_ema`",
            "hint: choose one of these with --weights",
        ]);
}

/// Wraps a pickle that promises more than the file has in the older file format.
fn legacy(state: &[u8]) -> Vec<u8> {
    let opening = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";
    [opening, state].concat()
}

/// Returns small files that ask for a lot of memory.
fn greedy() -> [(&'static str, Vec<u8>); 14] {
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
    // One value, memoized again and again, and only marks.
    let memo = [b"N".as_slice(), &vec![0x94; 9 << 20]].concat();
    let marks = vec![b'('; 24 << 20];
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
        ("memo.pth", legacy(&memo)),
        ("marks.pth", legacy(&marks)),
        ("names.pth", legacy(&used_over_and_over(1 << 20))),
        ("keys.pth", keys_over_and_over()),
        ("storages.pth", storages_over_and_over()),
        ("shapes.pth", legacy(&shapes_over_and_over())),
        // Foreign classes, sets, and a dictionary with far more names than a network.
        ("classes.pth", legacy(&b"cm\nC\n".repeat(5 << 20))),
        ("sets.pth", legacy(&[0x8f].repeat(5 << 20))),
        ("entries.pth", legacy(&many_names())),
    ]
}

/// Stores a value in a memo slot and pops it from the stack.
fn stored(value: &[u8], slot: u8) -> Vec<u8> {
    [value, &[b'q', slot, b'0']].concat()
}

fn text(length: usize) -> Vec<u8> {
    let name = vec![b'n'; length];
    [b"X".as_slice(), &(length as u32).to_le_bytes(), &name].concat()
}

/// Returns a tensor of one value whose shape is `rank` ones.
fn tensor(rank: usize) -> Vec<u8> {
    let id =
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ".as_slice();
    let shape = [b"(".as_slice(), &b"K\x01".repeat(rank), b"t"].concat();
    let call = [b"(".as_slice(), id, b"K\0", &shape, &shape, b"\x89}t"].concat();
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n".as_slice(),
        &call,
        b"R",
    ]
    .concat()
}

/// Returns a dictionary with 20,000 entries that share one tensor and one name.
fn used_over_and_over(length: usize) -> Vec<u8> {
    let opening = [stored(&text(length), 1), stored(&tensor(1), 2)].concat();
    let entries = b"h\x01h\x02".repeat(20_000);
    [&opening, b"}(".as_slice(), &entries, b"u."].concat()
}

/// Returns a dictionary of 1,000,000 names for one tensor, all with the same parts.
fn many_names() -> Vec<u8> {
    let name = |number: u32| format!("X\x1a\0\0\0a.a.a.a.a.a.{number:07}.weighth\x01");
    let entries: String = (0..1_000_000).map(name).collect();
    let opening = stored(&tensor(1), 1);
    [&opening, b"}(".as_slice(), entries.as_bytes(), b"u."].concat()
}

/// Returns a valid state dict, and a list of storages that repeats one long key 20,000 times.
fn keys_over_and_over() -> Vec<u8> {
    let state = legacy(&used_over_and_over(1));
    let key = stored(&text(1 << 20), 1);
    let list = [b"](".as_slice(), &b"h\x01".repeat(20_000), b"e."].concat();
    [&state, b"\x80\x02".as_slice(), &key, &list].concat()
}

/// Returns a pickle that references one storage with a long key 2,000 times.
fn storages_over_and_over() -> Vec<u8> {
    let id = [
        b"(X\x07\0\0\0storagectorch\nFloatStorage\n".as_slice(),
        &text(1 << 20),
        b"X\x03\0\0\0cpuK\x01t",
    ];
    let body = [
        &stored(&id.concat(), 1),
        b"](".as_slice(),
        &b"h\x01Q".repeat(2_000),
        b"e.",
    ];
    legacy(&body.concat())
}

/// Returns a pickle of 600,000 tensors of 64 dimensions that share one tuple of arguments.
fn shapes_over_and_over() -> Vec<u8> {
    let whole = tensor(64);
    let call = whole.iter().position(|&b| b == b'(').unwrap();
    let class = stored(&whole[..call], 1);
    let arguments = stored(&whole[call..whole.len() - 1], 2);
    let calls = b"h\x01h\x02R".repeat(600_000);
    [&class, &arguments, b"](".as_slice(), &calls, b"e."].concat()
}

/// The limit of half a gigabyte of address space is plenty for the binary; these files ask for far more.
#[cfg(target_os = "linux")]
#[test]
fn greedy_files_are_refused_in_little_memory() {
    use std::process::Command;

    use crate::harness::measured;

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
        let (peak, ran) = measured(&mut limited);
        ran.exits(1).says(&[name]);
        assert!(peak < 200_000_000, "{name}: {peak} bytes");
    }
    assert!(!folder.path().join("models").exists());
}
