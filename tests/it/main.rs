//! The integration tests: one binary, a module for each thing that is tested.

mod borders;
mod cli_cases;
mod golden_features;
mod golden_head;
mod golden_images;
mod harness;
mod pipeline;
mod reference_job;
mod steps_output;
mod steps_rows;
mod steps_runtime;
mod steps_settings;
mod steps_store;
mod store;
