//! Reads the images of a compressed archive in order.

use super::archive::{End, Members, Tar};
use super::container::Container;
use super::fault::ReadFault;
use super::series::{Item, Items, Start};
use super::{Limits, SkipReason};

/// The numbers of the members that are images, in order.
#[derive(Debug)]
pub(super) struct InOrder {
    pub(super) numbers: Vec<u64>,
}

/// The rest of an archive.
struct Rest {
    members: Members,
    /// The number of the next member.
    next: u64,
    /// The numbers of the images that have not been read.
    images: std::vec::IntoIter<u64>,
}

impl Start for InOrder {
    fn start(&self, container: &Container, _: u64) -> Result<Box<dyn Items>, ReadFault> {
        let contents = container.opened()?;
        Ok(Box::new(Rest {
            members: Members::new(Tar::new(contents, true), None),
            next: 0,
            images: self.numbers.clone().into_iter(),
        }))
    }
}

impl Items for Rest {
    fn next(&mut self, limits: &Limits) -> Result<Option<(u64, Item)>, ReadFault> {
        let Some(wanted) = self.images.next() else {
            return Ok(None);
        };
        loop {
            let member = self.members.next().map_err(fault)?;
            let number = self.next;
            self.next += 1;
            if number < wanted {
                continue;
            }
            let (bytes, limit) = (member.length, limits.max_bytes);
            if bytes > limit {
                return Ok(Some((number, Err(SkipReason::TooLong { bytes, limit }))));
            }
            let content = self.members.content(&member, limit).map_err(fault)?;
            return Ok(Some((number, Ok(content))));
        }
    }

    fn sound_from(&self) -> u64 {
        u64::MAX
    }
}

fn fault(end: End) -> ReadFault {
    let detail = match end {
        End::Complete | End::Cut => "the archive is cut off before its end".to_owned(),
        End::Damaged(detail) => format!("the archive is damaged: {detail}"),
        End::Io(error) => error.to_string(),
    };
    SkipReason::Unreadable(detail).into()
}
