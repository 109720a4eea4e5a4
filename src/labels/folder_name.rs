//! Which class names can be the names of folders, on every system.

/// Names that Windows keeps for devices, with or without an extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Returns why a class name cannot be the name of a folder: it would lead elsewhere, would be hidden, or some
/// system does not allow it.
///
/// # Errors
/// The reason, as a predicate.
pub fn check_folder_name(name: &str) -> Result<(), &'static str> {
    let device = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_lowercase();
    let numbered = |port: &str| {
        let number = device.strip_prefix(port);
        number.is_some_and(|number| number.chars().count() == 1)
    };
    if name.is_empty() {
        Err("is empty")
    } else if name.len() > 255 {
        Err("is longer than 255 bytes")
    } else if name.starts_with('.') {
        Err("starts with a dot")
    } else if name.ends_with(['.', ' ']) || name.starts_with(' ') {
        Err("starts or ends with a space or a dot")
    } else if name.contains(['/', '\\']) {
        Err("contains a slash or a backslash")
    } else if name.contains(|c: char| c.is_control() || "<>:\"|?*".contains(c)) {
        Err("contains a character that not every system allows in names")
    } else if DEVICES.contains(&&*device) || numbered("com") || numbered("lpt") {
        Err("is the name of a device on Windows")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc",
            "a\\b",
            "a\0b",
            ".hidden",
            "a\nb",
            "NUL",
            "con.txt",
            "COM1",
            "lpt².x",
            "a.",
            "a ",
            " a",
            "a:b",
            "what?",
            &"x".repeat(256),
        ] {
            assert!(check_folder_name(name).is_err(), "{name:?}");
        }
        for name in [
            "cat",
            "unknown",
            "é",
            "a b",
            "dog, small",
            "v1.2",
            "comet",
            "=1+1",
            "-rf",
            "com10",
        ] {
            assert_eq!(check_folder_name(name), Ok(()), "{name:?}");
        }
    }
}
