//! `models pull hf:OWNER/NAME` against a hub on loopback, which redirects to a second server for large files,
//! as the real one does. The networks are those of `tests/golden/exports`.

mod cached;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use frostline::backbones::BackboneManifest;
use frostline::images::{Crop, Resize};
use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest, Sha256};

use crate::golden_networks::{generator, list, tensors};
use crate::harness::{Ran, command, golden, installed_home, run, share_runtime};
use crate::scripted_server::{Reply, Request, Server, has_loopback, ok, reply, rest};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const NETWORK: &str = "onnx/model.onnx";
const WEIGHTS: &str = "onnx/vit_external.onnx.data";

/// The preprocessing of a small network of transformers.
const PROCESSOR: &str = r#"{"image_processor_type": "ViTImageProcessor", "resample": 3,
    "size": {"height": 32, "width": 32}, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#;

type Files = Vec<(String, Vec<u8>)>;

fn export(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/exports");
    fs::read(folder.join(name)).unwrap()
}

fn files(list: &[(&str, Vec<u8>)]) -> Files {
    let owned = |(path, bytes): &(&str, Vec<u8>)| ((*path).to_owned(), bytes.clone());
    list.iter().map(owned).collect()
}

/// A transformer with external weights, and smaller variants next to it.
fn tiny_vit() -> Files {
    files(&[
        ("README.md", b"---\nlicense: mit\n---\n".to_vec()),
        (NETWORK, export("vit_external.onnx")),
        (WEIGHTS, export("vit_external.onnx.data")),
        ("onnx/model_fp16.onnx", b"not read".to_vec()),
        (
            "onnx/model_quantized.onnx",
            export("vit_quantised_dynamic.onnx"),
        ),
        ("preprocessor_config.json", PROCESSOR.into()),
    ])
}

fn sha256(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    let digits = sum.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.map(|digit| char::from_digit(digit.into(), 16).unwrap());
    digits.collect()
}

/// Returns whether the hub keeps a file in Git LFS.
fn is_large(path: &str) -> bool {
    [".onnx", ".data", ".safetensors"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// The hub's answer about a repository.
fn listing(id: &str, files: &Files) -> Vec<u8> {
    let sibling = |(path, bytes): &(String, Vec<u8>)| {
        let mut about = serde_json::json!({"rfilename": path, "size": bytes.len(), "blobId": "b"});
        if is_large(path) {
            about["lfs"] = serde_json::json!(
                {"sha256": sha256(bytes), "size": bytes.len(), "pointerSize": 130});
        }
        about
    };
    let siblings: Vec<_> = files.iter().map(sibling).collect();
    let answer = serde_json::json!({"id": id, "sha": COMMIT, "gated": false,
        "cardData": {"license": "mit"}, "siblings": siblings});
    ok(&serde_json::to_vec(&answer).unwrap())
}

/// A hub with one repository, and the server that it redirects to for large files.
struct Hub {
    hub: Server,
    store: Server,
}

impl Hub {
    fn new(id: &'static str, files: Files) -> Self {
        Self::with(id, files, |_| None, |_| None)
    }

    /// Creates a hub on which these answers, if any, take precedence.
    fn with(
        id: &'static str,
        files: Files,
        mut first: impl FnMut(&Request) -> Option<Vec<u8>> + Send + 'static,
        mut stored: impl FnMut(&Request) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let blobs = files.clone();
        let store = Server::answering(move |request| {
            let answer = stored(request).unwrap_or_else(|| {
                let sum = request.line.split(['/', ' ']).nth(2).unwrap();
                let blob = blobs.iter().find(|(_, bytes)| sha256(bytes) == sum);
                blob.map_or_else(gone, |(_, bytes)| ok(bytes))
            });
            Some(Reply::Bytes(answer))
        });
        let to = store.url("");
        let hub = Server::answering(move |request| {
            let answer = first(request).unwrap_or_else(|| answer(request, id, &files, &to));
            Some(Reply::Bytes(answer))
        });
        Self { hub, store }
    }

    fn lines(&self) -> Vec<String> {
        let requests = self.hub.requests().into_iter();
        requests.map(|request| request.line).collect()
    }
}

fn answer(request: &Request, id: &str, files: &Files, store: &str) -> Vec<u8> {
    let mut words = request.line.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    if path == format!("/api/models/{id}/revision/main?blobs=true")
        || path == format!("/api/models/{id}/revision/v1?blobs=true")
    {
        return listing(id, files);
    }
    let file = path.strip_prefix(&format!("/{id}/resolve/{COMMIT}/"));
    let file = file.and_then(|path| files.iter().find(|(file, _)| file == path));
    match file {
        Some((path, bytes)) if is_large(path) => {
            let sum = sha256(bytes);
            let headers = [
                format!("Location: {store}/{sum}"),
                format!("X-Linked-Etag: \"{sum}\""),
                format!("X-Linked-Size: {}", bytes.len()),
                "Content-Length: 0".to_owned(),
            ];
            reply("302 Found", &headers.each_ref().map(|h| &**h), b"")
        }
        Some((_, bytes)) if method == "HEAD" => {
            let length = format!("Content-Length: {}", bytes.len());
            reply("200 OK", &[&length, "ETag: \"b\""], b"")
        }
        Some((_, bytes)) => ok(bytes),
        None => gone(),
    }
}

fn gone() -> Vec<u8> {
    refused("404 Not Found", &[])
}

fn refused(status: &str, headers: &[&str]) -> Vec<u8> {
    reply(status, &[headers, &["Content-Length: 0"]].concat(), b"")
}

/// A home with ONNX Runtime, and an empty cache of the hub.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Option<Self> {
        let installed = installed_home().filter(|_| has_loopback())?;
        let folder = tempfile::tempdir().unwrap();
        share_runtime(&installed, folder.path());
        Some(Self(folder))
    }

    fn pull(&self, hub: &Server, args: &[&str]) -> Command {
        let mut command = command([&["models", "pull"], args].concat());
        command.env("FROSTLINE_HOME", self.0.path());
        command
            .env("HF_ENDPOINT", hub.url("/"))
            .env("HF_HOME", self.cache());
        let mut unset = vec!["HF_TOKEN".to_owned(), "HF_HUB_OFFLINE".to_owned()];
        unset.push("HF_HUB_CACHE".to_owned());
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            unset.extend([name.to_owned(), name.to_uppercase()]);
        }
        for name in unset {
            command.env_remove(name);
        }
        command
    }

    #[track_caller]
    fn pulls(&self, hub: &Hub, args: &[&str]) -> Ran {
        run(&mut self.pull(&hub.hub, args)).exits(0)
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache-of-the-hub")
    }

    fn manifest(&self, name: &str) -> BackboneManifest {
        let path = self.0.path().join("models").join(name);
        BackboneManifest::read(&path.with_added_extension("toml")).unwrap()
    }

    #[track_caller]
    fn has(&self, id: &str, files: &Files, paths: &[&str]) {
        let folder = self.0.path().join("downloads/hf").join(id).join(COMMIT);
        for path in paths {
            let (_, bytes) = files.iter().find(|(file, _)| file == path).unwrap();
            assert!(fs::read(folder.join(path)).unwrap() == *bytes, "{path}");
        }
    }
}

#[test]
fn a_repository_is_pulled_with_its_weights_and_preprocessing() {
    let Some(home) = Home::new() else { return };
    let hub = Hub::new("acme/tiny-vit", tiny_vit());
    let mut pull = home.pull(&hub.hub, &["hf:acme/tiny-vit"]);
    let ran = run(pull.env("HF_TOKEN", "secret")).exits(0);
    ran.says(&[
        "preprocessor_config.json",
        "resize 32x32",
        "revision 0123456789ab",
    ]);
    let all = [NETWORK, WEIGHTS, "preprocessor_config.json"];
    home.has("acme--tiny-vit", &tiny_vit(), &all);
    let manifest = home.manifest("tiny-vit");
    let source = manifest.source.unwrap();
    assert_eq!(source.repository.as_deref(), Some("acme/tiny-vit"));
    assert_eq!(source.revision.as_deref(), Some(COMMIT));
    assert_eq!(source.card, Some(hub.hub.url("/acme/tiny-vit")));
    assert_eq!(source.file.as_deref(), Some(NETWORK));
    assert_eq!(source.sha256, sha256(&export("vit_external.onnx")));
    assert_eq!(manifest.license.as_deref(), Some("mit"));
    let settings = manifest.preprocessing;
    assert_eq!(
        (settings.resize, settings.crop),
        (Resize::Exact(32, 32), Crop::None)
    );
    assert_eq!((settings.mean, settings.std), ([0.5; 3], [0.5; 3]));
    let sent = |server: &Server| {
        let requests = server.requests();
        let tokens = requests
            .iter()
            .map(|request| request.header("authorization").is_some());
        tokens.collect::<Vec<_>>()
    };
    assert!(sent(&hub.hub).iter().all(|sent| *sent));
    assert_eq!(sent(&hub.store), [false, false]);
    assert!(!hub.lines().iter().any(|line| line.contains("fp16")));
    home.pulls(&hub, &["hf:acme/tiny-vit"]).says(&["found "]);
    assert_eq!(hub.store.requests().len(), 2);
}

#[test]
fn a_file_and_a_revision_can_be_named() {
    let Some(home) = Home::new() else { return };
    let hub = Hub::new("acme/tiny-vit", tiny_vit());
    let name = "hf:acme/tiny-vit@v1/onnx/model_quantized.onnx";
    home.pulls(&hub, &[name, "--name", "small", "--pool", "cls"]);
    home.has(
        "acme--tiny-vit",
        &tiny_vit(),
        &["onnx/model_quantized.onnx"],
    );
    let source = home.manifest("small").source.unwrap();
    assert_eq!(source.file.as_deref(), Some("onnx/model_quantized.onnx"));
    assert!(hub.lines()[0].contains("/revision/v1?"));
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/tiny-vit/other.onnx"])).exits(1);
    ran.says(&[
        "it has no file `other.onnx`",
        "`onnx/model.onnx`",
        "hf:OWNER/NAME/FILE",
    ]);
}

#[test]
fn without_a_preprocessing_it_is_guessed() {
    let Some(home) = Home::new() else { return };
    let hub = Hub::new(
        "acme/bare",
        files(&[("vit.onnx", export("vit_dynamo_1.onnx"))]),
    );
    let ran = home.pulls(&hub, &["hf:acme/bare"]);
    ran.says(&["preprocessing guessed", "--crop 32"]);
}

#[test]
fn a_repository_without_a_network_is_listed() {
    let Some(home) = Home::new() else { return };
    let config = br#"{"architectures": ["ViTModel"], "model_type": "vit"}"#.to_vec();
    let weights = ("model.safetensors", b"weights".to_vec());
    let hub = Hub::new("acme/torch", files(&[("config.json", config), weights]));
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/torch"])).exits(1);
    ran.says(&[
        "cannot pull `hf:acme/torch`: it has no ONNX network",
        "`model.safetensors`",
        "export",
    ]);
    let two = ["onnx/model_fp16.onnx", "onnx/model_quantized.onnx"];
    let hub = Hub::new("acme/two", files(&two.map(|path| (path, Vec::new()))));
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/two"])).exits(1);
    ran.says(&["several ONNX networks", two[0], two[1], "name one of them"]);
}

#[test]
fn a_variant_of_an_architecture_is_refused() {
    let Some(home) = Home::new() else { return };
    for (field, value) in [
        ("global_pool", r#""max""#),
        ("model_args", r#"{"act_layer": "gelu"}"#),
    ] {
        let config = format!(
            r#"{{"architecture": "resnet18", "{field}": {value}, "pretrained_cfg": {{}}}}"#
        );
        let weights = ("model.safetensors", resnet18());
        let all = files(&[("config.json", config.into_bytes()), weights]);
        let hub = Hub::new("timm/resnet18.a1", all);
        let ran = run(&mut home.pull(&hub.hub, &["hf:timm/resnet18.a1"])).exits(1);
        let changes = format!("changes the network with `{field}`");
        ran.says(&[&changes, "export the network to ONNX"]);
    }
}

/// Weights of a narrow `ResNet18`, as timm's repositories have them.
fn resnet18() -> Vec<u8> {
    let golden = golden("architectures");
    let mut networks = list(&golden["networks"]).iter();
    let network = networks
        .find(|network| network["arch"] == "resnet18")
        .unwrap();
    let bytes = |name: &str, shape: &[usize]| {
        let numbers = generator::numbers(name, shape);
        numbers.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()
    };
    let rows = tensors(network).into_iter();
    let rows: Vec<_> = rows
        .map(|(name, shape)| (name, bytes(name, &shape), shape))
        .collect();
    let views = rows.iter().map(|(name, bytes, shape)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (*name, view)
    });
    safetensors::serialize(views, None).unwrap()
}

#[test]
fn weights_of_a_known_architecture_are_built() {
    let Some(home) = Home::new() else { return };
    let config = br#"{"architecture": "resnet18", "num_classes": 1000, "pretrained_cfg":
        {"input_size": [3, 224, 224], "crop_pct": 0.95, "interpolation": "bicubic"}}"#;
    let all = files(&[
        ("config.json", config.to_vec()),
        ("model.safetensors", resnet18()),
    ]);
    let hub = Hub::new("timm/resnet18.a1", all.clone());
    let ran = run(&mut home.pull(&hub.hub, &["hf:timm/resnet18.a1", "--pool", "mean"]));
    ran.exits(2).says(&["--pool", "the repository has weights"]);
    home.pulls(&hub, &["hf:timm/resnet18.a1", "--std", "0.5"])
        .says(&["config.json", "resize 235"]);
    home.has(
        "timm--resnet18.a1",
        &all,
        &["config.json", "model.safetensors"],
    );
    let manifest = home.manifest("resnet18.a1");
    let settings = manifest.preprocessing;
    // math.floor(224 / 0.95)
    assert_eq!(
        (settings.resize, settings.std),
        (Resize::Shorter(235), [0.5; 3])
    );
    let source = manifest.source.unwrap();
    assert_eq!(source.arch.as_deref(), Some("resnet18"));
    assert_eq!(source.revision.as_deref(), Some(COMMIT));
}

#[test]
fn access_is_asked_for() {
    let Some(home) = Home::new() else { return };
    let closed = |status: &'static str, code: &'static str, path: &'static str| {
        let first = move |request: &Request| {
            let code = format!("X-Error-Code: {code}");
            request
                .line
                .contains(path)
                .then(|| refused(status, &[&code]))
        };
        Hub::with("acme/tiny-vit", tiny_vit(), first, |_| None)
    };
    let pull = |hub: &Hub, token: &str| {
        run(home
            .pull(&hub.hub, &["hf:acme/tiny-vit"])
            .env("HF_TOKEN", token))
        .exits(1)
    };
    let gated = closed("401 Unauthorized", "GatedRepo", "/resolve/");
    let page = gated.hub.url("/acme/tiny-vit");
    pull(&gated, "").says(&["accepted its conditions", &page, "and set HF_TOKEN"]);
    let gated = closed("403 Forbidden", "GatedRepo", "/resolve/");
    pull(&gated, "secret").says(&["accepted its conditions", "check that HF_TOKEN is"]);
    let missing = closed("401 Unauthorized", "RepoNotFound", "/api/");
    pull(&missing, "").says(&["no such repository, or it is private", "set HF_TOKEN"]);
    let missing = closed("404 Not Found", "RepoNotFound", "/api/");
    pull(&missing, "secret").says(&["no such repository", "your token may read it"]);
    let missing = closed("404 Not Found", "RevisionNotFound", "/api/");
    pull(&missing, "").says(&["it has no revision `main`"]);
    let denied = closed("403 Forbidden", "", "/api/");
    pull(&denied, "").says(&["the hub refuses access: 403 Forbidden"]);
    let broken = closed("500 Internal Server Error", "", "/api/");
    pull(&broken, "").says(&["500 Internal Server Error", "HF_ENDPOINT"]);
}

#[test]
fn a_renamed_repository_is_followed() {
    let Some(home) = Home::new() else { return };
    let first = |request: &Request| {
        let moved = "Location: /api/models/acme/tiny-vit/revision/main?blobs=true";
        let old = request.line.contains("/api/models/old/name/");
        old.then(|| refused("307 Temporary Redirect", &[moved]))
    };
    let hub = Hub::with("acme/tiny-vit", tiny_vit(), first, |_| None);
    let ran = home.pulls(&hub, &["hf:old/name"]);
    ran.says(&["the repository is called `acme/tiny-vit` now"]);
    let source = home.manifest("name").source.unwrap();
    assert_eq!(source.repository.as_deref(), Some("acme/tiny-vit"));
}

#[test]
fn a_limit_of_requests_is_waited_for_or_told() {
    let Some(home) = Home::new() else { return };
    let limited = |header: &'static str, most: usize| {
        let mut left = most;
        let first = move |_: &Request| {
            let limited = left > 0;
            left = left.saturating_sub(1);
            limited.then(|| refused("429 Too Many Requests", &[header]))
        };
        Hub::with("acme/tiny-vit", tiny_vit(), first, |_| None)
    };
    home.pulls(&limited("Retry-After: 0", 2), &["hf:acme/tiny-vit"]);
    let hub = limited("RateLimit: \"api\";r=0;t=3600", 9);
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/tiny-vit"])).exits(1);
    ran.says(&[
        "limits the number of requests, and accepts the next one in 3600 s",
        "HF_TOKEN",
    ]);
    assert_eq!(hub.lines().len(), 1);
}

#[test]
fn a_file_that_changes_between_two_requests_is_fetched_again() {
    let Some(home) = Home::new() else { return };
    let weights = export("vit_external.onnx.data");
    let (half, sum) = (weights.len() / 2, sha256(&weights));
    let other: Vec<u8> = weights.iter().map(|byte| !byte).collect();
    let mut count = 0;
    let stored = move |request: &Request| {
        if !request.line.contains(&sum) {
            return None;
        }
        count += 1;
        match count {
            1 => {
                let mut cut = ok(&weights);
                cut.truncate(cut.len() - (weights.len() - half));
                Some(cut)
            }
            2 => Some(rest(&other, half)),
            _ => None,
        }
    };
    let hub = Hub::with("acme/tiny-vit", tiny_vit(), |_| None, stored);
    home.pulls(&hub, &["hf:acme/tiny-vit"]);
    home.has("acme--tiny-vit", &tiny_vit(), &[NETWORK, WEIGHTS]);
    let ranges = hub.store.ranges();
    let second = format!("bytes={half}-");
    assert_eq!(ranges, [None, None, Some(second), None]);
}

#[test]
fn a_file_that_is_not_the_listed_one_is_refused() {
    let Some(home) = Home::new() else { return };
    let stored = |_: &Request| Some(ok(&(0..100).collect::<Vec<u8>>()));
    let hub = Hub::with("acme/tiny-vit", tiny_vit(), |_| None, stored);
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/tiny-vit"])).exits(1);
    ran.says(&[
        "cannot download `onnx/model.onnx`",
        "it has 100 bytes instead of",
    ]);
    let changed = |request: &Request| {
        let tag = format!("X-Linked-Etag: \"{}\"", "a".repeat(64));
        let head = request.line.starts_with("HEAD") && request.line.contains(".onnx");
        head.then(|| refused("302 Found", &[&tag, "Location: /x"]))
    };
    let hub = Hub::with("acme/tiny-vit", tiny_vit(), changed, |_| None);
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/tiny-vit"])).exits(1);
    ran.says(&["`onnx/model.onnx` has changed on the hub"]);
}

#[test]
fn names_and_options_are_checked_first() {
    let Some(home) = Home::new() else { return };
    let hub = Hub::new("acme/tiny-vit", tiny_vit());
    for (args, words) in [
        (&["hf:tiny-vit"][..], "write hf:OWNER/NAME"),
        (&["hf:acme/../x"], "is not the name of a repository"),
        (
            &["hf:acme/tiny-vit", "--url", "http://x/"],
            "--url and --from are for known",
        ),
        (
            &["vgg19", "--pool", "mean"],
            "only --url, --from and --replace",
        ),
    ] {
        run(&mut home.pull(&hub.hub, args)).exits(2).says(&[words]);
    }
    let mut pull = home.pull(&hub.hub, &["hf:acme/tiny-vit"]);
    let secret = hub.hub.url("").replace("//", "//me:secret@");
    let ran = run(pull.env("HF_ENDPOINT", secret)).exits(1);
    assert!(!ran.err.contains("secret"), "{}", ran.err);
    ran.says(&[
        "HF_ENDPOINT contains a user name or password",
        "passwords go into HF_TOKEN",
    ]);
    let ran = run(&mut home.pull(&hub.hub, &["hf:acme/tiny-vit", "--name", "a/b"])).exits(2);
    ran.says(&["letters, digits"]);
    assert_eq!(hub.lines().len(), 0);
}

#[test]
fn the_preprocessing_is_the_one_nearest_to_the_network() {
    let Some(home) = Home::new() else { return };
    let other = PROCESSOR.replace("0.5, 0.5, 0.5", "0.25, 0.25, 0.25");
    for (network, config, mean) in [
        ("fp32/model.onnx", None, 0.5),
        ("onnx/a/model.onnx", None, 0.5),
        (
            "onnx/a/model.onnx",
            Some("onnx/preprocessor_config.json"),
            0.25,
        ),
    ] {
        let mut all = vec![
            (network, export("vit_dynamo_1.onnx")),
            ("preprocessor_config.json", PROCESSOR.into()),
        ];
        all.extend(config.map(|config| (config, other.clone().into_bytes())));
        let hub = Hub::new("acme/tiny-vit", files(&all));
        home.pulls(&hub, &["hf:acme/tiny-vit", "--replace"]);
        let settings = home.manifest("tiny-vit").preprocessing;
        let found = (settings.resize, settings.mean);
        let wanted = (Resize::Exact(32, 32), [mean; 3]);
        assert_eq!(found, wanted, "{network}, {config:?}");
    }
}

#[test]
fn a_licence_that_is_no_name_is_not_kept() {
    let Some(home) = Home::new() else { return };
    let listed = tiny_vit();
    let answer = move |request: &Request| {
        let text = listing("acme/tiny-vit", &listed);
        let text = String::from_utf8(text).unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1;
        let long = format!(r#""license":"{}""#, "x".repeat(5_000_000));
        let body = body.replace(r#""license":"mit""#, &long);
        let is_list = request.line.contains("/api/");
        is_list.then(|| ok(body.as_bytes()))
    };
    let hub = Hub::with("acme/tiny-vit", tiny_vit(), answer, |_| None);
    home.pulls(&hub, &["hf:acme/tiny-vit"]);
    assert_eq!(home.manifest("tiny-vit").license, None);
}
