//! A build without the feature `object-store`: URLs are refused.

use std::io::{self, Read, Seek, SeekFrom};

use super::Url;
use crate::error::{Error, ImagesError, StoreProblem};
use crate::images::fault::ReadFault;
use crate::progress::Progress;
use crate::stamp::Stamp;

/// There is no object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::images) enum Object {}

/// A reader of an object, which is never made.
#[allow(dead_code, reason = "there are no objects")]
#[derive(Debug)]
pub(in crate::images) struct ObjectReader(());

/// What is at a URL.
#[allow(dead_code, reason = "there are no objects")]
pub(in crate::images) enum Found {
    One(Object),
    Many(Vec<(String, Object)>),
}

/// The bytes of an object.
pub(in crate::images) enum Got {}

fn refused(url: &Url) -> Error {
    let problem = StoreProblem::NotBuiltIn;
    let detail = "this build of frostline cannot read from object stores".to_owned();
    let url = url.text.clone();
    ImagesError::Store {
        url,
        problem,
        detail,
    }
    .into()
}

pub(in crate::images) fn find(url: &Url, _: &dyn Progress) -> Result<Found, Error> {
    Err(refused(url))
}

pub(in crate::images) fn candidates(
    url: &Url,
    _: &dyn Progress,
) -> Result<(String, Vec<(String, Object)>), Error> {
    Err(refused(url))
}

pub(in crate::images) fn single(url: &Url) -> Result<Object, Error> {
    Err(refused(url))
}

impl Object {
    pub(in crate::images) fn address(&self) -> String {
        match *self {}
    }

    pub(in crate::images) fn listed(self, _: &dyn Progress) -> Result<Self, Error> {
        match self {}
    }

    pub(in crate::images) fn stamp(&self) -> Option<Stamp> {
        match *self {}
    }

    pub(in crate::images) fn known_stamp(&self) -> Option<Stamp> {
        match *self {}
    }

    pub(in crate::images) fn get(&self, _: Option<(u64, u64)>) -> Result<Got, ReadFault> {
        match *self {}
    }
}

impl Got {
    pub(in crate::images) fn size(&self) -> u64 {
        match *self {}
    }

    pub(in crate::images) fn stamp(&self) -> Stamp {
        match *self {}
    }

    pub(in crate::images) fn start(&mut self, _: usize) -> Result<&[u8], ReadFault> {
        match *self {}
    }

    pub(in crate::images) fn whole(self) -> Result<Vec<u8>, ReadFault> {
        match self {}
    }
}

impl ObjectReader {
    pub(in crate::images) fn new(object: &Object, _: u64) -> Self {
        match *object {}
    }
}

impl Read for ObjectReader {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Seek for ObjectReader {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
