//! The flags of parameters.

/// Parameters that a file can have as well as an option, so that a wrong one need not be one of usage.
const OF_FILES: [&str; 10] = [
    "resize",
    "crop",
    "interpolation",
    "mean",
    "std",
    "channels",
    "layout",
    "scale",
    "pool",
    "precision",
];

/// Whether a parameter is one of the command line alone.
pub(super) fn is_option(name: &str) -> bool {
    !OF_FILES.contains(&name)
}

/// What is to be added to what a parameter must be.
pub(super) fn remark(name: &str) -> &'static str {
    match name {
        "url" => " (a file is given with --from)",
        _ => "",
    }
}

/// The flag that sets a parameter of the library: its name with hyphens, unless it has another.
pub(super) fn flag(name: &str) -> String {
    if name.starts_with("--") {
        return name.to_owned();
    }
    format!("--{}", name.replace('_', "-"))
}
