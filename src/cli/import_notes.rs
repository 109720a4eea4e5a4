//! What is said of an import besides that it worked.

use super::talk;
use frostline::tasks::ImportNote;

pub(super) fn tell(notes: &[ImportNote]) {
    notes.iter().map(text).for_each(talk::note);
}

/// The note, with flags in the place of parameters.
fn text(note: &ImportNote) -> String {
    match note {
        ImportNote::Guessed { input, settings } => {
            let options = settings
                .iter()
                .map(|(name, value)| format!("--{name} {value}"));
            format!(
                "guessed from the shape of its input `{input}`, and else from ImageNet's networks: {}; say \
                 what is otherwise",
                options.collect::<Vec<_>>().join(" ")
            )
        }
        ImportNote::Positions {
            positions,
            features,
        } => format!(
            "its layer has {positions} positions; `--pool mean` averages over them, to {features} features"
        ),
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
            "guessed from the shape of its input `x`, and else from ImageNet's networks: --layout nchw \
             --mean 0.5,0.5,0.5; say what is otherwise"
        );
    }
}
