//! The stamps of a merged store.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use itertools::Itertools;

use crate::features::stamps::{self, StampRow, Stamps};
use crate::images::path_text;

/// Iterates over the stamps of several stores, in the order of a scan. Of those with the same key, that of
/// the last store counts. Stamps that cannot be read are left out.
pub(super) fn merged<'a>(
    stores: impl Iterator<Item = &'a PathBuf>,
) -> impl Iterator<Item = StampRow> {
    let rows = stores.filter_map(|store| sorted(store)).enumerate();
    let rows = rows.map(|(number, rows)| rows.map(move |row| (row, number)));
    let rows = rows.kmerge_by(comes_first).map(|(row, _)| row);
    rows.dedup_by(|row, next| row.key == next.key)
}

/// Returns the stamps of a store in the order of a scan, from its file if they are in this order there.
fn sorted(store: &Path) -> Option<Box<dyn Iterator<Item = StampRow>>> {
    let (mut last, mut is_sorted) = (String::new(), true);
    for row in stamps::rows(store).ok()? {
        let key = row.ok()?.key;
        is_sorted &= path_text::compare(&last, &key) != Ordering::Greater;
        last = key;
    }
    if is_sorted {
        return Some(Box::new(stamps::rows(store).ok()?.map_while(Result::ok)));
    }
    let mut all = Stamps::default();
    all.add_store(store);
    let rows: Vec<StampRow> = all.sorted().collect();
    Some(Box::new(rows.into_iter()))
}

/// Returns whether a row comes before another one: by its key, and that of a later store first.
fn comes_first((one, first): &(StampRow, usize), (other, second): &(StampRow, usize)) -> bool {
    path_text::compare(&one.key, &other.key).then(second.cmp(first)) == Ordering::Less
}
