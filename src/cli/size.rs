//! Sizes as people write them.

/// The first number of bytes that is too large: 2^64.
const MOST: f64 = 18_446_744_073_709_551_616.0;

/// Parses a number of bytes: `500M`, `4G`, `1.5GiB`, `750000000`; K, M, G and T are powers of 1024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text[number.len()..].to_ascii_uppercase();
    let power = match unit.trim_end_matches('B').trim_end_matches('I') {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err(format!("unknown unit `{unit}`: use K, M, G or T")),
    };
    let bytes = number.parse::<f64>().map(|n| n * 1024f64.powi(power));
    let usable = bytes.ok().filter(|bytes| (1.0..MOST).contains(bytes));
    let wanted = "must be a size from 1 byte to 16777215T, such as `500M` or `4G`";
    let bytes = usable.ok_or_else(|| wanted.to_owned())?;
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (text, expected) in [
            ("500M", 524_288_000),
            ("4G", 4_294_967_296),
            ("1.5GiB", 1_610_612_736),
            ("10kb", 10_240),
            ("750000000", 750_000_000),
            ("2b", 2),
            ("16777215T", 16_777_215 << 40),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "M",
            "-4G",
            "0",
            "4X",
            "nan",
            "infG",
            "16777216T",
            "1e999",
        ] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
