//! `frostline doctor`.

use anyhow::bail;

use super::examples::examples;
use super::json::{self, doctor::Diagnosis};
use super::output::FindingsFormat;
use super::terminal::{self, Text};
use super::{Outcome, errors};
use frostline::backbones::Home;
use frostline::error::Error;
use frostline::tasks::{Finding, Verdict, doctor};

const EXAMPLES: &str = examples! {
    "Check ONNX Runtime, the backbones and the devices":
    "frostline doctor"
    "Check another installation":
    "FROSTLINE_HOME=/opt/frostline frostline doctor"
};

#[derive(Debug, Clone, Copy, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: FindingsFormat,
}

pub(super) fn run(args: Args, home: &Home) -> anyhow::Result<Outcome> {
    let findings = doctor(home);
    match args.format {
        FindingsFormat::Text => terminal::print(&text(&findings))?,
        FindingsFormat::Json => json::print(&Diagnosis::from(&*findings))?,
    }
    let bad = findings.iter().filter(|finding| is_bad(finding)).count();
    if bad > 0 {
        bail!("{bad} of {} checks failed", findings.len());
    }
    Ok(Outcome::AllRight)
}

fn is_bad(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Bad(_))
}

fn text(findings: &[Finding]) -> Text {
    let mut text = Text::new();
    for finding in findings {
        let subject = &finding.subject;
        match &finding.verdict {
            Verdict::Good(details) => {
                text.line(format_args!("ok       {subject}: {details}"));
            }
            Verdict::Limited(error) => say(&mut text, "warning ", subject, error),
            Verdict::Bad(error) => say(&mut text, "MISSING ", subject, error),
        }
    }
    text
}

fn say(text: &mut Text, word: &str, subject: &str, error: &Error) {
    let problem = errors::with_causes(error);
    text.line(format_args!("{word} {subject}: {problem}"));
    if let Some(hint) = errors::hint(error) {
        text.line(format_args!("         hint: {hint}"));
    }
}
