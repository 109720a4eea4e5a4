//! The token that clients send as `Authorization: Bearer TOKEN`.

use std::fmt;
use std::path::Path;

use subtle::ConstantTimeEq;

use crate::error::{Error, Result, ServeError, TokenProblem};
use crate::inputs::{self, Links};

/// A token; only its hash is kept, and its length does not show in the time of a comparison.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    const SHORTEST: usize = 16;

    /// Uses a token of at least 16 visible ASCII characters.
    ///
    /// # Errors
    /// [`TokenProblem`].
    pub fn new(text: &str) -> Result<Self, TokenProblem> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenProblem::Characters);
        }
        if text.len() < Self::SHORTEST {
            return Err(TokenProblem::Short(text.len()));
        }
        Ok(Self(hash(text.as_bytes())))
    }

    /// Reads a token from a file; white space around it is ignored.
    ///
    /// # Errors
    /// [`ServeError::Token`], or if the file cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let text = inputs::read_text(path, Links::Follow, 4096).map_err(Error::io("read", path))?;
        Self::new(text.trim()).map_err(|problem| {
            let path = path.to_owned();
            ServeError::Token { path, problem }.into()
        })
    }

    /// Returns whether the value of an `Authorization` header contains this token. The time does not depend
    /// on how much of it is right.
    pub(super) fn is_in(&self, header: &[u8]) -> bool {
        let (scheme, sent) = header.split_at(header.len().min(7));
        let right = hash(sent).ct_eq(&self.0);
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(right)
    }
}

fn hash(text: &[u8]) -> [u8; 32] {
    blake3::hash(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_right() {
        let token = Token::new("0123456789abcdef").unwrap();
        for right in ["Bearer 0123456789abcdef", "bearer 0123456789abcdef"] {
            assert!(token.is_in(right.as_bytes()), "{right}");
        }
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "0123456789abcdef",
            "Basic 0123456789abcdef",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer  0123456789abcdef",
            "Bearer 0123456789abcdeF",
        ] {
            assert!(!token.is_in(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_token_is_long_and_fits_a_header() {
        let problem = |text: &str| Token::new(text).unwrap_err();
        assert_eq!(problem("short"), TokenProblem::Short(5));
        assert_eq!(problem("0123456789 abcdef"), TokenProblem::Characters);
        assert_eq!(problem("0123456789äabcdef"), TokenProblem::Characters);
        assert_eq!(format!("{:?}", Token::new("0123456789abcdef")), "Ok(Token)");
    }
}
