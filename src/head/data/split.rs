//! Splits a stratified validation set off the training images, determined by the seed and the image digests.

use std::collections::BTreeMap;

use super::groups::Groups;
use super::labelled::require_equal;
use crate::error::{Result, require};

/// The rows to train on and the rows to validate on, both in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Rows to train on.
    pub train: Vec<usize>,
    /// Rows to validate on; empty when no class has two different images.
    pub validation: Vec<usize>,
}

/// Holds out `fraction` of the images of each class for validation, chosen by the seed and the digests alone.
///
/// `targets` and `digests` (of the image bytes) have one entry for each row; the order of the rows does not
/// matter. Rows with equal digests stay on the same side, so that no validation image is also trained on. Of
/// a class with m different images, `fraction · m`, rounded, are held out, at least one and at most m - 1; a
/// class with a single image keeps it for training. An image that is in two classes counts for the first one.
///
/// # Errors
/// [`Error::Parameter`](crate::Error::Parameter) when `fraction` is not between 0 and 1;
/// [`DataProblem`](crate::error::DataProblem) when `targets` and `digests` differ in length.
pub fn validation_split(
    targets: &[usize],
    digests: &[[u8; 32]],
    fraction: f64,
    seed: u64,
) -> Result<Split> {
    let between = fraction > 0.0 && fraction < 1.0;
    require(
        between,
        "validation_split",
        &fraction,
        "above 0 and below 1",
    )?;
    require_equal(targets, digests, "digests")?;
    let mut split = Split::default();
    let groups = Groups::of_equal(digests);
    for mut images in images_by_class(targets, &groups).into_values() {
        images.sort_unstable_by_key(|(digest, _)| (seeded_hash(seed, digest), *digest));
        let train = images.split_off(kept_aside(images.len(), fraction));
        split.validation.extend(rows(images));
        split.train.extend(rows(train));
    }
    split.train.sort_unstable();
    split.validation.sort_unstable();
    Ok(split)
}

/// The digest of an image and its rows.
type Image<'a> = (&'a [u8; 32], Vec<usize>);

/// Returns the different images of each class.
fn images_by_class<'a>(targets: &[usize], groups: &'a Groups) -> BTreeMap<usize, Vec<Image<'a>>> {
    let mut classes: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for (digest, rows) in groups.members() {
        let class = rows.iter().map(|&row| targets[row]).min();
        let images = classes.entry(class.unwrap_or_default()).or_default();
        images.push((digest, rows));
    }
    classes
}

fn rows(images: Vec<Image<'_>>) -> impl Iterator<Item = usize> {
    images.into_iter().flat_map(|(_, rows)| rows)
}

fn kept_aside(images: usize, fraction: f64) -> usize {
    let wanted = (images as f64 * fraction).round() as usize;
    if images < 2 {
        0
    } else {
        wanted.clamp(1, images - 1)
    }
}

/// Hashes the seed and a digest with the finaliser of `SplitMix64` (Steele, Lea and Flood 2014), eight bytes
/// at a time.
pub(crate) fn seeded_hash(seed: u64, digest: &[u8; 32]) -> u64 {
    let (words, _) = digest.as_chunks::<8>();
    words.iter().fold(
        mix(seed),
        |hash, word| mix(hash ^ u64::from_le_bytes(*word)),
    )
}

fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn digest(image: usize) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&image.to_le_bytes());
        digest
    }

    /// Returns 40 images of class 0, then 10 of class 1.
    fn fifty() -> (Vec<usize>, Vec<[u8; 32]>) {
        (
            (0..50).map(|row| usize::from(row >= 40)).collect(),
            (0..50).map(digest).collect(),
        )
    }

    #[test]
    fn mixing_is_splitmix64() {
        // The first outputs of SplitMix64 for the seeds 0 and 1234567, from its authors' C code.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }

    #[test]
    fn each_class_gives_its_share() {
        let (targets, digests) = fifty();
        let split = validation_split(&targets, &digests, 0.2, 0).unwrap();
        assert_eq!(split.validation.iter().filter(|&&row| row < 40).count(), 8);
        assert_eq!(split.validation.len(), 10);
        let mut all = [split.train.clone(), split.validation.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        assert!(split.train.is_sorted() && split.validation.is_sorted());
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter_but_the_seed_does() {
        let (targets, digests) = fifty();
        let split = validation_split(&targets, &digests, 0.2, 5).unwrap();
        let backwards = |list: &[usize]| list.iter().rev().copied().collect::<Vec<_>>();
        let reversed: Vec<_> = digests.iter().rev().copied().collect();
        let mirrored = validation_split(&backwards(&targets), &reversed, 0.2, 5).unwrap();
        let mirrored: Vec<usize> = mirrored
            .validation
            .iter()
            .rev()
            .map(|row| 49 - row)
            .collect();
        assert_eq!(mirrored, split.validation);
        assert_ne!(validation_split(&targets, &digests, 0.2, 6).unwrap(), split);
    }

    #[test]
    fn copies_stay_together_even_across_classes() {
        // Rows 0 to 19 are ten images, twice each; row 20 is image 0 again, in another class.
        let targets: Vec<usize> = (0..23).map(|row| usize::from(row >= 20)).collect();
        let digests: Vec<_> = (0..20)
            .map(|row| row / 2)
            .chain([0, 90, 91])
            .map(digest)
            .collect();
        for seed in 0..20 {
            let split = validation_split(&targets, &digests, 0.3, seed).unwrap();
            let side = |row: usize| split.validation.contains(&row);
            assert!((0..10).all(|image| side(2 * image) == side(2 * image + 1)));
            assert_eq!(side(0), side(20));
            assert_ne!(side(21), side(22));
        }
    }

    #[test]
    fn small_classes_have_one_on_each_side_and_single_images_are_trained_on() {
        let targets = [0, 0, 1, 2, 2, 2];
        let digests: Vec<_> = (0..6).map(digest).collect();
        for fraction in [0.01, 0.99] {
            let split = validation_split(&targets, &digests, fraction, 3).unwrap();
            assert!(split.train.contains(&2));
            for rows in [0..2, 3..6] {
                assert!(rows.clone().any(|row| split.train.contains(&row)));
                assert!(rows.clone().any(|row| split.validation.contains(&row)));
            }
        }
    }

    #[test]
    fn fractions_out_of_range_and_uneven_lists_are_refused() {
        for fraction in [0.0, 1.0, -0.5, f64::NAN] {
            let error = validation_split(&[0], &[digest(0)], fraction, 0).unwrap_err();
            assert!(matches!(
                error,
                Error::Parameter {
                    name: "validation_split",
                    ..
                }
            ));
        }
        assert!(validation_split(&[0, 1], &[digest(0)], 0.5, 0).is_err());
        assert_eq!(
            validation_split(&[], &[], 0.5, 0).unwrap(),
            Split::default()
        );
    }
}
