//! Writes Arrow files of one record batch piece by piece: the batch is never in memory, unlike with
//! [`SealedWriter`](super::SealedWriter).

use std::io::{self, ErrorKind, Write};

use arrow_ipc::convert::{IpcSchemaEncoder, metadata_to_fb};
use arrow_ipc::writer::FileWriter;
use arrow_ipc::{
    Block, Buffer, FieldNode, FooterBuilder, MessageBuilder, MessageHeader, MetadataVersion,
    RecordBatchBuilder,
};
use arrow_schema::{ArrowError, Schema};
use flatbuffers::FlatBufferBuilder;

use super::contents::MARKER;
use super::footer::{MAGIC, SEAL};
use super::write::{Digits, Hashing, to_be_sealed};
use crate::seal;

/// Where buffers and messages start: at multiples of this, as `arrow-ipc` writes them.
const ALIGNMENT: u64 = 64;

/// A file of one record batch that is being written to `W`.
pub(in crate::features) struct BatchWriter<W: Write> {
    out: Hashing<W>,
    schema: Schema,
    block: Block,
    /// Where each buffer ends, in bytes from the start of the file, the next one last.
    ends: Vec<u64>,
}

impl<W: Write> BatchWriter<W> {
    /// Begins a file with the columns and the metadata of a schema. `rows` are the numbers of values of its
    /// fields, none of which is null, and `buffers` the lengths of their buffers, both as the Arrow format
    /// orders them.
    pub(in crate::features) fn begin(
        out: W,
        schema: &Schema,
        rows: &[u64],
        buffers: &[u64],
    ) -> Result<Self, ArrowError> {
        let schema = to_be_sealed(schema);
        let mut out = Hashing::new(out);
        // It writes the magic bytes and the schema. The footer is written by `finish`.
        FileWriter::try_new(&mut out, &schema)?;
        let start = out.written;
        let message = message(rows, buffers);
        let length = (8 + message.len() as u64).next_multiple_of(ALIGNMENT);
        out.write_all(&MARKER)?;
        out.write_all(&((length - 8) as u32).to_le_bytes())?;
        out.write_all(&message)?;
        pad(&mut out, start + length)?;
        let from = start + length;
        let places = places(buffers);
        let ends = places.iter().zip(buffers);
        let ends = ends.rev().map(|(place, length)| from + place + length);
        Ok(Self {
            ends: ends.collect(),
            block: Block::new(start as i64, length as i32, body(buffers) as i64),
            out,
            schema,
        })
    }

    /// Appends to the current buffer.
    pub(in crate::features) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)
    }

    /// Ends the current buffer.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] if it does not have the length it was announced with.
    pub(in crate::features) fn end_buffer(&mut self) -> io::Result<()> {
        if self.ends.pop() != Some(self.out.written) {
            return Err(ErrorKind::InvalidData.into());
        }
        let end = self.out.written.next_multiple_of(ALIGNMENT);
        pad(&mut self.out, end)
    }

    /// Completes the file after its last buffer, except for the digits of its checksum.
    pub(in crate::features) fn finish(mut self) -> Result<(W, Digits), ArrowError> {
        let footer = self.footer();
        self.out.begin_end();
        self.out.write_all(&MARKER)?;
        self.out.write_all(&[0; 4])?;
        self.out.write_all(&footer)?;
        self.out.write_all(&(footer.len() as u32).to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        self.out.flush()?;
        Ok(self.out.finish())
    }

    fn footer(&self) -> Vec<u8> {
        let mut to = FlatBufferBuilder::new();
        let dictionaries = to.create_vector::<Block>(&[]);
        let batches = to.create_vector(&[self.block]);
        let schema = IpcSchemaEncoder::new().schema_to_fb_offset(&mut to, &self.schema);
        let seal = [(SEAL.to_owned(), seal::BLANK.to_owned())];
        let metadata = metadata_to_fb(&mut to, &seal.into_iter().collect());
        let mut footer = FooterBuilder::new(&mut to);
        footer.add_version(MetadataVersion::V5);
        footer.add_schema(schema);
        footer.add_dictionaries(dictionaries);
        footer.add_recordBatches(batches);
        footer.add_custom_metadata(metadata);
        let footer = footer.finish();
        to.finish(footer, None);
        to.finished_data().to_vec()
    }
}

/// Returns the positions of buffers in the body of a message.
fn places(buffers: &[u64]) -> Vec<u64> {
    let ends = buffers.iter().scan(0, |end, length| {
        let place = *end;
        *end += length.next_multiple_of(ALIGNMENT);
        Some(place)
    });
    ends.collect()
}

/// Returns the length of the body of a message.
fn body(buffers: &[u64]) -> u64 {
    let lengths = buffers.iter();
    lengths
        .map(|length| length.next_multiple_of(ALIGNMENT))
        .sum()
}

/// Returns the message that describes a record batch.
fn message(rows: &[u64], buffers: &[u64]) -> Vec<u8> {
    let mut to = FlatBufferBuilder::new();
    let nodes = rows.iter().map(|&n| FieldNode::new(n as i64, 0));
    let nodes = to.create_vector(&nodes.collect::<Vec<_>>());
    let places = places(buffers);
    let places = places.iter().zip(buffers);
    let places = places.map(|(&place, &length)| Buffer::new(place as i64, length as i64));
    let places = to.create_vector(&places.collect::<Vec<_>>());
    let mut batch = RecordBatchBuilder::new(&mut to);
    batch.add_length(rows.first().copied().unwrap_or_default() as i64);
    batch.add_nodes(nodes);
    batch.add_buffers(places);
    let batch = batch.finish().as_union_value();
    let mut message = MessageBuilder::new(&mut to);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::RecordBatch);
    message.add_bodyLength(body(buffers) as i64);
    message.add_header(batch);
    let message = message.finish();
    to.finish(message, None);
    to.finished_data().to_vec()
}

/// Writes zeros up to a position in the file.
fn pad<W: Write>(out: &mut Hashing<W>, to: u64) -> io::Result<()> {
    let zeros = [0; ALIGNMENT as usize];
    out.write_all(&zeros[..(to - out.written) as usize])
}
