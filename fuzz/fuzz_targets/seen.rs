#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| frostline_fuzz::run("seen", bytes));
