//! The integration tests: one binary with one module per topic.

mod borders;
mod bundle;
mod cli_cases;
mod compact;
#[cfg(unix)]
mod completions;
mod convolutions;
#[cfg(feature = "serve")]
mod deploy;
mod devices;
mod download;
mod drift;
mod entry_points;
mod export;
mod exported_networks;
mod fuzz_seeds;
mod golden_evaluation;
mod golden_features;
mod golden_head;
mod golden_images;
mod golden_logistic;
mod golden_networks;
mod harness;
mod help;
mod hostile_home;
mod hostile_text;
mod import_cycles;
mod import_onnx;
mod inputs;
mod inspect;
mod jpeg_exact;
mod json;
#[cfg(feature = "serve")]
mod label;

mod known_files;
mod label_files;
#[cfg(feature = "serve")]
mod label_page;
mod labelled_predictions;
mod linfa_logistic;
mod man;
mod many_images;
#[cfg(target_os = "linux")]
mod memory;
mod merged_rows;
mod merged_tables;
mod newer_formats;
mod on_device;
mod only_new;
mod outputs;
mod pipeline;
mod pixel_version;
mod preview;
mod prose;
mod provenance;
mod public_names;
mod published;
mod pull;
mod pull_hub;
mod raised_operators;
mod reference_job;
mod report;
mod report_accessibility;
mod report_browser;
mod report_looks;
mod scripted_server;
mod sealed_store;
#[cfg(feature = "serve")]
mod serve;
mod setup;
mod shard_runs;
#[cfg(unix)]
mod snippets;
mod steps_again;
mod steps_damaged;
mod steps_interrupted;
mod steps_listed;
mod steps_merge;
mod steps_numbers;
mod steps_output;
mod steps_read_only;
mod steps_rows;
mod steps_runtime;
mod steps_settings;
mod steps_shards;
mod steps_store;
mod steps_threads;
mod store;
mod streaming;
mod synthetic_vgg19;
mod unknown;
mod version_1;
mod views;
mod weights;
mod worker;
