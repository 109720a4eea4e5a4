#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| frostline_fuzz::run("class_weights_csv", bytes));
