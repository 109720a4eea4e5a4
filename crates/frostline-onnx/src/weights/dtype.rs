//! The element types of `PyTorch`'s storages.

use half::{bf16, f16};

/// The order of the bytes in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

/// An element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dtype {
    Float,
    Half,
    BFloat16,
    Double,
    /// Integers, booleans and all else that is not a weight, by their size in bytes; skipped, never read.
    Integer(usize),
}

impl Dtype {
    /// Returns the element type of a storage class such as `FloatStorage`.
    pub(super) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "FloatStorage" => Self::Float,
            "HalfStorage" => Self::Half,
            "BFloat16Storage" => Self::BFloat16,
            "DoubleStorage" => Self::Double,
            "LongStorage" | "ComplexFloatStorage" => Self::Integer(8),
            "IntStorage" | "QInt32Storage" => Self::Integer(4),
            "ShortStorage" => Self::Integer(2),
            "CharStorage" | "ByteStorage" | "BoolStorage" | "UntypedStorage" | "QInt8Storage"
            | "QUInt8Storage" => Self::Integer(1),
            "ComplexDoubleStorage" => Self::Integer(16),
            _ => return None,
        })
    }

    /// Returns the size of an element in bytes.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Half | Self::BFloat16 => 2,
            Self::Float => 4,
            Self::Double => 8,
            Self::Integer(size) => size,
        }
    }

    pub(super) fn is_float(self) -> bool {
        !matches!(self, Self::Integer(_))
    }

    /// Returns all elements of a storage as `f32`, or none if they are integers.
    pub(super) fn widen(self, bytes: &[u8], order: ByteOrder) -> Vec<f32> {
        match self {
            Self::Float => each(bytes, order, f32::from_le_bytes),
            Self::Half => each(bytes, order, |b| f16::from_le_bytes(b).to_f32()),
            Self::BFloat16 => each(bytes, order, |b| bf16::from_le_bytes(b).to_f32()),
            Self::Double => each(bytes, order, |b| f64::from_le_bytes(b) as f32),
            Self::Integer(_) => Vec::new(),
        }
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    order: ByteOrder,
    number: impl Fn([u8; N]) -> f32,
) -> Vec<f32> {
    let (elements, _) = bytes.as_chunks::<N>();
    let number = |element: &[u8; N]| {
        let mut element = *element;
        if order == ByteOrder::Big {
            element.reverse();
        }
        number(element)
    };
    elements.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_a_half_in_every_type() {
        // IEEE 754: sign 0, exponent at its bias, first bit of the fraction set.
        for (dtype, bytes) in [
            (Dtype::Float, [0x3f, 0xc0, 0, 0].as_slice()),
            (Dtype::Half, &[0x3e, 0]),
            (Dtype::BFloat16, &[0x3f, 0xc0]),
            (Dtype::Double, &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(dtype.size(), bytes.len());
            assert_eq!(dtype.widen(bytes, ByteOrder::Big), [1.5]);
            let little: Vec<u8> = bytes.iter().rev().copied().collect();
            assert_eq!(dtype.widen(&little, ByteOrder::Little), [1.5]);
        }
    }
}
