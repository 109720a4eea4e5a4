//! The instruction sets of this CPU, by which ONNX Runtime lays out a graph.

/// Their names; a graph that was optimised with others may be slower here, or not run.
#[cfg(target_arch = "x86_64")]
pub(super) fn instruction_sets() -> String {
    macro_rules! detected {
        ($($name:tt),*) => {
            [$(($name, std::arch::is_x86_feature_detected!($name))),*]
        };
    }
    let all = detected!(
        "sse4.1",
        "avx",
        "avx2",
        "fma",
        "f16c",
        "avx512f",
        "avx512bw",
        "avx512dq",
        "avx512vl",
        "avx512vnni",
        "avx512bf16"
    );
    named("x86_64", &all)
}

/// Their names; a graph that was optimised with others may be slower here, or not run.
#[cfg(target_arch = "aarch64")]
pub(super) fn instruction_sets() -> String {
    macro_rules! detected {
        ($($name:tt),*) => {
            [$(($name, std::arch::is_aarch64_feature_detected!($name))),*]
        };
    }
    named(
        "aarch64",
        &detected!("neon", "fp16", "dotprod", "i8mm", "bf16", "sve"),
    )
}

/// Only the architecture, where nothing is known of its instruction sets.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn instruction_sets() -> String {
    named(std::env::consts::ARCH, &[])
}

fn named(architecture: &str, sets: &[(&str, bool)]) -> String {
    let there = sets.iter().filter(|(_, there)| *there);
    there.fold(architecture.to_owned(), |text, (name, _)| text + " " + name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_named() {
        let sets = [("avx", true), ("avx2", false), ("fma", true)];
        assert_eq!(named("x86_64", &sets), "x86_64 avx fma");
    }
}
