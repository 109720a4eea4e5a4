//! The instruction sets of this CPU, for which ONNX Runtime optimises a graph.

/// Returns their names. A graph optimised for other instruction sets may be slower here, or not run at all.
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

/// Returns their names. A graph optimised for other instruction sets may be slower here, or not run at all.
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

/// Returns only the architecture, because its instruction sets cannot be detected.
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
