//! The integration tests: one binary, a module for each thing that is tested.

mod borders;
mod cli;
mod golden_features;
mod golden_head;
mod golden_images;
mod golden_networks;
mod harness;
mod pipeline;
mod reference_job;
mod store;
mod synthetic_vgg19;
mod weights;
