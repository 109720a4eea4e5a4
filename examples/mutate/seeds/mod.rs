//! The files that mutants are made of, all made by code: small whole ones, and one for each fault that was
//! found.

mod head;
mod image;
pub(crate) mod network;
mod store;
mod text;
mod weights;

/// A file to start from.
#[derive(Debug)]
pub(crate) struct Seed {
    /// What it is, or what the fault was.
    pub(crate) what: &'static str,
    pub(crate) wanted: Wanted,
    pub(crate) bytes: Vec<u8>,
}

/// What must become of a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It is read.
    Accepted,
    /// It is not.
    Refused,
    /// Either, but nothing worse.
    Unharmed,
}

impl Seed {
    fn accepted(what: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(what, Wanted::Accepted, bytes)
    }

    fn refused(what: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(what, Wanted::Refused, bytes)
    }

    fn unharmed(what: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(what, Wanted::Unharmed, bytes)
    }

    fn new(what: &'static str, wanted: Wanted, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            what,
            wanted,
            bytes,
        }
    }
}

/// The seeds of a target.
pub(crate) fn of(target: &str) -> Vec<Seed> {
    match target {
        "onnx_import" | "onnx_cut" | "onnx_rewrite" => network::seeds(target),
        "pth" => weights::pth(),
        "safetensors" => weights::safetensors(),
        "head" => head::seeds(),
        "part" => store::parts(),
        "index" => store::indices(),
        "manifest" => store::manifests(),
        "stamps" => store::stamps(),
        "class_weights_csv" => text::class_weights(),
        "manifest_toml" => text::manifests(),
        image => image::seeds(image),
    }
}
