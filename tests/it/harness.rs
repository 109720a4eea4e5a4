//! Shared helpers of the tests.

mod axe;
mod binary;
mod browser;
#[cfg(feature = "object-store")]
mod bucket;
mod fixtures;
mod golden;
#[cfg(feature = "serve")]
mod labelling;
mod networks;
#[cfg(target_os = "linux")]
mod peak;
#[cfg(feature = "serve")]
mod person;
mod pictures;
mod report_page;
#[cfg(feature = "serve")]
mod server;
mod stub;

pub(crate) use axe::Axe;
pub(crate) use binary::{
    Ran, command, frostline, home, installed_home, run, runtime_library, share_runtime, shared_data,
};
pub(crate) use browser::{Browser, ENTER, ESCAPE, LEFT, RIGHT, SHIFT, TAB};
#[cfg(feature = "object-store")]
pub(crate) use bucket::{Bucket, Odd};
#[cfg(unix)]
pub(crate) use fixtures::executable;
pub(crate) use fixtures::{Place, Tree, contents, tree};
pub(crate) use golden::{formula_picture, golden, golden_as, number};
#[cfg(feature = "serve")]
pub(crate) use labelling::Labelling;
pub(crate) use networks::{WHITE_IS_INFINITE, gains, two_outputs, wide};
#[cfg(target_os = "linux")]
pub(crate) use peak::measured;
#[cfg(feature = "serve")]
pub(crate) use person::{Person, has_labels};
pub(crate) use pictures::{
    BLUE, RED, WHITE, two_classes, two_patterns, write_pattern, write_picture,
};
pub(crate) use report_page::{jpeg, page_of, pets, photo};
#[cfg(feature = "serve")]
pub(crate) use server::{Reply, Server, form, request, wait_for};
pub(crate) use stub::{Stub, digest, features, index_row, manifest, preprocessing};
