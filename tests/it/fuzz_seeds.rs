//! The seeds of every fuzz target: valid files are accepted, and inputs of past faults do no harm.

#[path = "../../examples/mutate/seeds/mod.rs"]
mod seeds;
#[path = "../../examples/mutate/targets/mod.rs"]
mod targets;

use std::panic;

use frostline::images::Format;

use self::seeds::Wanted;
/// Shared by all tests that write networks.
pub(crate) use self::seeds::network::messages as onnx_messages;

#[test]
fn every_seed_is_accepted_or_refused_as_it_must_be() {
    let mut wrong = Vec::new();
    for target in targets::TARGETS {
        let seeds = seeds::of(target.name);
        let whole = seeds.iter().any(|seed| seed.wanted == Wanted::Accepted);
        let absent = [
            ("heic", Format::Heic),
            ("avif", Format::Avif),
            ("jxl", Format::Jxl),
        ]
        .iter()
        .any(|(name, format)| target.name.ends_with(name) && !format.is_built_in());
        assert!(whole != absent, "{} has no valid seed", target.name);
        for seed in seeds {
            let outcome = panic::catch_unwind(|| target.run(&seed.bytes));
            let right = match (&outcome, seed.wanted) {
                (Ok(outcome), Wanted::Accepted) => outcome.is_ok(),
                (Ok(outcome), Wanted::Refused) => outcome.is_err(),
                (Ok(_), Wanted::Unharmed) => true,
                (Err(_), _) => false,
            };
            if !right {
                let (name, about) = (target.name, target.about);
                wrong.push(format!("{name}, {about}, {}: {outcome:?}", seed.what));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Recomputing the checksums leaves a valid file unchanged.
#[test]
fn sealing_a_whole_file_again_changes_nothing() {
    for target in targets::TARGETS {
        for seed in seeds::of(target.name) {
            if seed.wanted == Wanted::Accepted {
                let mut again = seed.bytes.clone();
                target.reseal(&mut again);
                assert!(again == seed.bytes, "{}, {}", target.name, seed.what);
            }
        }
    }
}
