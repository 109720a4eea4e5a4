//! The file from one place: connections that go on where the last one ended, then the check of the whole.

use std::thread;
use std::time::Instant;

use super::DownloadOptions;
use super::client::{Answer, Client};
use super::fault::Fault;
use super::part::Part;
use crate::backbones::sniff;
use crate::error::KnownFile;
use crate::progress::{BYTES, Progress};

/// The most connections to one place, even where each brings something.
const MOST_CONNECTIONS: usize = 50;

/// The most connections that take their time and bring next to nothing before they break off.
const MOST_POOR_CONNECTIONS: usize = 2;

/// How much is read from a connection at once.
const BLOCK: usize = 64 << 10;

/// Completes the part from the client's place, and checks it.
///
/// A part that is wrong though it is whole is thrown away. If it did not come in one piece, it is asked for
/// once more from the start: its beginning may have been another file's.
pub(super) fn run(
    client: &Client,
    file: &KnownFile,
    part: &mut Part,
    options: &DownloadOptions,
    progress: &dyn Progress,
) -> Result<(), Fault> {
    let mut again = true;
    loop {
        let had_beginning = part.len() > 0;
        let connections = complete(client, file, part, options, progress)?;
        let Some(why) = part.fault(file)? else {
            return Ok(());
        };
        part.clear()?;
        let in_one_piece = !had_beginning && connections == 1;
        if in_one_piece || !again {
            return Err(Fault::Refused(why));
        }
        again = false;
    }
}

/// Connects until all bytes are there, as long as each connection adds to them; returns how many it took.
fn complete(
    client: &Client,
    file: &KnownFile,
    part: &mut Part,
    options: &DownloadOptions,
    progress: &dyn Progress,
) -> Result<usize, Fault> {
    let (mut connections, mut poor) = (0, 0);
    while !part.is_whole() {
        connections += 1;
        let (before, began) = (part.len(), Instant::now());
        match receive(client, file, part, progress) {
            Ok(()) => {}
            Err(Fault::Broken(_))
                if part.len() > before
                    && connections < MOST_CONNECTIONS
                    && poor < MOST_POOR_CONNECTIONS =>
            {
                let (came, least) = (part.len() - before, options.least);
                poor += usize::from(came < least.bytes && began.elapsed() >= least.within);
                thread::sleep(options.pause);
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(connections)
}

/// One connection: asks for what is missing and writes what comes.
fn receive(
    client: &Client,
    file: &KnownFile,
    part: &mut Part,
    progress: &dyn Progress,
) -> Result<(), Fault> {
    let mut answer = client.get(part.len())?;
    let start = begin(&mut answer, file, part.len())?;
    part.go_to(answer.from)?;
    progress.begin(BYTES, part.missing());
    let ended = write(&start, part, file, progress)
        .and_then(|()| write_rest(&mut answer, part, file, progress));
    progress.end();
    ended
}

/// Refuses an answer that is not of this file. What had to be read to tell is returned.
fn begin(answer: &mut Answer, file: &KnownFile, asked: u64) -> Result<Vec<u8>, Fault> {
    if answer.from != 0 && answer.from != asked {
        let why = format!(
            "it sends what follows byte {}, and was asked for what follows byte {asked}",
            answer.from
        );
        return Err(Fault::Refused(why));
    }
    if answer.whole == Some(file.bytes) {
        return Ok(Vec::new());
    }
    let mut start = Vec::new();
    if answer.from == 0 {
        start = answer.body.read_up_to(sniff::START as usize)?;
    }
    match file.mismatch(answer.whole, &start) {
        None => Ok(start),
        Some(why) => Err(Fault::Refused(why)),
    }
}

fn write_rest(
    answer: &mut Answer,
    part: &mut Part,
    file: &KnownFile,
    progress: &dyn Progress,
) -> Result<(), Fault> {
    let mut block = vec![0; BLOCK];
    loop {
        let came = file.bytes - part.missing();
        let after = || format!(" after {came} of {} bytes", file.bytes);
        let read = answer.body.read(&mut block).map_err(|f| f.with(&after()))?;
        if read > 0 {
            write(&block[..read], part, file, progress)?;
        } else if part.missing() > 0 {
            return Err(Fault::Broken(format!("it ended{}", after())));
        } else {
            return Ok(());
        }
    }
}

fn write(
    block: &[u8],
    part: &mut Part,
    file: &KnownFile,
    progress: &dyn Progress,
) -> Result<(), Fault> {
    if block.len() as u64 > part.missing() {
        return Err(Fault::Refused(format!(
            "it sends more than {} bytes",
            file.bytes
        )));
    }
    part.write(block)?;
    progress.advance(block.len() as u64);
    Ok(())
}
