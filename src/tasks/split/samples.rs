//! The images to split, and which of them belong together.

use std::collections::HashMap;

use super::options::SplitOptions;
use crate::error::{Error, FileKind, Result, TaskError};
use crate::features::{Digest, FeatureStore, try_is_store};
use crate::head::{Groups, Joins, approximately};
use crate::labels::{Given, LabelColumns, LabelFile};
use crate::phrases::counted;
use crate::progress::{Progress, go_on};
use crate::tasks::inputs::Inputs;
use crate::tasks::laid_labels::{LabelOptions, LaidLabels, lay_over, lay_over_scan, read_digest};

/// Images, by number.
pub(super) struct Images {
    pub(super) paths: Vec<String>,
    pub(super) classes: Vec<Option<String>>,
    pub(super) digests: Vec<Digest>,
    /// The group of each image.
    pub(super) group: Vec<usize>,
    /// What identifies each group.
    pub(super) keys: Vec<[u8; 32]>,
    pub(super) laid: Option<LaidLabels>,
    pub(super) notes: Vec<String>,
}

impl Images {
    pub(super) fn of(options: &SplitOptions, progress: &dyn Progress) -> Result<Self> {
        let mut images = Self {
            paths: Vec::new(),
            classes: Vec::new(),
            digests: Vec::new(),
            group: Vec::new(),
            keys: Vec::new(),
            laid: None,
            notes: Vec::new(),
        };
        let near = if try_is_store(&options.data)? {
            Some(images.add_store(options, progress)?)
        } else {
            images.add_folder(options, progress)?;
            None
        };
        images.join(options, near.as_ref())?;
        Ok(images)
    }

    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }

    fn add(&mut self, path: String, class: Option<String>, digest: Digest) {
        self.paths.push(path);
        self.classes.push(class);
        self.digests.push(digest);
    }

    /// Adds the images of a store, and returns the groups of near-duplicates.
    fn add_store(&mut self, options: &SplitOptions, progress: &dyn Progress) -> Result<Groups> {
        let mut store = FeatureStore::open(&options.data)?;
        store.require_samples()?;
        let labels = options.labels.as_ref();
        let laid = labels.map(|labels| lay_over(labels, &mut store, None));
        self.laid = laid.transpose()?;
        for (row, digest) in store.index().used() {
            self.add(row.path, row.class, digest);
        }
        let features = store.features(&self.digests)?;
        let groups = Groups::of_near(
            &self.keys_of_images(),
            features.view(),
            options.near,
            progress,
        )?;
        let recall = groups.recall();
        self.notes
            .extend(recall.map(|recall| approximately("near-duplicates", recall)));
        Ok(groups)
    }

    fn add_folder(&mut self, options: &SplitOptions, progress: &dyn Progress) -> Result<()> {
        let inputs = Inputs::Paths(vec![options.data.clone()], options.names);
        let labels = options.labels.as_ref();
        let mut scan = inputs.scan(LabelOptions::scanned(labels), progress)?;
        let laid = labels.map(|labels| lay_over_scan(labels, &mut scan, false));
        self.laid = laid.transpose()?;
        let mut unread = 0;
        for found in scan.entries.iter().filter(|found| found.reason().is_none()) {
            go_on(progress)?;
            let sample = found.sample();
            match read_digest(&sample.place) {
                Some(digest) => {
                    let class = sample.class.as_deref().map(str::to_owned);
                    self.add(sample.name.clone(), class, digest);
                }
                None => unread += 1,
            }
        }
        if self.paths.is_empty() {
            let data = options.data.clone();
            return Err(TaskError::NothingToSplit { data }.into());
        }
        let note = (unread > 0).then(|| format!("{} cannot be read", counted(unread, "image")));
        self.notes.extend(note);
        self.notes.extend(scan.notes);
        Ok(())
    }

    fn keys_of_images(&self) -> Vec<[u8; 32]> {
        self.digests.iter().map(|digest| digest.0).collect()
    }

    /// Finds the groups. That of a table is identified by its name, and others by their smallest digest.
    fn join(&mut self, options: &SplitOptions, near: Option<&Groups>) -> Result<()> {
        let joins = Joins::new(self.len());
        let mut first: HashMap<usize, usize> = HashMap::new();
        for (image, group) in near
            .iter()
            .flat_map(|near| near.of_row().iter().enumerate())
        {
            joins.join(*first.entry(*group).or_insert(image), image);
        }
        let mut keys = self.keys_of_images();
        if let Some((file, column)) = &options.groups {
            let columns = LabelColumns {
                label: Some(column.clone()),
                ..LabelColumns::default()
            };
            let file = LabelFile::read_as(FileKind::Groups, file, &columns)?;
            let mut matched = file.matched(self.paths.iter().map(String::as_str))?;
            let mut first: HashMap<&str, usize> = HashMap::new();
            for (image, path) in self.paths.iter().enumerate() {
                if let Given::Class(name) = matched.take(path, Some(&self.digests[image])) {
                    joins.join(*first.entry(name).or_insert(image), image);
                    keys[image] = Digest::of(name.as_bytes()).0;
                }
            }
            if matched.labelled == 0 {
                let wanted = "a column that lists groups of these images";
                return Err(Error::parameter("group_column", column, wanted));
            }
            let without = self.len() - matched.labelled;
            let note =
                (without > 0).then(|| format!("{} without a group", counted(without, "image")));
            self.notes.extend(note);
        }
        let groups = Groups::joined(&self.keys_of_images(), &joins);
        self.group = groups.of_row().to_vec();
        let number = self.group.iter().max().map_or(0, |last| last + 1);
        self.keys = vec![[u8::MAX; 32]; number];
        for (group, key) in self.group.iter().zip(keys) {
            self.keys[*group] = self.keys[*group].min(key);
        }
        Ok(())
    }
}
