//! Images in object stores and on web servers: `s3://`, `gs://`, `az://`, `https://`.
//!
//! An object is identified by its size and its `ETag` (or the time of its last change). If they differ when
//! it is read from when it was listed, the image is skipped. Credentials come from the environment, as the
//! crate `object_store` reads them.

mod refusal;
mod url;

#[cfg(feature = "object-store")]
mod faults;
#[cfg(feature = "object-store")]
mod object;
#[cfg(feature = "object-store")]
mod patience;
#[cfg(feature = "object-store")]
mod reader;
#[cfg(feature = "object-store")]
mod runtime;

#[cfg(not(feature = "object-store"))]
mod without;

#[cfg(feature = "object-store")]
pub(super) use object::{Found, Object, candidates, find, single};
#[cfg(feature = "object-store")]
pub(super) use reader::ObjectReader;
pub(super) use refusal::refusal;
pub(super) use url::Url;
#[cfg(not(feature = "object-store"))]
pub(super) use without::{Found, Object, ObjectReader, candidates, find, single};
