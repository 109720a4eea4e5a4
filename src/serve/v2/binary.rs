//! The extension for binary tensors: after the JSON, whose length is in a header, come the inputs' bytes, in
//! the order of the inputs, little endian and without gaps. Elements of BYTES are preceded by their length as
//! 32 bits.

use axum::http::{HeaderMap, HeaderName};

use super::json::InputTensor;
use crate::http::Problem;
use crate::serve::bounded::MOST;

/// The header with the length of the JSON, in requests and replies.
pub(super) const HEADER: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Returns the length of the JSON, if the body contains more.
pub(super) fn header_length(headers: &HeaderMap) -> Result<Option<usize>, Problem> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length.map(Some).ok_or_else(|| {
        Problem::bad_request("the header `Inference-Header-Content-Length` is not a number")
    })
}

/// Splits a body into the JSON and the binary data.
pub(super) fn split(body: &[u8], header: Option<usize>) -> Result<(&[u8], &[u8]), Problem> {
    let length = header.unwrap_or(body.len());
    body.split_at_checked(length).ok_or_else(|| {
        Problem::bad_request(format!(
            "`Inference-Header-Content-Length` is {length}, but the body has {} bytes",
            body.len()
        ))
    })
}

/// Returns the bytes of each input, or `None` for an input in JSON.
pub(super) fn pieces<'a>(
    inputs: &[InputTensor],
    mut data: &'a [u8],
) -> Result<Vec<Option<&'a [u8]>>, Problem> {
    let mut pieces = Vec::with_capacity(inputs.len());
    for input in inputs {
        let size = match (input.parameters.binary_data_size, &input.data) {
            (Some(size), None) => size,
            (None, Some(_)) => {
                pieces.push(None);
                continue;
            }
            _ => {
                return Err(Problem::bad_request(format!(
                    "input `{}` must have either `data` or `binary_data_size`",
                    input.name
                )));
            }
        };
        let Some((piece, rest)) = data.split_at_checked(size) else {
            return Err(Problem::bad_request(format!(
                "`binary_data_size` of input `{}` is {size}, but only {} bytes follow",
                input.name,
                data.len()
            )));
        };
        pieces.push(Some(piece));
        data = rest;
    }
    if !data.is_empty() {
        let n = data.len();
        return Err(Problem::bad_request(format!(
            "{n} bytes follow the last input"
        )));
    }
    Ok(pieces)
}

/// Reads the elements of a BYTES tensor, or returns `None` if a length exceeds the data, or if there are more
/// than [`MOST`].
pub(super) fn elements(mut data: &[u8]) -> Option<Vec<&[u8]>> {
    let mut elements = Vec::new();
    while !data.is_empty() {
        if elements.len() == MOST {
            return None;
        }
        let (length, rest) = data.split_first_chunk::<4>()?;
        let (element, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        elements.push(element);
        data = rest;
    }
    Some(elements)
}

/// Writes an element of a BYTES tensor.
pub(super) fn write_element(element: &[u8], to: &mut Vec<u8>) {
    to.extend((element.len() as u32).to_le_bytes());
    to.extend(element);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::v2::json::InferRequest;

    /// The example of Triton's documentation: 16 bytes of one tensor and 3 of another.
    #[test]
    fn the_example_of_the_extension_is_read() {
        let json = r#"{
            "model_name" : "mymodel",
            "inputs" : [
                { "name" : "input0", "shape" : [ 2, 2 ], "datatype" : "UINT32",
                  "parameters" : { "binary_data_size" : 16 } },
                { "name" : "input1", "shape" : [ 3 ], "datatype" : "BOOL",
                  "parameters" : { "binary_data_size" : 3 } }
            ],
            "outputs" : [ { "name" : "output0", "parameters" : { "binary_data" : true } } ]
        }"#;
        let data: Vec<u8> = (0..19).collect();
        let body = [json.as_bytes(), &data].concat();
        let (header, rest) = split(&body, Some(json.len())).unwrap();
        let request: InferRequest = serde_json::from_slice(header).unwrap();
        assert_eq!(request.outputs[0].parameters.binary_data, Some(true));
        let pieces = pieces(&request.inputs, rest).unwrap();
        assert_eq!(pieces, [Some(&data[..16]), Some(&data[16..])]);
    }

    fn inputs(sizes: &[Option<usize>]) -> Vec<InputTensor> {
        let input = |size: &Option<usize>| {
            let text = size.map_or(r#""data": [1]"#.to_owned(), |size| {
                format!(r#""parameters": {{"binary_data_size": {size}}}"#)
            });
            let text = format!(r#"{{"name": "a", "shape": [1], "datatype": "UINT8", {text}}}"#);
            serde_json::from_str(&text).unwrap()
        };
        sizes.iter().map(input).collect()
    }

    #[test]
    fn sizes_must_cover_the_data() {
        let lengths = |sizes: &[Option<usize>], data: &[u8]| {
            let pieces = pieces(&inputs(sizes), data).ok()?;
            let lengths = pieces.into_iter().map(|piece| piece.map(<[u8]>::len));
            Some(lengths.collect::<Vec<_>>())
        };
        let mixed = [Some(2), None, Some(0), Some(1)];
        assert_eq!(lengths(&mixed, b"abc"), Some(mixed.to_vec()));
        assert_eq!(lengths(&[Some(2)], b"a"), None);
        assert_eq!(lengths(&[Some(2)], b"abc"), None);
        assert_eq!(lengths(&[Some(usize::MAX)], b"abc"), None);
        assert!(split(b"abc", Some(4)).is_err());
    }

    #[test]
    fn elements_have_their_lengths_before_them() {
        let mut data = Vec::new();
        for element in [&b"ab"[..], b"", b"c"] {
            write_element(element, &mut data);
        }
        assert_eq!(data, b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c");
        assert_eq!(elements(&data), Some(vec![&b"ab"[..], b"", b"c"]));
        assert_eq!(elements(b""), Some(vec![]));
        for wrong in [
            &b"\x01"[..],
            b"\x01\0\0\0",
            b"\xff\xff\xff\xffa",
            b"\0\0\0\0a",
        ] {
            assert_eq!(elements(wrong), None, "{wrong:?}");
        }
    }
}
