//! Lists the images of a tar archive, such as a shard of a `WebDataset`.
//!
//! Images are found by the extensions of their names. Two members belong together if their paths are equal up
//! to the first dot of the file name (the *key*): `0001.jpg` has the class in `0001.cls`, or that of the
//! field `label`, `class` or `cls` in `0001.json`. If no member has a class like that, the first folder of
//! the path is the class, as for folders.

use std::collections::HashMap;
use std::sync::Arc;

use super::arranged::{Listing, Named, class_text, container_error, folder_of, io_error};
use super::found::How;
use super::names::{extension_key, is_image, is_left_out};
use super::{Labels, Names, Scan};
use crate::error::Result;
use crate::images::archive::{End, Kind, Member, Members, Tar};
use crate::images::container::Container;
use crate::images::gzip::InOrder;
use crate::images::place::Place;
use crate::images::series::Series;
use crate::images::{SkipReason, path_text, sniff};
use crate::phrases::counted;
use crate::progress::go_on;

/// The limit on a member with a label, in bytes.
const LONGEST_LABEL: u64 = 1 << 20;
/// The number of bytes from which a format is detected.
const HEAD: u64 = 4096;
/// The number of links that may lead to each other.
const LINKS: usize = 8;

/// Returns whether a name is that of a tar archive.
pub(super) fn is_archive(name: &str) -> bool {
    has_end(name, ".tar") || is_compressed(name)
}

fn is_compressed(name: &str) -> bool {
    has_end(name, ".tar.gz") || has_end(name, ".tgz")
}

fn has_end(name: &str, end: &str) -> bool {
    let start = name.len().checked_sub(end.len());
    let found = start.and_then(|start| name.get(start..));
    found.is_some_and(|found| found.eq_ignore_ascii_case(end))
}

/// An image of an archive.
struct Listed {
    name: String,
    kind: Kind,
    /// The number of the member, and the range of its bytes.
    number: u64,
    range: (u64, u64),
}

/// The members of an archive that are images or labels.
#[derive(Default)]
struct Reading {
    images: Vec<Listed>,
    /// The classes of keys.
    classes: HashMap<String, Arc<str>>,
    listing: Listing,
    /// The number of members, and the path of the last one.
    members: u64,
    last: String,
}

/// Lists the images of an archive, in its order.
///
/// # Errors
/// If it cannot be read or is not a tar archive; if it should stop.
pub(super) fn scan(container: &Arc<Container>, how: How<'_>) -> Result<Scan> {
    let name = container.name();
    let compressed = is_compressed(&name);
    let contents = container.open().map_err(|error| io_error(&name, error))?;
    let length = (!compressed).then(|| container.length());
    let mut members = Members::new(Tar::new(contents, compressed), length);
    let mut reading = Reading::default();
    let end = loop {
        go_on(how.progress)?;
        let next = members.next();
        let read = next.and_then(|member| reading.add(&member, &mut members, how));
        if let Err(end) = read {
            break end;
        }
    };
    let fault = reading.fault(&name, end)?;
    Ok(reading.scan(container, (compressed, how.labels), fault))
}

impl Reading {
    fn add(&mut self, member: &Member, members: &mut Members, how: How<'_>) -> Result<(), End> {
        let (name, number) = (text(&member.name), self.members);
        self.members += 1;
        self.last.clone_from(&name);
        let parts = || name.split('/');
        let file = parts().next_back().unwrap_or_default();
        if member.kind == Kind::Other || parts().any(|part| is_left_out(part.as_ref())) {
            return Ok(());
        }
        let short = member.length <= LONGEST_LABEL && member.kind == Kind::File;
        if short && how.labels == Labels::FromFolders && is_label(file) {
            let class = label(file, &members.content(member, LONGEST_LABEL)?);
            let class = class.map(|class| (key(&name).to_owned(), self.listing.class(&class)));
            self.classes.extend(class);
            return Ok(());
        }
        let is_listed = is_image(file.as_ref())
            || how.names == Names::Any
                && member.kind == Kind::File
                && is_picture(&members.content(member, HEAD)?);
        if is_listed {
            self.images.push(Listed {
                name,
                kind: member.kind.clone(),
                number,
                range: (member.offset, member.length),
            });
        } else {
            self.listing.ignore(extension_key(file.as_ref()));
        }
        Ok(())
    }

    /// Returns the reason why an archive ends early, if it does.
    ///
    /// # Errors
    /// If it cannot be read or has no members.
    fn fault(&self, name: &str, end: End) -> Result<Option<SkipReason>> {
        let fault = match end {
            End::Complete => return Ok(None),
            End::Io(error) => return Err(io_error(name, error)),
            _ if self.members == 0 => {
                let detail = "it is not a tar archive, or its start is damaged";
                return Err(container_error(name, detail.to_owned()));
            }
            End::Cut => "it is cut off".to_owned(),
            End::Damaged(detail) => format!("it is damaged: {detail}"),
        };
        Ok(Some(SkipReason::Unreadable(format!(
            "{fault} after `{}`; the {} before are used",
            path_text::for_terminal(&self.last),
            counted(self.images.len(), "image")
        ))))
    }

    fn scan(
        mut self,
        container: &Arc<Container>,
        (compressed, labels): (bool, Labels),
        fault: Option<SkipReason>,
    ) -> Scan {
        let (name, images) = (container.name(), std::mem::take(&mut self.images));
        let latest = images.iter().enumerate();
        let latest: HashMap<&str, usize> = latest.map(|(at, image)| (&*image.name, at)).collect();
        let series = compressed.then(|| {
            let files = images.iter().filter(|image| image.kind == Kind::File);
            let numbers = files.map(|image| image.number).collect();
            Series::new(Arc::clone(container), Box::new(InOrder { numbers }))
        });
        let place = |image: &Listed| match &series {
            Some(series) => Place::item(series, image.number),
            None => Place::range(container, image.range.0, image.range.1),
        };
        for (at, image) in images.iter().enumerate() {
            let found = if latest[&*image.name] != at {
                let later = "it is replaced by a later member of the archive with this path";
                Err(SkipReason::Unreadable(later.to_owned()))
            } else if compressed && image.kind != Kind::File {
                let detail = "links in a compressed archive are not followed; decompress it";
                Err(SkipReason::BrokenLink(detail.to_owned()))
            } else {
                target(&images, &latest, image).map(&place)
            };
            let class = self.class(&image.name, labels);
            let name = format!("{name}/{}", image.name);
            self.listing.add(Named { name, class }, found);
        }
        if let Some(reason) = fault {
            self.listing.add(Named { name, class: None }, Err(reason));
        }
        self.listing.scan()
    }

    fn class(&mut self, name: &str, labels: Labels) -> Option<Arc<str>> {
        match labels {
            Labels::None => None,
            Labels::FromFolders if !self.classes.is_empty() => self.classes.get(key(name)).cloned(),
            Labels::FromFolders => folder_of(name).map(|class| self.listing.class(class)),
        }
    }
}

/// Returns the member with the bytes of an image, which may be a link to it.
fn target<'a>(
    images: &'a [Listed],
    places: &HashMap<&str, usize>,
    image: &'a Listed,
) -> Result<&'a Listed, SkipReason> {
    let mut found = image;
    for _ in 0..LINKS {
        let wanted = match &found.kind {
            Kind::Symlink(target) => beside(&found.name, &text(target)),
            Kind::HardLink(target) => Some(text(target)),
            Kind::Sparse => {
                let sparse = "it is a sparse file; archive it without `--sparse`";
                return Err(SkipReason::Unreadable(sparse.to_owned()));
            }
            Kind::File | Kind::Other => return Ok(found),
        };
        let Some(&at) = wanted.as_ref().and_then(|wanted| places.get(&**wanted)) else {
            let detail = "its target is not an image of the archive";
            return Err(SkipReason::BrokenLink(detail.to_owned()));
        };
        found = &images[at];
    }
    Err(SkipReason::BrokenLink("it leads to itself".to_owned()))
}

/// Returns the path of a link's target; `None` if it leads out of the archive.
fn beside(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns the text form of a member's path, without `./` before it.
fn text(name: &[u8]) -> String {
    let mut name = path_text::of_bytes(name).replace('\0', "\u{fffd}");
    while let Some(rest) = name.strip_prefix("./").or_else(|| name.strip_prefix('/')) {
        name = rest.to_owned();
    }
    name
}

/// Returns the path up to the first dot of the file name.
fn key(name: &str) -> &str {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name[file..].find('.').map_or(name.len(), |dot| file + dot);
    &name[..dot]
}

fn is_label(file: &str) -> bool {
    let extension = extension_key(file.as_ref());
    ["cls", "json"].contains(&&*extension)
}

/// Returns the class in a member.
fn label(file: &str, bytes: &[u8]) -> Option<String> {
    if extension_key(file.as_ref()) == "cls" {
        return class_text(str::from_utf8(bytes).ok()?);
    }
    let fields: serde_json::Map<_, _> = serde_json::from_slice(bytes).ok()?;
    let field = ["label", "class", "cls"]
        .iter()
        .find_map(|name| fields.get(*name))?;
    match field {
        serde_json::Value::String(text) => class_text(text),
        serde_json::Value::Number(number) => class_text(&number.to_string()),
        _ => None,
    }
}

fn is_picture(start: &[u8]) -> bool {
    matches!(
        sniff(start),
        Ok(_) | Err(SkipReason::Unsupported(_) | SkipReason::UnsupportedKind { .. })
    )
}
