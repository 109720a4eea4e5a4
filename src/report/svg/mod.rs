//! Drawing in SVG: scales, a frame with axes, and the marks in it. Colours are the style sheet's, by class.

mod frame;
mod marks;
mod scale;

pub(super) use frame::{Frame, Numbers};
pub(super) use marks::{Band, band, bar, diagonal, dots, line, whisker};
pub(super) use scale::Scale;
