//! Compares shards: whether they divide the images of one run, and which of them are missing.

use std::collections::HashMap;
use std::path::Path;

use super::divided::Divided;
use super::shard_record::ShardRecord;
use crate::error::FeaturesError;
use crate::phrases::counted;

/// What the records of some shards say together.
#[derive(Debug, Default)]
pub(super) struct OneRun {
    /// The shards that are not among them, such as `7/16`.
    pub(super) absent: Vec<String>,
    /// Why they are not of one run.
    pub(super) problems: Vec<FeaturesError>,
    /// A note if the images have changed between two shards.
    pub(super) note: Option<String>,
}

/// A shard and the path of its store.
type Shard<'a> = (&'a Path, &'a ShardRecord);

impl OneRun {
    /// Compares all shards with the first one, and with those of the same number.
    pub(super) fn of<'a>(shards: impl Iterator<Item = Shard<'a>>) -> Self {
        let shards: Vec<Shard> = shards.collect();
        let Some(&first) = shards.first() else {
            return Self::default();
        };
        let count = first.1.shard.count();
        let mut run = Self::default();
        let mut by_index: HashMap<u32, Shard> = HashMap::new();
        for &shard in &shards {
            if shard.1.shard.count() != count {
                let texts = [first, shard].map(|(_, record)| record.shard.to_string());
                run.problems.push(other_shards([first, shard], texts));
                continue;
            }
            let earlier = *by_index.entry(shard.1.shard.index()).or_insert(shard);
            if !earlier.1.has_same_images(shard.1) {
                let texts = [earlier, shard].map(|(_, record)| {
                    let images = counted(record.n_images as usize, "image");
                    format!("{} with {images}", record.shard)
                });
                let [one, other] = texts;
                let texts = [one, format!("{other} that are not the same")];
                run.problems.push(other_shards([earlier, shard], texts));
            }
        }
        let is_absent = |index: &u32| !by_index.contains_key(index);
        let absent = (0..count).filter(is_absent);
        run.absent = absent.map(|index| format!("{index}/{count}")).collect();
        run.compare_divided(&shards);
        run
    }

    /// Compares what the shards divide. A folder may grow, and machines may see it under different paths, but
    /// different images in different places are two runs.
    fn compare_divided(&mut self, shards: &[Shard]) {
        let mut divided = shards
            .iter()
            .filter_map(|&shard| Some((shard, shard.1.divided.as_ref()?)));
        let Some((first, all)) = divided.next() else {
            return;
        };
        let others: Vec<(Shard, &Divided)> = divided
            .filter(|(_, other)| !other.has_same_images(all))
            .collect();
        let moved = others.iter().find(|(_, other)| other.inputs != all.inputs);
        if let Some((shard, other)) = moved {
            let texts = [(first, all), (*shard, *other)];
            let texts = texts.map(|((_, record), all)| format!("{} of {all}", record.shard));
            self.problems.push(other_shards([first, *shard], texts));
        } else if let Some(((store, _), other)) = others.first() {
            let more = match others.len() - 1 {
                0 => String::new(),
                more => format!(
                    " (the lists of {} differ too)",
                    counted(more, "other store")
                ),
            };
            self.note = Some(format!(
                "the images have changed between the shards: `{}` is one of {all}, and `{}` of {}{more}; \
                 images may be missing until all shards are extracted again",
                first.0.display(),
                store.display(),
                counted(other.n_images as usize, "image"),
            ));
        }
    }
}

fn other_shards(stores: [Shard; 2], shards: [String; 2]) -> FeaturesError {
    let stores = stores.map(|(store, _)| store.to_owned());
    FeaturesError::OtherShards { stores, shards }
}
