//! Notes about an import.

use super::talk;
use frostline::tasks::ImportNote;

pub(super) fn tell(notes: &[ImportNote]) {
    notes.iter().map(text).for_each(talk::note);
}

/// Returns the note, with option names instead of parameters.
fn text(note: &ImportNote) -> String {
    match note {
        ImportNote::Guessed { input, settings } => {
            let options = settings
                .iter()
                .map(|(name, value)| format!("--{name} {value}"));
            format!(
                "preprocessing guessed from the shape of its input `{input}` and from ImageNet defaults: {}; \
                 set the options that differ",
                options.collect::<Vec<_>>().join(" ")
            )
        }
        ImportNote::Positions {
            positions,
            features,
        } => format!(
            "its layer has {positions} positions; averaging over them with --pool mean leaves {features} \
             features"
        ),
        ImportNote::OtherWeights(_) => format!("{note}; choose with --weights"),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_can_be_typed() {
        let guessed = ImportNote::Guessed {
            input: "x".to_owned(),
            settings: vec![
                ("layout", "nchw".to_owned()),
                ("mean", "0.5,0.5,0.5".to_owned()),
            ],
        };
        assert_eq!(
            text(&guessed),
            "preprocessing guessed from the shape of its input `x` and from ImageNet defaults: --layout nchw \
             --mean 0.5,0.5,0.5; set the options that differ"
        );
    }
}
