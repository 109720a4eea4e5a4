//! Lists the images of Arrow files and streams. They are stored as they are, so an image is a range of the
//! file, and its bytes are not read for the list.

use std::io::{Seek, SeekFrom};
use std::sync::Arc;

use arrow_buffer::{Buffer, MutableBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::FileDecoder;
use arrow_ipc::{Block, MessageHeader, MetadataVersion, root_as_footer, root_as_message};
use arrow_schema::{DataType, Schema};

use super::columns::{Columns, Each, Listed};
use super::row::{Fault, Row, RowPlace};
use super::values::Values;
use crate::images::SkipReason;
use crate::images::container::{Container, Contents};
use crate::images::place::Place;

const MAGIC: &[u8] = b"ARROW1";
/// The limit on the description of a table or batch, in bytes.
const LARGEST: usize = 64 << 20;
/// The limit on a batch, in bytes.
const LARGEST_BATCH: u64 = 16 << 30;
/// What stands before each message of a stream.
const CONTINUED: [u8; 4] = [0xff; 4];

/// Passes all rows of a file or stream to `each`.
pub(super) fn list(
    container: &Arc<Container>,
    mut contents: Contents,
    wants_labels: bool,
    each: Each<'_>,
) -> Listed {
    let mut magic = [0; 6];
    contents.range(0, &mut magic)?;
    let mut file = File {
        length: container.length(),
        contents,
    };
    let (schema, version, blocks) = if magic == MAGIC {
        file.footer()?
    } else {
        file.first_message()?
    };
    let columns = Columns::of(&schema, wants_labels)?;
    let schema = Arc::new(schema);
    let label = columns.label.as_ref().map(|label| label.at);
    let projection = std::iter::once(columns.image.at).chain(label).collect();
    let decoder = FileDecoder::new(Arc::clone(&schema), version).with_projection(projection);
    let mut batches = Batches {
        container,
        schema: &schema,
        columns: &columns,
        decoder,
        each,
    };
    let Some(blocks) = blocks else {
        let cut = batches.stream(&mut file)?;
        return Ok((columns, cut));
    };
    for block in blocks {
        batches.add(&mut file, &block)?;
    }
    Ok((columns, None))
}

/// An Arrow file or stream.
struct File {
    contents: Contents,
    length: u64,
}

/// The schema, its version, and the positions of all batches if they are known in advance.
type Described = (Schema, MetadataVersion, Option<Vec<Block>>);

impl File {
    fn footer(&mut self) -> Result<Described, Fault> {
        let mut tail = [0; 10];
        let end = self.length.checked_sub(10).ok_or_else(cut)?;
        self.contents.range(end, &mut tail)?;
        if &tail[4..] != MAGIC {
            return Err(cut());
        }
        let size = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
        let start = end.checked_sub(size as u64).filter(|_| size <= LARGEST);
        let mut bytes = vec![0; size.min(LARGEST)];
        self.contents
            .range(start.ok_or_else(|| damaged("its footer"))?, &mut bytes)?;
        let footer = root_as_footer(&bytes).map_err(|_| damaged("its footer"))?;
        let schema = footer.schema().ok_or_else(|| damaged("its footer"))?;
        let schema = try_fb_to_schema(schema).map_err(|error| error.to_string())?;
        let dictionaries = footer.dictionaries().into_iter().flatten();
        let batches = footer.recordBatches().into_iter().flatten();
        let blocks = dictionaries.chain(batches).copied().collect();
        Ok((schema, footer.version(), Some(blocks)))
    }

    /// Reads the first message of a stream, which is its schema.
    fn first_message(&mut self) -> Result<Described, Fault> {
        let foreign =
            || Fault::Table("it is no Parquet file, Arrow file or Arrow stream".to_owned());
        self.contents.seek(SeekFrom::Start(0))?;
        let Ok(Some((_, bytes))) = self.message(0) else {
            return Err(foreign());
        };
        let message = root_as_message(&bytes).map_err(|_| foreign())?;
        let schema = message.header_as_schema().ok_or_else(foreign)?;
        let schema = try_fb_to_schema(schema).map_err(|error| error.to_string())?;
        Ok((schema, message.version(), None))
    }

    /// Reads the message at a position; returns the length of what stands before it, and its bytes. Returns
    /// `None` at the end.
    fn message(&mut self, at: u64) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let mut four = [0; 4];
        if at == self.length {
            return Ok(None);
        }
        self.contents.range(at, &mut four)?;
        let mut before = 4;
        if four == CONTINUED {
            self.contents.range(at + 4, &mut four)?;
            before = 8;
        }
        let size = u32::from_le_bytes(four) as usize;
        if size == 0 {
            return Ok(None);
        }
        if size > LARGEST || at + before + size as u64 > self.length {
            return Err(cut());
        }
        let mut bytes = vec![0; size];
        self.contents.range(at + before, &mut bytes)?;
        Ok(Some((before, bytes)))
    }
}

/// Reads the rows of batches.
struct Batches<'a> {
    container: &'a Arc<Container>,
    schema: &'a Schema,
    columns: &'a Columns,
    decoder: FileDecoder,
    each: Each<'a>,
}

impl Batches<'_> {
    /// Reads the batches of a stream; returns the reason if it is cut off.
    fn stream(&mut self, file: &mut File) -> Result<Option<SkipReason>, Fault> {
        let mut at = 0;
        loop {
            let next = file.message(at).and_then(|found| {
                let Some((before, bytes)) = found else {
                    return Ok(None);
                };
                let message = root_as_message(&bytes).map_err(|_| damaged("a message"))?;
                let (header, body) = (before + bytes.len() as u64, message.bodyLength());
                let block = Block::new(at as i64, header as i32, body);
                if message.header_type() != MessageHeader::Schema {
                    self.add(file, &block)?;
                }
                Ok(Some(header + body.max(0) as u64))
            });
            match next {
                Ok(Some(length)) => at += length,
                Ok(None) => return Ok(None),
                Err(Fault::Table(detail)) => return Ok(Some(SkipReason::Unreadable(detail))),
                Err(fault) => return Err(fault),
            }
        }
    }

    fn add(&mut self, file: &mut File, block: &Block) -> Result<(), Fault> {
        let (start, buffer) = self.read(file, block)?;
        let at = block.metaDataLength() as usize;
        let header = message_of(&buffer[..at])?;
        let message = root_as_message(header).map_err(|_| damaged("a message"))?;
        if message.header_type() == MessageHeader::DictionaryBatch {
            let read = self.decoder.read_dictionary(block, &buffer);
            return read.map_err(|error| Fault::Table(error.to_string()));
        }
        let batch = self.decoder.read_record_batch(block, &buffer);
        let Some(batch) = batch.map_err(|error| Fault::Table(error.to_string()))? else {
            return Ok(());
        };
        let values = Values::of(&batch, self.columns);
        let whole = buffer.as_ptr() as usize..buffer.as_ptr() as usize + buffer.len();
        for row in 0..batch.num_rows() {
            let place = values.bytes(row).map_or(RowPlace::Nowhere, |bytes| {
                let address = bytes.as_ptr() as usize;
                if bytes.is_empty() {
                    return RowPlace::Here(Place::range(self.container, start, 0));
                }
                if !whole.contains(&address) {
                    return RowPlace::Nowhere;
                }
                let offset = start + (address - whole.start) as u64;
                RowPlace::Here(Place::range(self.container, offset, bytes.len() as u64))
            });
            let (path, label) = (values.path(row), values.label(row));
            (self.each)(self.columns, Row { path, label, place })?;
        }
        Ok(())
    }

    /// Reads what the list needs of a block; the bytes of images remain zeros, which take no memory.
    fn read(&self, file: &mut File, block: &Block) -> Result<(u64, Buffer), Fault> {
        let start = u64::try_from(block.offset()).map_err(|_| damaged("its footer"))?;
        let header = u64::try_from(block.metaDataLength()).map_err(|_| damaged("its footer"))?;
        let body = u64::try_from(block.bodyLength()).map_err(|_| damaged("its footer"))?;
        let end = start
            .checked_add(header)
            .and_then(|end| end.checked_add(body));
        if end.is_none_or(|end| end > file.length) || header as usize > LARGEST {
            return Err(cut());
        }
        if body > LARGEST_BATCH {
            let gib = LARGEST_BATCH >> 30;
            return Err(Fault::Table(format!("a batch is larger than {gib} GiB")));
        }
        let mut buffer = MutableBuffer::from_len_zeroed((header + body) as usize);
        file.contents.range(start, &mut buffer[..header as usize])?;
        let ranges = self.wanted(message_of(&buffer[..header as usize])?)?;
        for (offset, length) in ranges {
            let from = header.checked_add(offset).ok_or_else(cut)?;
            let to = from.checked_add(length).filter(|&to| to <= header + body);
            let to = to.ok_or_else(cut)?;
            let part = &mut buffer[from as usize..to as usize];
            file.contents.range(start + from, part)?;
        }
        Ok((start, buffer.into()))
    }

    /// Returns the ranges of a message's body that the list needs.
    fn wanted(&self, message: &[u8]) -> Result<Vec<(u64, u64)>, Fault> {
        let message = root_as_message(message).map_err(|_| damaged("a message"))?;
        let batch = message.header_as_record_batch();
        let dictionary = message.header_as_dictionary_batch();
        let is_dictionary = dictionary.is_some();
        let Some(batch) = batch.or_else(|| dictionary?.data()) else {
            return Err(damaged("a message"));
        };
        if batch.compression().is_some() {
            let detail = "its batches are compressed; write it without compression, or as Parquet";
            return Err(Fault::Table(detail.to_owned()));
        }
        let buffers: Vec<_> = batch.buffers().into_iter().flatten().collect();
        let range = |buffer: &arrow_ipc::Buffer| {
            (buffer.offset().max(0) as u64, buffer.length().max(0) as u64)
        };
        if is_dictionary {
            return Ok(buffers.into_iter().map(range).collect());
        }
        let counts = batch.variadicBufferCounts();
        let mut layout = Layout {
            next: 0,
            views: counts.into_iter().flatten().collect::<Vec<_>>().into_iter(),
            wanted: Vec::new(),
        };
        let label = self.columns.label.as_ref().map(|label| label.at);
        for (at, field) in self.schema.fields().iter().enumerate() {
            let is_image = at == self.columns.image.at;
            layout.add(field.data_type(), is_image || label == Some(at));
        }
        let wanted = layout.wanted.into_iter();
        Ok(wanted
            .filter_map(|at| buffers.get(at).copied())
            .map(range)
            .collect())
    }
}

/// The order of the buffers of a batch.
struct Layout {
    /// The number of the next buffer.
    next: usize,
    /// How many buffers of data the columns of views have.
    views: std::vec::IntoIter<i64>,
    /// The numbers of the buffers to read.
    wanted: Vec<usize>,
}

impl Layout {
    /// Goes past the buffers of a column; if it `is_read`, those are wanted that do not have the bytes of
    /// images.
    fn add(&mut self, kind: &DataType, is_read: bool) {
        match kind {
            DataType::Null => {}
            DataType::Binary | DataType::LargeBinary => {
                self.take(2, is_read);
                self.take(1, false);
            }
            DataType::Utf8 | DataType::LargeUtf8 => self.take(3, is_read),
            // Views repeat the start of their data, so it has to be there.
            DataType::BinaryView | DataType::Utf8View => {
                let data = self.views.next().unwrap_or(0);
                self.take(2 + usize::try_from(data).unwrap_or(0), is_read);
            }
            DataType::List(inner) | DataType::LargeList(inner) | DataType::Map(inner, _) => {
                self.take(2, is_read);
                self.add(inner.data_type(), is_read);
            }
            DataType::ListView(inner) | DataType::LargeListView(inner) => {
                self.take(3, is_read);
                self.add(inner.data_type(), is_read);
            }
            DataType::FixedSizeList(inner, _) => {
                self.take(1, is_read);
                self.add(inner.data_type(), is_read);
            }
            DataType::Struct(fields) => {
                self.take(1, is_read);
                fields
                    .iter()
                    .for_each(|field| self.add(field.data_type(), is_read));
            }
            DataType::Union(fields, mode) => {
                let dense = *mode == arrow_schema::UnionMode::Dense;
                self.take(1 + usize::from(dense), is_read);
                fields
                    .iter()
                    .for_each(|(_, field)| self.add(field.data_type(), is_read));
            }
            DataType::RunEndEncoded(ends, values) => {
                self.add(ends.data_type(), is_read);
                self.add(values.data_type(), is_read);
            }
            _ => self.take(2, is_read),
        }
    }

    fn take(&mut self, count: usize, is_read: bool) {
        let end = self.next.saturating_add(count.min(1 << 20));
        if is_read {
            self.wanted.extend(self.next..end);
        }
        self.next = end;
    }
}

/// Returns the message in the description of a block, without the length before it.
fn message_of(bytes: &[u8]) -> Result<&[u8], Fault> {
    let skipped = if bytes.starts_with(&CONTINUED) { 8 } else { 4 };
    bytes.get(skipped..).ok_or_else(|| damaged("a message"))
}

fn cut() -> Fault {
    Fault::Table("it is cut off".to_owned())
}

fn damaged(what: &str) -> Fault {
    Fault::Table(format!("{what} is damaged"))
}
