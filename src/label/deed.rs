//! What can be done to labels. The journal has the images of a deed by name, the memory by number.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::tags::{Change, Mark, Tag, Tags};
use crate::phrases::counted;
use crate::visible::changes_direction;

/// The longest name of a class, in characters.
const LONGEST: usize = 200;
/// The most classes.
const MOST: usize = 10_000;

/// Something that is done to labels; `K` identifies images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Deed<K> {
    /// Gives images a label; a new class is made.
    Label { images: Vec<K>, class: String },
    /// Leaves images out.
    LeaveOut { images: Vec<K> },
    /// Takes labels away.
    Clear { images: Vec<K> },
    /// Confirms labels.
    Keep { images: Vec<K> },
    /// Makes a class.
    AddClass { name: String },
    /// Renames a class, or joins it with another one.
    RenameClass { from: String, to: String },
    /// Takes over labels that were changed in the label file.
    Edit { images: Vec<(K, Option<String>)> },
    /// Takes the last change back.
    Undo,
    /// Makes it again.
    Redo,
}

impl<K> Deed<K> {
    /// Returns the same deed with images identified in another way.
    pub(super) fn map<L>(self, mut other: impl FnMut(K) -> L) -> Deed<L> {
        let mut all = |images: Vec<K>| images.into_iter().map(&mut other).collect();
        match self {
            Self::Label { images, class } => {
                let images = all(images);
                Deed::Label { images, class }
            }
            Self::LeaveOut { images } => Deed::LeaveOut {
                images: all(images),
            },
            Self::Clear { images } => Deed::Clear {
                images: all(images),
            },
            Self::Keep { images } => Deed::Keep {
                images: all(images),
            },
            Self::AddClass { name } => Deed::AddClass { name },
            Self::RenameClass { from, to } => Deed::RenameClass { from, to },
            Self::Edit { images } => {
                let images = images.into_iter();
                let images = images.map(|(image, label)| (other(image), label));
                let images = images.collect();
                Deed::Edit { images }
            }
            Self::Undo => Deed::Undo,
            Self::Redo => Deed::Redo,
        }
    }
}

/// Returns a class name without white space around it, or what is wrong with it.
pub(super) fn class_name(text: &str) -> Result<&str, String> {
    let name = text.trim();
    if name.is_empty() {
        return Err("the name of the class is empty".to_owned());
    }
    if name.chars().any(char::is_control) {
        return Err("the name of the class contains control characters".to_owned());
    }
    if name.chars().count() > LONGEST {
        return Err(format!(
            "the name of the class has more than {LONGEST} characters"
        ));
    }
    Ok(name)
}

/// Returns the name of a new class that a person has typed, or what is wrong with it.
pub(super) fn typed_class_name(text: &str) -> Result<&str, String> {
    let name = class_name(text)?;
    if name.chars().any(changes_direction) {
        return Err(
            "the name of the class contains characters that change the direction of writing"
                .to_owned(),
        );
    }
    Ok(name)
}

impl Tags {
    /// Returns the change that a deed makes, which may be none.
    ///
    /// # Errors
    /// A sentence that says why it cannot be done.
    pub(super) fn change(&mut self, deed: &Deed<u32>) -> Result<Change, String> {
        let mut change = Change {
            said: String::new(),
            tags: Vec::new(),
            classes: self.classes().to_vec(),
        };
        let said = |n: usize, what: &str| format!("{} {what}", counted(n, "image"));
        match deed {
            Deed::Label { images, class } => {
                let class = self.class_in(class, &mut change)?;
                let mark = Mark::Class(class);
                change.tags = self.marked(images, mark);
                change.said = said(
                    change.tags.len(),
                    &format!("labelled `{}`", self.name(class)),
                );
            }
            Deed::LeaveOut { images } => {
                change.tags = self.marked(images, Mark::LeftOut);
                change.said = said(change.tags.len(), "left out");
            }
            Deed::Clear { images } => {
                change.tags = self.marked(images, Mark::Unlabelled);
                change.said = said(change.tags.len(), "cleared");
            }
            Deed::Keep { images } => {
                let is_labelled = |tag: Tag| matches!(tag.mark, Mark::Class(_));
                let images = images.iter().filter(|image| is_labelled(self.get(**image)));
                let kept = images.map(|&image| {
                    (
                        image,
                        Tag {
                            kept: true,
                            ..self.get(image)
                        },
                    )
                });
                change.tags = self.different(kept.collect());
                change.said = said(change.tags.len(), "kept as labelled");
            }
            Deed::AddClass { name } => {
                let class = self.class_in(name, &mut change)?;
                change.said = format!("class `{}` added", self.name(class));
            }
            Deed::RenameClass { from, to } => self.rename(from, to, &mut change)?,
            Deed::Edit { images } => {
                let mut tags = Vec::new();
                for (image, label) in images {
                    let mark = match label {
                        Some(label) => Mark::Class(self.class_in(label, &mut change)?),
                        None => Mark::Unlabelled,
                    };
                    tags.push((*image, Tag { mark, kept: false }));
                }
                change.tags = self.different(tags);
                change.said = said(change.tags.len(), "changed in the label file");
            }
            Deed::Undo | Deed::Redo => {}
        }
        Ok(change)
    }

    /// Returns the number of a class, which is added to the classes of the change if it is new.
    fn class_in(&mut self, name: &str, change: &mut Change) -> Result<u32, String> {
        let number = self.number(class_name(name)?);
        if !change.classes.contains(&number) {
            if change.classes.len() == MOST {
                return Err(format!(
                    "there are {MOST} classes, the most that are possible"
                ));
            }
            change.classes.push(number);
        }
        Ok(number)
    }

    fn rename(&mut self, from: &str, to: &str, change: &mut Change) -> Result<(), String> {
        let no_class = || format!("there is no class `{from}`");
        let old = self.class(from).ok_or_else(no_class)?;
        let new = self.number(class_name(to)?);
        if old == new {
            return Ok(());
        }
        if change.classes.contains(&new) {
            change.classes.retain(|class| *class != old);
            change.said = format!("class `{from}` joined with `{}`", self.name(new));
        } else {
            let renamed = change.classes.iter_mut().filter(|class| **class == old);
            renamed.for_each(|class| *class = new);
            change.said = format!("class `{from}` renamed to `{}`", self.name(new));
        }
        let all = 0..self.len() as u32;
        let members = all.filter(|&image| self.get(image).mark == Mark::Class(old));
        let mark = Mark::Class(new);
        let renamed = members.map(|image| {
            (
                image,
                Tag {
                    mark,
                    ..self.get(image)
                },
            )
        });
        change.tags = renamed.collect();
        Ok(())
    }

    /// Returns the images that get another mark, each once. A label that was confirmed no longer is.
    fn marked(&self, images: &[u32], mark: Mark) -> Vec<(u32, Tag)> {
        let other = images.iter().filter(|image| self.get(**image).mark != mark);
        self.different(
            other
                .map(|&image| (image, Tag { mark, kept: false }))
                .collect(),
        )
    }

    /// Keeps what differs from what is there, each image once.
    fn different(&self, mut tags: Vec<(u32, Tag)>) -> Vec<(u32, Tag)> {
        let mut seen = HashSet::with_capacity(tags.len());
        tags.retain(|(image, tag)| *tag != self.get(*image) && seen.insert(*image));
        tags
    }
}
