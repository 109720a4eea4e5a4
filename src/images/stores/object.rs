//! Objects: finding them, and reading their bytes.

use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt};
use tokio::time::timeout;

use super::faults;
use super::runtime::{Bucket, bucket, wait};
use super::url::{Scheme, Url};
use crate::error::{Error, ImagesError, Result, StoreProblem};
use crate::images::SkipReason;
use crate::images::fault::ReadFault;
use crate::images::memory::of_file;
use crate::progress::{Progress, Silent, go_on};
use crate::stamp::Stamp;

/// The time between two questions whether to stop.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

/// An object of a store.
#[derive(Debug, Clone)]
pub(in crate::images) struct Object {
    bucket: Arc<Bucket>,
    key: Box<str>,
    /// What it was when it was listed; `None` if it was named without a list.
    known: Option<Known>,
}

/// The size of an object, when it was last changed, and a hash of its `ETag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Known {
    size: u64,
    /// In seconds: a list may be more precise than the other replies of a store.
    changed: i64,
    /// Some stores have it in other replies than lists only.
    tag: Option<[u64; 2]>,
}

impl Known {
    fn of(meta: &ObjectMeta) -> Self {
        let hashed = |tag: &String| {
            // Azure's lists have tags without quotes, its other replies have them.
            let hash = blake3::hash(tag.trim_matches('"').as_bytes());
            [0, 8].map(|at| {
                let bytes = hash.as_bytes()[at..].first_chunk();
                u64::from_le_bytes(*bytes.expect("a hash has 32 bytes"))
            })
        };
        Self {
            size: meta.size,
            changed: meta.last_modified.timestamp(),
            tag: meta.e_tag.as_ref().map(hashed),
        }
    }

    /// Returns whether an object that was listed is the one that was read.
    fn is(&self, read: &Self) -> bool {
        let same = match (self.tag, read.tag) {
            (Some(listed), Some(read)) => listed == read,
            _ => self.changed == read.changed,
        };
        self.size == read.size && same
    }

    fn stamp(self) -> Stamp {
        let tag = self
            .tag
            .map(|[first, second]| (first.cast_signed(), second));
        let (changed, inode) = tag.unwrap_or((self.changed, 0));
        Stamp {
            size: self.size,
            modified: 0,
            changed,
            inode,
        }
    }
}

/// What is at a URL.
pub(in crate::images) enum Found {
    One(Object),
    /// The objects of a prefix, with their names below it.
    Many(Vec<(String, Object)>),
}

/// Finds the object or the objects at a URL. A key that ends with a slash, and a key without an object, is a
/// prefix.
///
/// # Errors
/// The store's.
pub(in crate::images) fn find(url: &Url, progress: &dyn Progress) -> Result<Found> {
    let bucket = open(url)?;
    let is_prefix = url.key.is_empty() || url.key.ends_with('/');
    if bucket.scheme == Scheme::Http && !is_prefix {
        return single(url).map(Found::One);
    }
    let key = parse(url, &bucket)?;
    let head = if is_prefix {
        None
    } else {
        Some(wait_unless_stopped(bucket.store.head(&key), progress)?)
    };
    match head {
        Some(Ok(meta)) => Ok(Found::One(of_meta(&bucket, &meta))),
        Some(Err(object_store::Error::NotFound { .. })) | None => {
            Ok(Found::Many(list(url, &bucket, progress)?))
        }
        Some(Err(error)) => match list(url, &bucket, progress) {
            Err(stopped @ Error::Interrupted { .. }) => Err(stopped),
            Ok(found) if !found.is_empty() => Ok(Found::Many(found)),
            _ => Err(faults::error(&url.text, &error).into()),
        },
    }
}

/// Returns the object at a URL without asking for it.
///
/// # Errors
/// If the URL or the settings of the store cannot be used.
pub(in crate::images) fn single(url: &Url) -> Result<Object> {
    let bucket = open(url)?;
    let key = parse(url, &bucket)?;
    Ok(Object {
        bucket,
        key: key.as_ref().into(),
        known: None,
    })
}

/// Finds the objects that may match a pattern, sorted by name; returns the pattern of their names.
///
/// # Errors
/// The store's.
pub(in crate::images) fn candidates(
    url: &Url,
    progress: &dyn Progress,
) -> Result<(String, Vec<(String, Object)>)> {
    let wildcard = url.key.find(['*', '?']).unwrap_or(url.key.len());
    let folder = url.key[..wildcard].rfind('/').map_or(0, |slash| slash + 1);
    let prefix = Url {
        key: url.key[..folder].to_owned(),
        ..url.clone()
    };
    let found = list(&prefix, &open(url)?, progress)?;
    let pattern = url.key[folder..].to_owned();
    Ok((pattern, found))
}

fn open(url: &Url) -> Result<Arc<Bucket>> {
    Ok(bucket(url).map_err(|error| settings(url, &error))?)
}

fn settings(url: &Url, error: &object_store::Error) -> ImagesError {
    match faults::error(&url.text, error) {
        ImagesError::Store { url, detail, .. } => ImagesError::Store {
            url,
            problem: StoreProblem::Settings,
            detail,
        },
        other => other,
    }
}

fn parse(url: &Url, bucket: &Bucket) -> Result<Path> {
    let key = match bucket.scheme {
        Scheme::Http => Path::from_url_path(&url.key),
        _ => Path::parse(&url.key),
    };
    let key = key.map_err(object_store::Error::from);
    Ok(key.map_err(|error| faults::error(&url.text, &error))?)
}

fn no_thread(error: std::io::Error) -> Error {
    Error::io("start threads for", std::path::Path::new("object stores"))(error)
}

/// Waits for a request, or until `progress` asks to stop.
fn wait_unless_stopped<T>(request: impl Future<Output = T>, progress: &dyn Progress) -> Result<T> {
    let waited = wait(async {
        let mut request = pin!(request);
        loop {
            match timeout(BETWEEN_QUESTIONS, request.as_mut()).await {
                Ok(done) => return Ok(done),
                Err(_) => go_on(progress)?,
            }
        }
    });
    waited.map_err(no_thread)?
}

/// Lists a prefix, page by page, sorted by name, component by component.
fn list(url: &Url, bucket: &Arc<Bucket>, progress: &dyn Progress) -> Result<Vec<(String, Object)>> {
    let prefix = parse(url, bucket)?;
    let below = match prefix.as_ref() {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    let mut found = Vec::new();
    let mut pages = bucket
        .store
        .list(Some(&prefix).filter(|prefix| !prefix.as_ref().is_empty()));
    let list = async {
        while let Some(meta) = pages.next().await {
            let meta = meta?;
            if let Some(name) = meta.location.as_ref().strip_prefix(&*below) {
                found.push((name.to_owned(), of_meta(bucket, &meta)));
            }
        }
        Ok(())
    };
    let listed: object_store::Result<()> = wait_unless_stopped(list, progress)?;
    listed.map_err(|error| match faults::error(&url.text, &error) {
        ImagesError::Store { url, detail, .. } if bucket.scheme == Scheme::Http => {
            ImagesError::Store {
                url,
                problem: StoreProblem::NoList,
                detail,
            }
        }
        error => error,
    })?;
    if found.is_empty() && bucket.scheme == Scheme::Http {
        return Err(ImagesError::Store {
            url: crate::visible::for_terminal(&url.text),
            problem: StoreProblem::NoList,
            detail: "the server lists no files".to_owned(),
        }
        .into());
    }
    found.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    Ok(found)
}

fn of_meta(bucket: &Arc<Bucket>, meta: &ObjectMeta) -> Object {
    Object {
        bucket: Arc::clone(bucket),
        key: meta.location.as_ref().into(),
        known: Some(Known::of(meta)),
    }
}

impl Object {
    /// Returns its URL.
    pub(in crate::images) fn address(&self) -> String {
        format!("{}{}{}", self.bucket.base, self.key, self.bucket.query)
    }

    /// Returns what it is now; asks the store unless it was listed.
    pub(in crate::images) fn stamp(&self) -> Option<Stamp> {
        self.known_stamp()
            .or_else(|| self.asked(&Silent).ok().map(Known::stamp))
    }

    /// Returns what it was when it was listed.
    pub(in crate::images) fn known_stamp(&self) -> Option<Stamp> {
        self.known.map(Known::stamp)
    }

    /// Asks the store about the object, unless it was listed.
    ///
    /// # Errors
    /// The store's.
    pub(in crate::images) fn listed(mut self, progress: &dyn Progress) -> Result<Self> {
        if self.known.is_none() {
            let known = self.asked(progress).map_err(|fault| match fault {
                ReadFault::OfSystem(error) => error,
                ReadFault::OfFile(reason) => ImagesError::Store {
                    url: crate::visible::for_terminal(&self.address()),
                    problem: StoreProblem::Missing,
                    detail: reason.to_string(),
                }
                .into(),
            })?;
            self.known = Some(known);
        }
        Ok(self)
    }

    fn asked(&self, progress: &dyn Progress) -> Result<Known, ReadFault> {
        let path = self.path()?;
        let asked = wait_unless_stopped(self.bucket.store.head(&path), progress);
        let meta = asked.map_err(ReadFault::OfSystem)?;
        let meta = meta.map_err(|error| faults::fault(&self.address(), &error))?;
        Ok(Known::of(&meta))
    }

    fn path(&self) -> Result<Path, ReadFault> {
        let path = Path::parse(&self.key);
        path.map_err(|error| SkipReason::Unreadable(error.to_string()).into())
    }

    /// Requests the bytes of the object, or of the range that begins at a position and has a length.
    ///
    /// # Errors
    /// The store's; if the object is another one than was listed.
    pub(in crate::images) fn get(&self, range: Option<(u64, u64)>) -> Result<Got, ReadFault> {
        let path = self.path()?;
        let range = range.map(|(start, length)| GetRange::Bounded(start..start + length));
        let options = GetOptions {
            range,
            ..GetOptions::default()
        };
        let got = wait(self.bucket.store.get_opts(&path, options));
        let got = got.map_err(|error| ReadFault::OfSystem(no_thread(error)))?;
        let got = got.map_err(|error| faults::fault(&self.address(), &error))?;
        let now = Known::of(&got.meta);
        if self.known.is_some_and(|known| !known.is(&now)) {
            let changed = "it changed after it was listed";
            return Err(SkipReason::Unreadable(changed.to_owned()).into());
        }
        Ok(Got {
            size: got.range.end - got.range.start,
            // A list will have it again.
            stamp: self.known.unwrap_or(now).stamp(),
            address: self.address(),
            stream: got.into_stream(),
            bytes: Vec::new(),
        })
    }
}

/// The bytes of an object, as they arrive.
pub(in crate::images) struct Got {
    size: u64,
    stamp: Stamp,
    address: String,
    stream: BoxStream<'static, object_store::Result<bytes::Bytes>>,
    bytes: Vec<u8>,
}

impl Got {
    /// Returns the number of bytes that were requested.
    pub(in crate::images) fn size(&self) -> u64 {
        self.size
    }

    /// Returns what the object is.
    pub(in crate::images) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Returns the first bytes: at least so many, unless there are fewer.
    pub(in crate::images) fn start(&mut self, length: usize) -> Result<&[u8], ReadFault> {
        self.read_to(length as u64)?;
        Ok(&self.bytes)
    }

    /// Returns all bytes.
    pub(in crate::images) fn whole(mut self) -> Result<Vec<u8>, ReadFault> {
        let size = self.size;
        let whole = usize::try_from(size).ok().and_then(of_file);
        let mut whole = whole.ok_or(SkipReason::OutOfMemory(size))?;
        whole.append(&mut self.bytes);
        self.bytes = whole;
        self.read_to(u64::MAX)?;
        if self.bytes.len() as u64 == size {
            return Ok(self.bytes);
        }
        let changed = "its length changed while it was read";
        Err(SkipReason::Unreadable(changed.to_owned()).into())
    }

    fn read_to(&mut self, length: u64) -> Result<(), ReadFault> {
        let read = wait(async {
            while (self.bytes.len() as u64) < length && self.bytes.len() as u64 <= self.size {
                match self.stream.next().await {
                    Some(part) => self.bytes.extend_from_slice(&part?),
                    None => break,
                }
            }
            Ok(())
        });
        let read = read.map_err(|error| ReadFault::OfSystem(no_thread(error)))?;
        read.map_err(|error| faults::fault(&self.address, &error))
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        let bucket = |object: &Self| (object.bucket.base.clone(), object.bucket.query.clone());
        self.key == other.key
            && self.known == other.known
            && (Arc::ptr_eq(&self.bucket, &other.bucket) || bucket(self) == bucket(other))
    }
}

impl Eq for Object {}

impl Hash for Object {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.key, &self.known).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_list_and_a_reply_may_describe_an_object_differently() {
        let known = |tag: Option<&str>, milliseconds| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
            Known::of(&ObjectMeta {
                location: Path::from("a.jpg"),
                last_modified: time.into(),
                size: 1,
                e_tag: tag.map(str::to_owned),
                version: None,
            })
        };
        let read = known(Some("\"0x8D\""), 5000);
        for (tag, milliseconds, same) in [
            (Some("0x8D"), 5000, true),
            (Some("\"0x8D\""), 7000, true),
            (Some("0x8E"), 5000, false),
            (None, 5263, true),
            (None, 6263, false),
        ] {
            assert_eq!(known(tag, milliseconds).is(&read), same, "{tag:?}");
        }
    }
}
