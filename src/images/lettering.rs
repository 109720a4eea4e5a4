//! Draws a line of text into an image, in any script that GNU Unifont covers.

use unifont::{Glyph, get_glyph};

/// The height of a line, in pixels.
pub(super) const LINE: usize = 16;

/// Marks the end of truncated text.
const ELLIPSIS: char = '…';

/// Returns the inked pixels of a line: positions (x, y) with 0 ≤ x < `width` and 0 ≤ y < [`LINE`].
///
/// Text that is too long is truncated and ends with `…`. Control characters are skipped.
pub(super) fn ink(text: &str, width: usize) -> Vec<(usize, usize)> {
    let mut ink = Vec::new();
    let mut left = 0;
    for glyph in cut_to(text, width) {
        let inked = (0..LINE)
            .flat_map(|y| (0..glyph.get_width()).map(move |x| (x, y)))
            .filter(|&(x, y)| glyph.get_pixel(x, y));
        ink.extend(inked.map(|(x, y)| (left + x, y)));
        left += glyph.get_width();
    }
    ink
}

fn cut_to(text: &str, width: usize) -> Vec<&'static Glyph> {
    let glyphs: Vec<_> = text
        .chars()
        .filter(|c| !c.is_control())
        .map(glyph)
        .collect();
    let length = |glyphs: &[&Glyph]| glyphs.iter().map(|g| g.get_width()).sum::<usize>();
    if length(&glyphs) <= width {
        return glyphs;
    }
    let ellipsis = glyph(ELLIPSIS);
    let fits = |&n: &usize| length(&glyphs[..n]) + ellipsis.get_width() <= width;
    let kept = (0..glyphs.len()).rev().find(fits).unwrap_or(0);
    let mut cut = glyphs[..kept].to_vec();
    cut.extend((ellipsis.get_width() <= width).then_some(ellipsis));
    cut
}

fn glyph(c: char) -> &'static Glyph {
    let shown = get_glyph(c).or_else(|| get_glyph(char::REPLACEMENT_CHARACTER));
    shown.unwrap_or(&Glyph::Halfwidth([0; 16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_has_the_form_of_the_font() {
        // GNU Unifont, U+006C `l`: row 3 is 18, rows 4 to 12 are 08, row 13 is 3E.
        let columns = |y| {
            let row = ink("l", 8).into_iter().filter(move |&(_, row)| row == y);
            row.map(|(x, _)| x).collect::<Vec<_>>()
        };
        let (top, stem, foot) = (columns(3), columns(8), columns(13));
        assert_eq!(top, [3, 4]);
        assert_eq!(stem, [4]);
        assert_eq!(foot, [2, 3, 4, 5, 6]);
    }

    #[test]
    fn wide_scripts_take_two_cells() {
        let right = |text| ink(text, 100).into_iter().map(|(x, _)| x).max().unwrap();
        assert!(right("ab") < 16 && right("猫犬") >= 16);
    }

    #[test]
    fn long_text_is_cut() {
        let cut = ink("a very long class name", 40);
        assert!(cut.iter().all(|&(x, _)| x < 40));
        let whole = ink("abcde", 40);
        assert_eq!(whole, ink("abcde\u{7}", 40));
        assert_eq!(cut_to("abcdef", 40).len(), 5);
        assert!(ink("abc", 4).is_empty());
    }
}
