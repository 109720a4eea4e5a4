//! `frostline doctor`.

use anyhow::bail;

use super::examples::examples;
use super::json::{self, doctor::Diagnosis};
use super::output::FindingsFormat;
use super::terminal::{self, Text};
use super::{Outcome, errors};
use frostline::backbones::Home;
use frostline::error::Error;
use frostline::phrases::counted;
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

fn is_limited(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Limited(_))
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
    let count = |is: fn(&Finding) -> bool| findings.iter().filter(|finding| is(finding)).count();
    if count(is_bad) == 0 {
        text.line("");
        text.line(passed(findings.len(), count(is_limited)));
    }
    text
}

/// Says that all checks passed; failed ones are counted by the error.
fn passed(checks: usize, limited: usize) -> String {
    let warnings = match limited {
        0 => String::new(),
        n => format!(", with {}", counted(n, "warning")),
    };
    format!("all {checks} checks passed{warnings}")
}

fn say(text: &mut Text, word: &str, subject: &str, error: &Error) {
    let problem = errors::with_causes(error);
    text.line(format_args!("{word} {subject}: {problem}"));
    if let Some(hint) = errors::hint(error) {
        text.line(format_args!("         hint: {hint}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_checks_and_warnings() {
        assert_eq!(passed(7, 0), "all 7 checks passed");
        assert_eq!(passed(7, 1), "all 7 checks passed, with 1 warning");
        assert_eq!(passed(7, 2), "all 7 checks passed, with 2 warnings");
    }
}
