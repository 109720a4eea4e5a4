//! `frostline doctor`.

use anyhow::bail;

use super::examples::examples;
use super::terminal::{self, Text};
use super::{Outcome, errors};
use frostline::backbones::Home;
use frostline::error::Error;
use frostline::tasks::{Verdict, doctor};

pub(super) const EXAMPLES: &str = examples! {
    "Check ONNX Runtime, the backbones and the devices":
    "frostline doctor"
    "Check another installation":
    "FROSTLINE_HOME=/opt/frostline frostline doctor"
};

pub(super) fn run(home: &Home) -> anyhow::Result<Outcome> {
    let findings = doctor(home);
    let mut text = Text::new();
    let mut bad = 0;
    for finding in &findings {
        let subject = &finding.subject;
        match &finding.verdict {
            Verdict::Good(details) => {
                text.line(format_args!("ok       {subject}: {details}"));
            }
            Verdict::Limited(error) => say(&mut text, "warning ", subject, error),
            Verdict::Bad(error) => {
                bad += 1;
                say(&mut text, "MISSING ", subject, error);
            }
        }
    }
    terminal::print(&text)?;
    if bad > 0 {
        bail!("{bad} of {} checks failed", findings.len());
    }
    Ok(Outcome::AllRight)
}

fn say(text: &mut Text, word: &str, subject: &str, error: &Error) {
    let problem = errors::with_causes(error);
    text.line(format_args!("{word} {subject}: {problem}"));
    if let Some(hint) = errors::hint(error) {
        text.line(format_args!("         hint: {hint}"));
    }
}
