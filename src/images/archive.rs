//! Reads the members of tar archives, whose lengths and names are untrusted.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use flate2::read::MultiGzDecoder;
use tar::{EntryType, Header, PaxExtensions};

use super::container::Contents;

/// The unit of a tar archive, in bytes.
const BLOCK: u64 = 512;
/// The limit on the records of a long name, in bytes.
const LONGEST: u64 = 1 << 20;

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Its path in the archive.
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    /// Where its bytes begin in the archive.
    pub(super) offset: u64,
    /// The number of its bytes.
    pub(super) length: u64,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    /// A link to this path, relative to the folder of the link.
    Symlink(Vec<u8>),
    /// A link to the member of this path.
    HardLink(Vec<u8>),
    /// A file whose zeros are not stored.
    Sparse,
    /// A folder, or a special file.
    Other,
}

/// Why the members of an archive end.
#[derive(Debug)]
pub(super) enum End {
    /// The archive is complete.
    Complete,
    /// The archive ends in the middle of a member, or of its description.
    Cut,
    /// The description of the next member is damaged.
    Damaged(String),
    /// The archive cannot be read.
    Io(io::Error),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Cut,
            // What a decompressor reports.
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Self::Damaged(error.to_string()),
            _ => Self::Io(error),
        }
    }
}

/// The bytes of an archive.
#[derive(Debug)]
pub(super) enum Tar {
    Plain(Contents),
    Gzip(Box<MultiGzDecoder<Contents>>),
}

impl Tar {
    pub(super) fn new(contents: Contents, is_compressed: bool) -> Self {
        if is_compressed {
            Self::Gzip(Box::new(MultiGzDecoder::new(contents)))
        } else {
            Self::Plain(contents)
        }
    }

    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        match self {
            Self::Plain(contents) => {
                let bytes = i64::try_from(bytes).map_err(|_| ErrorKind::UnexpectedEof)?;
                contents.seek(SeekFrom::Current(bytes)).map(drop)
            }
            Self::Gzip(stream) => {
                let skipped = io::copy(&mut stream.take(bytes), &mut io::sink())?;
                (skipped == bytes)
                    .then_some(())
                    .ok_or(ErrorKind::UnexpectedEof.into())
            }
        }
    }
}

impl Read for Tar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(contents) => contents.read(buffer),
            Self::Gzip(stream) => stream.read(buffer),
        }
    }
}

/// Reads the members of an archive in order.
#[derive(Debug)]
pub(super) struct Members {
    tar: Tar,
    /// The position in the uncompressed archive.
    position: u64,
    /// Where the next member begins.
    next: u64,
    /// The length of an archive that is not compressed.
    length: Option<u64>,
}

/// What the headers before a member say about it.
#[derive(Debug, Default)]
struct Said {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    length: Option<u64>,
    sparse: bool,
}

impl Members {
    /// Reads the members of an archive of `length` bytes; a compressed one has no known length.
    pub(super) fn new(tar: Tar, length: Option<u64>) -> Self {
        Self {
            tar,
            position: 0,
            next: 0,
            length,
        }
    }

    /// Returns the next member.
    ///
    /// # Errors
    /// The reason why there is none.
    pub(super) fn next(&mut self) -> Result<Member, End> {
        let mut said = Said::default();
        loop {
            let header = self.header()?;
            let kind = header.entry_type();
            let length = header.entry_size().map_err(damaged)?;
            match kind {
                EntryType::GNULongName => said.name = Some(self.text(length)?),
                EntryType::GNULongLink => said.link = Some(self.text(length)?),
                EntryType::XHeader => self.extensions(length, &mut said)?,
                EntryType::XGlobalHeader => self.go_past(length)?,
                _ => return self.member(&header, said, length),
            }
        }
    }

    /// Reads the bytes of the member that was returned last, of which there are at most `limit`.
    pub(super) fn content(&mut self, member: &Member, limit: u64) -> Result<Vec<u8>, End> {
        self.bytes(member.length.min(limit))
    }

    fn header(&mut self) -> Result<Header, End> {
        self.tar.skip(self.next - self.position)?;
        self.position = self.next;
        let mut header = Header::new_old();
        let bytes = header.as_mut_bytes();
        // Some programs write no zeros at the end.
        if self.tar.read(&mut bytes[..1])? == 0 {
            return Err(End::Complete);
        }
        self.tar.read_exact(&mut bytes[1..])?;
        if bytes.iter().all(|&byte| byte == 0) {
            return Err(End::Complete);
        }
        let sum: u32 = bytes.iter().map(|&byte| u32::from(byte)).sum();
        let own: u32 = bytes[148..156].iter().map(|&byte| u32::from(byte)).sum();
        if header.cksum().map_err(damaged)? != sum - own + 8 * u32::from(b' ') {
            return Err(End::Damaged("a checksum is wrong".to_owned()));
        }
        self.position += BLOCK;
        self.next = self.position;
        Ok(header)
    }

    fn member(&mut self, header: &Header, said: Said, length: u64) -> Result<Member, End> {
        let length = said.length.unwrap_or(length);
        let link = || {
            said.link
                .clone()
                .or_else(|| Some(header.link_name_bytes()?.into_owned()))
        };
        let kind = match header.entry_type() {
            EntryType::Symlink => Kind::Symlink(link().unwrap_or_default()),
            EntryType::Link => Kind::HardLink(link().unwrap_or_default()),
            EntryType::GNUSparse => Kind::Sparse,
            EntryType::Regular | EntryType::Continuous if said.sparse => Kind::Sparse,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            _ => Kind::Other,
        };
        // Other programs also write a length for links, without bytes.
        let stored = match kind {
            Kind::Symlink(_) | Kind::HardLink(_) => 0,
            _ => length,
        };
        let member = Member {
            name: said
                .name
                .unwrap_or_else(|| header.path_bytes().into_owned()),
            kind,
            offset: self.position,
            length: stored,
        };
        self.go_past(stored)?;
        Ok(member)
    }

    /// Lets the next header follow this many bytes.
    fn go_past(&mut self, bytes: u64) -> Result<(), End> {
        let end = self.position.checked_add(bytes);
        let is_inside = |end: &u64| self.length.is_none_or(|length| *end <= length);
        let end = end.filter(is_inside).ok_or(End::Cut)?;
        self.next = end.checked_next_multiple_of(BLOCK).ok_or(End::Cut)?;
        Ok(())
    }

    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, End> {
        let mut bytes = Vec::new();
        self.position += (&mut self.tar).take(length).read_to_end(&mut bytes)? as u64;
        if bytes.len() as u64 == length {
            Ok(bytes)
        } else {
            Err(End::Cut)
        }
    }

    /// Reads a text that describes the next member.
    fn text(&mut self, length: u64) -> Result<Vec<u8>, End> {
        if length > LONGEST {
            return Err(End::Damaged(format!("a name has {length} bytes")));
        }
        self.go_past(length)?;
        let mut text = self.bytes(length)?;
        while text.last() == Some(&0) {
            text.pop();
        }
        Ok(text)
    }

    fn extensions(&mut self, length: u64, said: &mut Said) -> Result<(), End> {
        let text = self.text(length)?;
        for record in PaxExtensions::new(&text) {
            let record = record.map_err(damaged)?;
            let value = record.value_bytes();
            match record.key_bytes() {
                b"path" => said.name = Some(value.to_owned()),
                b"linkpath" => said.link = Some(value.to_owned()),
                b"size" => {
                    let number = str::from_utf8(value).ok().and_then(|n| n.parse().ok());
                    said.length = Some(number.ok_or(End::Damaged("a size is no number".into()))?);
                }
                key if key.starts_with(b"GNU.sparse.") => said.sparse = true,
                _ => {}
            }
        }
        Ok(())
    }
}

fn damaged(error: io::Error) -> End {
    match End::from(error) {
        End::Io(error) => End::Damaged(error.to_string()),
        end => end,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::images::container::Container;

    /// Returns the names and bytes of the members of an archive, and why they end.
    fn members(bytes: &[u8]) -> (Vec<(String, Vec<u8>)>, End) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        fs::write(&path, bytes).unwrap();
        let tar = Tar::new(Container::file(&path).unwrap().open().unwrap(), false);
        let mut members = Members::new(tar, Some(bytes.len() as u64));
        let mut all = Vec::new();
        loop {
            match members.next() {
                Err(end) => return (all, end),
                Ok(member) => {
                    let name = String::from_utf8(member.name).unwrap();
                    let range = member.offset as usize..(member.offset + member.length) as usize;
                    all.push((name, bytes[range].to_owned()));
                }
            }
        }
    }

    fn archive() -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        let path = ("path", "a path that/the header lacks.png".as_bytes());
        tar.append_pax_extensions([path]).unwrap();
        for name in ["short", &*"long/".repeat(60)] {
            let mut header = Header::new_gnu();
            header.set_size(3);
            tar.append_data(&mut header, format!("{name}.png"), &b"abc"[..])
                .unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn names_are_those_of_the_extensions() {
        let (all, end) = members(&archive());
        assert!(matches!(end, End::Complete), "{end:?}");
        let long = format!("{}.png", "long/".repeat(60));
        let known = ["a path that/the header lacks.png", &long];
        assert_eq!(all, known.map(|name| (name.to_owned(), b"abc".to_vec())));
    }

    #[test]
    fn every_cut_and_every_wrong_checksum_is_told() {
        let whole = archive();
        let complete = members(&whole).0.len();
        for end in (1..whole.len() - 1024).step_by(37) {
            let (all, end) = members(&whole[..end]);
            assert!(all.len() <= complete);
            assert!(matches!(end, End::Cut | End::Complete), "{end:?}");
        }
        let mut damaged = whole;
        damaged[5] ^= 1;
        let (all, end) = members(&damaged);
        assert!(all.is_empty() && matches!(end, End::Damaged(_)), "{end:?}");
    }
}
