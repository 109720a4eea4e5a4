//! The flags of parameters.

/// The flag that sets a parameter of the library: its name with hyphens, unless it has another.
pub(super) fn flag(name: &str) -> String {
    if name.starts_with("--") {
        return name.to_owned();
    }
    format!("--{}", name.replace('_', "-"))
}
