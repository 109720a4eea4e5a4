//! `frostline doctor`.

use std::fmt::Write as _;

use anyhow::bail;

use super::Outcome;
use super::output::write_to;
use crate::backbones::Home;
use crate::error::Error;
use crate::tasks::{Verdict, doctor};

pub(super) fn run(home: &Home) -> anyhow::Result<Outcome> {
    let findings = doctor(home);
    let mut text = String::new();
    let mut bad = 0;
    for finding in &findings {
        let subject = &finding.subject;
        match &finding.verdict {
            Verdict::Good(details) => {
                let _ = writeln!(text, "ok       {subject}: {details}");
            }
            Verdict::Limited { problem, hint } => {
                let _ = writeln!(text, "warning  {subject}: {problem}\n         hint: {hint}");
            }
            Verdict::Bad { problem, hint } => {
                bad += 1;
                let _ = writeln!(text, "MISSING  {subject}: {problem}");
                if let Some(hint) = hint {
                    let _ = writeln!(text, "         hint: {hint}");
                }
            }
        }
    }
    write_to(None, |out| {
        out.write_all(text.as_bytes())
            .map_err(Error::io("write", "standard output"))
    })?;
    if bad > 0 {
        bail!("{bad} of {} checks failed", findings.len());
    }
    Ok(Outcome::AllRight)
}
