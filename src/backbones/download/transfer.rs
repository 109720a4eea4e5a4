//! Downloads the file from one URL: each connection continues where the last one stopped, then the whole file
//! is checked.

use std::thread;
use std::time::Instant;

use super::client::{Answer, Client};
use super::fault::Fault;
use super::part::Part;
use crate::backbones::sniff;
use crate::error::{Error, KnownFile};
use crate::progress::{BYTES, Progress};

/// The maximum number of connections to one URL, even if each delivers something.
const MOST_CONNECTIONS: usize = 50;

/// The maximum number of connections that take long and deliver next to nothing before they are lost.
const MOST_POOR_CONNECTIONS: usize = 2;

/// The number of bytes read from a connection at a time.
const BLOCK: usize = 64 << 10;

/// The download of a file from one URL.
pub(super) struct Transfer<'a> {
    pub(super) client: Client<'a>,
    pub(super) file: &'a KnownFile,
    pub(super) part: &'a mut Part,
    pub(super) progress: &'a dyn Progress,
}

impl Transfer<'_> {
    /// Completes the part from the client's URL, and checks it.
    ///
    /// A complete part with the wrong content is discarded. If it did not arrive in one piece, it is
    /// requested once more from the start, since its beginning may have been that of another file.
    pub(super) fn run(&mut self) -> Result<(), Fault> {
        let mut again = true;
        loop {
            let had_beginning = self.part.len() > 0;
            let connections = self.complete()?;
            let Some(why) = self.part.fault(self.file)? else {
                return Ok(());
            };
            self.part.clear()?;
            let in_one_piece = !had_beginning && connections == 1;
            if in_one_piece || !again {
                return Err(Fault::Refused(why));
            }
            again = false;
        }
    }

    /// Connects until all bytes are there, as long as each connection adds some. Returns the number of
    /// connections.
    fn complete(&mut self) -> Result<usize, Fault> {
        let options = self.client.options;
        let (mut connections, mut poor) = (0, 0);
        while !self.part.is_whole() {
            connections += 1;
            let (before, began) = (self.part.len(), Instant::now());
            let received = self.receive();
            let (came, least) = (self.part.len() - before, options.least);
            match received {
                Ok(()) => {}
                Err(Fault::Broken(_))
                    if came > 0
                        && connections < MOST_CONNECTIONS
                        && poor < MOST_POOR_CONNECTIONS =>
                {
                    poor += usize::from(came < least.bytes && began.elapsed() >= least.within);
                    thread::sleep(options.pause);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(connections)
    }

    /// Requests the missing bytes over one connection, and writes what arrives.
    fn receive(&mut self) -> Result<(), Fault> {
        let mut answer = self.client.get(self.part.len())?;
        let start = begin(&mut answer, self.file, self.part.len())?;
        self.part.go_to(answer.from)?;
        self.progress.begin(BYTES, self.part.missing());
        let ended = self
            .write(&start)
            .and_then(|()| self.write_rest(&mut answer));
        self.progress.end();
        ended
    }

    fn write_rest(&mut self, answer: &mut Answer) -> Result<(), Fault> {
        let mut block = vec![0; BLOCK];
        loop {
            if self.progress.is_stopped() {
                return Err(Error::Interrupted { kept: None }.into());
            }
            let came = self.file.bytes - self.part.missing();
            let after = || format!(" after {came} of {} bytes", self.file.bytes);
            let read = answer.body.read(&mut block).map_err(|f| f.with(&after()))?;
            if read > 0 {
                self.write(&block[..read])?;
            } else if self.part.missing() > 0 {
                return Err(Fault::Broken(format!("the response ended{}", after())));
            } else {
                return Ok(());
            }
        }
    }

    fn write(&mut self, block: &[u8]) -> Result<(), Fault> {
        if block.len() as u64 > self.part.missing() {
            let most = self.file.bytes;
            return Err(Fault::Refused(format!("it sends more than {most} bytes")));
        }
        self.part.write(block)?;
        self.progress.advance(block.len() as u64);
        Ok(())
    }
}

/// Refuses a response that is not this file. Returns the bytes that had to be read for that.
fn begin(answer: &mut Answer, file: &KnownFile, asked: u64) -> Result<Vec<u8>, Fault> {
    if answer.from != 0 && answer.from != asked {
        let why = format!(
            "it sends what follows byte {} instead of byte {asked}",
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
