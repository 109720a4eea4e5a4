//! How a store keeps numbers.

use std::fmt;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::images::SkipReason;

/// The precision in which a store keeps features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Dtype {
    /// 32 bits a number.
    #[default]
    F32,
    /// 16 bits a number: half the space, about three digits.
    F16,
}

impl Dtype {
    /// Bytes of a number.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// Makes features what they will be when they are read back.
    pub fn round(self, features: &mut [f32]) {
        if self == Self::F16 {
            for value in features {
                *value = f16::from_f32(*value).to_f32();
            }
        }
    }

    /// Whether features can be kept so that numbers come back.
    ///
    /// # Errors
    /// NaN and infinities; for 16 bits, numbers too that would become infinite.
    pub fn holds(self, features: &[f32]) -> Result<(), SkipReason> {
        if !features.iter().all(|value| value.is_finite()) {
            return Err(SkipReason::NotFinite);
        }
        let largest = features.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        match self {
            Self::F16 if f16::from_f32(largest).is_infinite() => {
                Err(SkipReason::BeyondF16(format!("{largest:.0}")))
            }
            Self::F32 | Self::F16 => Ok(()),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_a_store_cannot_give_back_are_refused() {
        // 65504 is the largest f16; from 65520 on, halfway to what would come next, numbers round to
        // infinity.
        for (value, f32, f16) in [
            (65504.0, true, true),
            (-65519.0, true, true),
            (65520.0, true, false),
            (-1e6, true, false),
            (f32::INFINITY, false, false),
            (f32::NAN, false, false),
        ] {
            let holds = |dtype: Dtype| dtype.holds(&[0.5, value, 1.0]).is_ok();
            assert_eq!(
                (holds(Dtype::F32), holds(Dtype::F16)),
                (f32, f16),
                "{value}"
            );
        }
        let reason = Dtype::F16.holds(&[1e6]).unwrap_err().to_string();
        assert!(
            reason.contains("1000000") && reason.contains("keep f32 (`dtype`)"),
            "{reason}"
        );
    }
}
