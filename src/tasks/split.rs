//! `split`: divides images into training, validation and test images, which later runs do not change.

mod assign;
mod options;
mod samples;

use std::collections::BTreeMap;

use serde::Serialize;

use self::assign::{Group, assign};
pub use self::options::SplitOptions;
use self::samples::Images;
use super::laid_labels::LaidLabels;
use crate::error::{Error, FileKind, Result, csv_error};
use crate::labels::{Given, LabelColumns, LabelFile};
use crate::outputs;
use crate::phrases::{counted, in_quotes, shortened};
use crate::progress::Progress;

/// The names of the splits.
pub const SPLITS: [&str; 3] = ["train", "validation", "test"];

/// The sizes of the splits.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SplitReport {
    /// The number of images in each split.
    pub splits: BTreeMap<&'static str, usize>,
    /// The number of images of each class in each split; images without a class are not listed here.
    pub classes: BTreeMap<String, BTreeMap<&'static str, usize>>,
    /// The number of groups of images that stay together: duplicates, near-duplicates and those of the table.
    pub n_groups: usize,
    /// Images that kept the split of an earlier result.
    pub n_kept: usize,
    /// How the label file and the images correspond, if there is one.
    pub label_file: Option<LaidLabels>,
    /// What is not as it should be.
    pub notes: Vec<String>,
}

/// Divides images into training, validation and test images, and writes a CSV file.
///
/// Images that belong together are in one split: those with the same bytes, near-duplicates in a store, and
/// those of a group. Without an earlier result, fewer images of a class are too many in a split than the
/// largest of these groups has. The result depends only on the images and the options, not on their order.
/// The images in an earlier result keep their splits, whatever is added; images that belong to them follow.
///
/// # Errors
/// [`Error::Parameter`]; a store, images or tables that cannot be read; [`Error::Interrupted`] if `progress`
/// asks to stop.
pub fn split(options: &SplitOptions, progress: &dyn Progress) -> Result<SplitReport> {
    options.check()?;
    let images = Images::of(options, progress)?;
    let kept = kept(options, &images)?;
    let (groups, mut notes) = groups(&images, &kept);
    let of_group = assign(&groups, options.fractions, options.seed);
    let split_of = |image: usize| kept[image].unwrap_or(of_group[images.group[image]]);
    let splits: Vec<usize> = (0..images.len()).map(split_of).collect();
    write(options, &images, &splits)?;
    let mut report = SplitReport {
        splits: SPLITS.map(|name| (name, 0)).into(),
        classes: BTreeMap::new(),
        n_groups: groups.len(),
        n_kept: kept.iter().flatten().count(),
        label_file: images.laid.clone(),
        notes: Vec::new(),
    };
    for (image, &split) in splits.iter().enumerate() {
        *report.splits.entry(SPLITS[split]).or_default() += 1;
        if let Some(class) = &images.classes[image] {
            let counts = report.classes.entry(class.clone());
            let counts = counts.or_insert_with(|| SPLITS.map(|name| (name, 0)).into());
            *counts.entry(SPLITS[split]).or_default() += 1;
        }
    }
    notes.extend(images.notes.iter().cloned());
    notes.extend(empty(options, &report));
    notes.extend(uneven(options, &report));
    report.notes = notes;
    Ok(report)
}

/// Returns the split of each image in the earlier result.
fn kept(options: &SplitOptions, images: &Images) -> Result<Vec<Option<usize>>> {
    let Some(path) = options.kept() else {
        return Ok(vec![None; images.len()]);
    };
    let columns = LabelColumns {
        label: Some("split".to_owned()),
        ..LabelColumns::default()
    };
    let file = LabelFile::read_as(FileKind::Splits, &path, &columns)?;
    let mut matched = file.matched(images.paths.iter().map(String::as_str))?;
    let mut split_of =
        |image: usize| match matched.take(&images.paths[image], Some(&images.digests[image])) {
            Given::Class(name) => SPLITS
                .iter()
                .position(|split| *split == name)
                .map(Some)
                .ok_or_else(|| {
                    let name = shortened(name);
                    file.foreign(format!(
                        "it lists a split `{name}`, not train, validation or test"
                    ))
                }),
            Given::NoLabel | Given::Unlisted => Ok(None),
        };
    (0..images.len()).map(&mut split_of).collect()
}

/// Returns the groups of images, and a note if an earlier result has some groups in several splits.
fn groups(images: &Images, kept: &[Option<usize>]) -> (Vec<Group>, Vec<String>) {
    let mut groups: Vec<Group> = images.keys.iter().map(|key| Group::new(*key)).collect();
    for (image, kept) in kept.iter().enumerate() {
        groups[images.group[image]].add(images.classes[image].as_deref(), *kept);
    }
    let torn = groups.iter().filter(|group| group.is_torn()).count();
    let note = (torn > 0).then(|| {
        format!(
            "{} of images that belong together: the earlier result has them in several splits",
            counted(torn, "group")
        )
    });
    (groups, note.into_iter().collect())
}

/// Names the classes without an image in a split.
fn empty(options: &SplitOptions, report: &SplitReport) -> Option<String> {
    let wanted = SPLITS
        .iter()
        .zip(options.fractions)
        .filter(|(_, share)| *share > 0.0);
    let wanted: Vec<&str> = wanted.map(|(name, _)| *name).collect();
    let is_empty = |counts: &BTreeMap<&str, usize>| wanted.iter().any(|name| counts[name] == 0);
    let empty = report.classes.iter().filter(|(_, counts)| is_empty(counts));
    let empty: Vec<&str> = empty.map(|(class, _)| class.as_str()).collect();
    let names = in_quotes(empty.iter().copied());
    let classes = counted(empty.len(), "class");
    (!empty.is_empty()).then(|| format!("{classes} without images in one of the splits: {names}"))
}

/// Says that the shares are others than wanted because images keep their splits.
fn uneven(options: &SplitOptions, report: &SplitReport) -> Option<String> {
    let all: usize = report.splits.values().sum();
    let shares = SPLITS.map(|name| report.splits[name] as f64 / all.max(1) as f64);
    let off = shares.iter().zip(options.fractions);
    let is_uneven = off
        .map(|(share, wanted)| (share - wanted).abs())
        .any(|off| off > 0.05);
    let percents = |shares: [f64; 3]| {
        shares
            .map(|share| format!("{:.0} %", share * 100.0))
            .join(", ")
    };
    (is_uneven && all >= 20 && report.n_kept > 0).then(|| {
        format!(
            "the splits have {} of the images instead of {}, because images keep the splits of an earlier \
             result; write to a new file to divide all images again",
            percents(shares),
            percents(options.fractions)
        )
    })
}

fn write(options: &SplitOptions, images: &Images, splits: &[usize]) -> Result<()> {
    outputs::write_through(&options.output, |out| {
        let mut csv = csv::Writer::from_writer(out);
        let mut write = || {
            csv.write_record(["path", "split", "class"])?;
            for (image, &split) in splits.iter().enumerate() {
                let class = images.classes[image].as_deref().unwrap_or("");
                csv.write_record([&*images.paths[image], SPLITS[split], class])?;
            }
            csv.flush()?;
            Ok(())
        };
        write()
            .map_err(csv_error)
            .map_err(Error::io("write", outputs::name(&options.output)))
    })
}

#[cfg(test)]
mod tests;
