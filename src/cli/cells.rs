//! Table cells: names of any length, cut and padded by their width in a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use frostline::images::path_text::for_terminal;

/// The width of the widest cell, in columns. Longer names end with `…`; JSON and CSV contain full names.
const WIDEST: usize = 80;
/// The number of characters in the longest cell; characters of width 0 would not count as columns.
const LONGEST: usize = 4 * WIDEST;

/// Returns a name as a cell.
pub(super) fn cell(name: &str) -> String {
    let start: String = name.chars().take(LONGEST + 1).collect();
    let shown = for_terminal(&start);
    if shown.width() <= WIDEST && start.len() == name.len() {
        return shown;
    }
    let mut room = WIDEST - 1;
    let fits = |c: &char| {
        let rest = room.checked_sub(c.width().unwrap_or(0));
        room = rest.unwrap_or(0);
        rest.is_some()
    };
    let mut cut: String = shown.chars().take(LONGEST).take_while(fits).collect();
    cut.push('…');
    cut
}

/// Returns the width of the widest cell, in columns.
pub(super) fn widest<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> usize {
    let widths = cells.into_iter().map(|cell| cell.as_ref().width());
    widths.max().unwrap_or(0)
}

/// Returns a cell padded with spaces to a width.
pub(super) fn padded(cell: &str, width: usize) -> String {
    let missing = width.saturating_sub(cell.width());
    format!("{cell}{:missing$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_cut_by_columns() {
        assert_eq!(cell("a\tb"), "a\\tb");
        let whole = "x".repeat(WIDEST);
        assert_eq!(cell(&whole), whole);
        assert_eq!(cell(&"x".repeat(1 << 20)), "x".repeat(WIDEST - 1) + "…");
        // Each character takes two columns: 39 of them and the `…` take 79.
        assert_eq!(cell(&"漢".repeat(41)), "漢".repeat(39) + "…");
        assert_eq!(cell(&"漢".repeat(40)), "漢".repeat(40));
        let marks = cell(&"\u{301}".repeat(1 << 20));
        assert_eq!(marks.chars().count(), LONGEST + 1);
    }

    #[test]
    fn cells_are_as_wide_as_they_are_shown() {
        let cells = ["ab", "漢字", "👨\u{200d}👩\u{200d}👧"];
        assert_eq!(widest(cells), 4);
        assert_eq!(
            cells.map(|cell| padded(cell, 4)),
            ["ab  ", "漢字", "👨\u{200d}👩\u{200d}👧  "]
        );
        assert_eq!(padded("abc", 2), "abc");
    }
}
