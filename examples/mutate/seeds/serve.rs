//! Seeds for the bodies of requests to `frostline serve`.

use frostline::serve::fuzz::BOUNDARY;

use super::Seed;

/// Inference requests: the length of the JSON, the JSON, and binary data.
pub(super) fn infer() -> Vec<Seed> {
    let binary = |tensor: &str, data: &[u8]| {
        let size = data.len();
        let json = format!(
            r#"{{"inputs": [{{{tensor}, "parameters": {{"binary_data_size": {size}}}}}]}}"#
        );
        let length = json.len() as u32;
        [&length.to_le_bytes()[..], json.as_bytes(), data].concat()
    };
    let text = |tensor: &str| {
        let json = format!(r#"{{"id": "7", "inputs": [{{{tensor}}}], "outputs": []}}"#);
        [&u32::MAX.to_le_bytes()[..], json.as_bytes()].concat()
    };
    let tensor = |name: &str, rest: &str| format!(r#""name": "{name}", "datatype": {rest}"#);
    let [image, values, pixels] = [
        tensor("image", r#""BYTES", "shape": [2]"#),
        tensor("values", r#""FP32", "shape": [1, 3, 2, 2]"#),
        tensor("pixels", r#""UINT8", "shape": [1, 1, 2, 3]"#),
    ];
    let nested = text(&format!(
        "{values}, \"data\": {}1{}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    ));
    let huge = tensor(
        "pixels",
        r#""UINT8", "shape": [64, 4294967295, 4294967295, 3]"#,
    );
    vec![
        Seed::accepted("two files", binary(&image, b"\x02\0\0\0ab\x01\0\0\0c")),
        Seed::accepted("the network's input", binary(&values, &[0x3d; 48])),
        Seed::accepted("pixels", binary(&pixels, b"abcdef")),
        Seed::accepted(
            "files in base64",
            text(&format!(r#"{image}, "data": ["AAEC", ""]"#)),
        ),
        Seed::accepted(
            "nested numbers",
            text(&format!(
                r#"{pixels}, "data": [[[[1, 2, 3], [4, 5, 255]]]]"#
            )),
        ),
        Seed::refused("a length beyond the end", b"\xff\0\0\0{}"),
        Seed::refused(
            "an element beyond the end",
            binary(&image, b"\xff\xff\xff\xffab"),
        ),
        Seed::refused("three bytes of a number", binary(&values, &[0; 47])),
        Seed::refused("more pixels than fit in memory", binary(&huge, b"")),
        Seed::refused(
            "a number that is not one",
            text(&format!(r#"{values}, "data": [NaN]"#)),
        ),
        Seed::refused("deeply nested numbers", nested),
        Seed::refused(
            "no shape",
            binary(&tensor("values", r#""FP32", "shape": []"#), b""),
        ),
    ]
}

/// Requests in JSON.
pub(super) fn json() -> Vec<Seed> {
    vec![
        Seed::accepted(
            "images",
            r#"{"images": ["AAEC", {"name": "b.png", "data": "AA=="}]}"#,
        ),
        Seed::accepted(
            "all parameters",
            r#"{"model": "a", "version": "2", "top_k": 1, "threshold": 0.5, "nearest": 3, "images": []}"#,
        ),
        Seed::accepted("an image that is not base64", r#"{"images": ["%"]}"#),
        Seed::refused(
            "a member that is not known",
            r#"{"images": [], "url": "http://a"}"#,
        ),
        Seed::refused("a threshold of 2", r#"{"images": [], "threshold": 2}"#),
        Seed::refused("deeply nested lists", "[".repeat(100_000)),
        Seed::refused(
            "more images than any request needs",
            format!(r#"{{"images": [{}""]}}"#, r#""","#.repeat(1 << 16)),
        ),
    ]
}

/// Forms.
pub(super) fn form() -> Vec<Seed> {
    let part = |head: &str, content: &str| {
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    };
    let end = format!("--{BOUNDARY}--\r\n");
    let image = part(r#"name="image"; filename="a.png""#, "abc");
    let threshold = |value: &str| part(r#"name="threshold""#, value) + &end;
    vec![
        Seed::accepted(
            "an image and a parameter",
            image.clone() + &threshold("0.5"),
        ),
        Seed::accepted(
            "an image without a file name",
            part(r#"name="image""#, "abc") + &end,
        ),
        Seed::accepted("more images than allowed", image.repeat(100) + &end),
        Seed::refused("a threshold that is not a number", threshold("NaN")),
        Seed::refused("an unknown field", part(r#"name="x""#, "abc") + &end),
        Seed::refused("no end", image.clone()),
        Seed::refused("no boundary", "abc"),
        Seed::unharmed("a part without a name", part("x", "abc") + &end),
    ]
}
