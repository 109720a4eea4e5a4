//! The options of the running command that name what it writes, for hints.

use std::sync::OnceLock;

/// The options of the running command that name what it writes.
static OUTPUTS: OnceLock<OutputOptions> = OnceLock::new();

/// Options that name outputs.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct OutputOptions {
    /// Any output.
    pub(in crate::cli) any: &'static str,
    /// A feature store.
    pub(in crate::cli) store: &'static str,
}

/// Sets the options of the running command.
pub(in crate::cli) fn set_outputs(options: OutputOptions) {
    let _ = OUTPUTS.set(options);
}

/// Returns the options of the running command.
pub(super) fn outputs() -> OutputOptions {
    let (any, store) = ("-o", "-o");
    *OUTPUTS.get().unwrap_or(&OutputOptions { any, store })
}
