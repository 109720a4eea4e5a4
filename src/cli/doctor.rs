//! `frostline doctor`.

use anyhow::bail;

use super::Outcome;
use super::terminal::{self, Text};
use frostline::backbones::Home;
use frostline::tasks::{Verdict, doctor};

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
            Verdict::Limited { problem, hint } => {
                text.line(format_args!("warning  {subject}: {problem}"));
                text.line(format_args!("         hint: {hint}"));
            }
            Verdict::Bad { problem, hint } => {
                bad += 1;
                text.line(format_args!("MISSING  {subject}: {problem}"));
                if let Some(hint) = hint {
                    text.line(format_args!("         hint: {hint}"));
                }
            }
        }
    }
    terminal::print(&text)?;
    if bad > 0 {
        bail!("{bad} of {} checks failed", findings.len());
    }
    Ok(Outcome::AllRight)
}
