//! The labels of all images and the classes, and how a change is made and taken back.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

/// What an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mark {
    /// It has no label yet.
    #[default]
    Unlabelled,
    /// It has the label with this number.
    Class(u32),
    /// It is not used.
    LeftOut,
}

/// What is known of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tag {
    pub(super) mark: Mark,
    /// Whether the label was confirmed when it was doubted.
    pub(super) kept: bool,
}

/// The labels of all images, by their numbers, and the classes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tags {
    all: Vec<Tag>,
    /// The images that are there; those after them have labels but no file any more.
    n_images: usize,
    /// All names that classes ever had. A class that was removed keeps its number.
    names: Vec<String>,
    /// By names in NFC: `é` can be one character or two, which look the same.
    numbers: HashMap<String, u32>,
    /// The classes, in the order in which they were made.
    classes: Vec<u32>,
    /// The number of images with each label.
    counts: Vec<usize>,
    left_out: usize,
}

/// A change that can be made, and taken back by making it again: what it contains and what is there change
/// places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// What it does, such as ``12 images labelled `cat` ``.
    pub(super) said: String,
    /// Images, each once.
    pub(super) tags: Vec<(u32, Tag)>,
    pub(super) classes: Vec<u32>,
}

impl Tags {
    pub(super) fn new(n_images: usize) -> Self {
        Self {
            all: vec![Tag::default(); n_images],
            n_images,
            ..Self::default()
        }
    }

    /// Adds an image that has no file any more.
    pub(super) fn add_absent(&mut self) -> u32 {
        self.all.push(Tag::default());
        (self.all.len() - 1) as u32
    }

    /// Returns the number of a name, a new one if no class ever had it.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        let new = self.names.len() as u32;
        let number = *self.numbers.entry(composed(name)).or_insert(new);
        if number == new {
            self.names.push(name.to_owned());
            self.counts.push(0);
        }
        number
    }

    /// Returns the number of a class.
    pub(super) fn class(&self, name: &str) -> Option<u32> {
        let number = self.numbers.get(&composed(name))?;
        self.classes.contains(number).then_some(*number)
    }

    pub(super) fn name(&self, class: u32) -> &str {
        &self.names[class as usize]
    }

    /// Returns the classes, in the order in which they were made.
    pub(super) fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// Returns the number of images with a label.
    pub(super) fn count(&self, class: u32) -> usize {
        self.counts[class as usize]
    }

    pub(super) fn get(&self, image: u32) -> Tag {
        self.all[image as usize]
    }

    /// Returns the name of an image's label.
    pub(super) fn label(&self, image: u32) -> Option<&str> {
        match self.get(image).mark {
            Mark::Class(class) => Some(self.name(class)),
            Mark::Unlabelled | Mark::LeftOut => None,
        }
    }

    /// Returns what each image is, without those that have no file any more.
    pub(super) fn images(&self) -> &[Tag] {
        &self.all[..self.n_images]
    }

    /// Returns the number of all images, also of those without a file.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn n_labelled(&self) -> usize {
        self.counts.iter().sum()
    }

    pub(super) fn n_left_out(&self) -> usize {
        self.left_out
    }

    /// Makes a change, and turns it into the one that takes it back.
    pub(super) fn exchange(&mut self, change: &mut Change) {
        for (image, tag) in &mut change.tags {
            self.count_image(*image, false);
            std::mem::swap(&mut self.all[*image as usize], tag);
            self.count_image(*image, true);
        }
        std::mem::swap(&mut self.classes, &mut change.classes);
    }

    /// Counts an image with the others, or no longer.
    fn count_image(&mut self, image: u32, more: bool) {
        if image as usize >= self.n_images {
            return;
        }
        let count = match self.get(image).mark {
            Mark::Unlabelled => return,
            Mark::LeftOut => &mut self.left_out,
            Mark::Class(class) => &mut self.counts[class as usize],
        };
        *count = if more { *count + 1 } else { *count - 1 };
    }
}

fn composed(name: &str) -> String {
    name.nfc().collect()
}
