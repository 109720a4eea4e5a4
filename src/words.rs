//! Names of enum variants, shared by the command line, files and messages.

/// Implements `Display` and `FromStr` for an enum whose variants have names; parsing any other text returns
/// the error `$other`.
macro_rules! words {
    ($type:ty, $fault:ty, |$text:ident| $other:expr, $($variant:ident = $word:literal),+ $(,)?) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),+ })
            }
        }

        impl std::str::FromStr for $type {
            type Err = $fault;

            fn from_str($text: &str) -> std::result::Result<Self, $fault> {
                match $text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($other),
                }
            }
        }
    };
}

pub(crate) use words;
