//! Messages and hints for errors of `serve`.

use frostline::error::ServeError;

/// Returns the message, with option names instead of parameters.
pub(super) fn message(error: &ServeError) -> String {
    error.to_string().replacen("`bind`", "--bind", 1)
}

/// Returns what the user can do about the error.
pub(super) fn hint(error: &ServeError) -> Option<String> {
    let hint = match error {
        ServeError::Address { .. } => {
            "choose another address or port (`serve --bind`, `label --port`)"
        }
        ServeError::Open { .. } => {
            "set a token with --token-file, or --insecure if a proxy in front checks who asks"
        }
        ServeError::Token { .. } => {
            "write a new one, for example with `openssl rand -hex 32 > FILE`"
        }
        ServeError::Name { .. } => "pass --head NAME=HEAD or --head NAME@VERSION=HEAD",
        ServeError::Repeated { .. } => {
            "give each a unique name or version: --head NAME@VERSION=HEAD"
        }
        ServeError::GalleryImages { .. } => {
            "pass the folder that was given to `extract` with --gallery-images"
        }
        ServeError::NoHead => "pass --head NAME=HEAD or --watch FOLDER",
        _ => return None,
    };
    Some(hint.to_owned())
}
