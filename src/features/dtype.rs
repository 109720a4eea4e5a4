//! The number types of stored features.

use std::fmt;

use half::f16;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::images::SkipReason;

/// The precision of the features in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Dtype {
    /// 32 bits per value.
    #[default]
    F32,
    /// 16 bits per value: half the space, about three digits.
    F16,
}

impl Dtype {
    /// Returns the bytes per value.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// Rounds features to the values that the store will return for them.
    pub fn round(self, features: &mut [f32]) {
        if self == Self::F16 {
            for value in features {
                *value = f16::from_f32(*value).to_f32();
            }
        }
    }

    /// Checks that features remain finite when they are stored.
    ///
    /// # Errors
    /// [`SkipReason`] for NaN and infinities and, with 16 bits, for values that would become infinite.
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
        // 65504 is the largest f16. Values from 65520 on, halfway to the next step, round to infinity.
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
