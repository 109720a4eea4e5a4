//! The integration tests: one binary, a module for each thing that is tested.

mod borders;
mod cli_cases;
mod devices;
mod download;
mod golden_evaluation;
mod golden_features;
mod golden_head;
mod golden_images;
mod golden_networks;
mod harness;
mod import_onnx;
mod judge;
mod pipeline;
mod preview;
mod pull;
mod reference_job;
mod scripted_server;
mod steps_output;
mod steps_rows;
mod steps_runtime;
mod steps_settings;
mod steps_store;
mod store;
mod synthetic_vgg19;
mod views;
mod weights;
