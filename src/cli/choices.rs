//! Values of options that are enums of the library, with names for shell completions.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

/// Parses a `T` as the library does, and tells shells which names to complete. Values that are not among the
/// names, such as `cuda:1`, are parsed too. The help of the option explains the names itself, so such an
/// option hides its possible values.
pub(super) struct Choices<T> {
    names: &'static [&'static str],
    parsed: PhantomData<fn() -> T>,
}

pub(super) const fn choices<T>(names: &'static [&'static str]) -> Choices<T> {
    Choices {
        names,
        parsed: PhantomData,
    }
}

// Derived, this would require `T: Clone`.
impl<T> Clone for Choices<T> {
    fn clone(&self) -> Self {
        choices(self.names)
    }
}

impl<T> TypedValueParser for Choices<T>
where
    T: FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>> + Clone + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        T::from_str.parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.names.iter().map(PossibleValue::new)))
    }
}
