//! The checks of `doctor` as JSON.

use serde::Serialize;

use crate::cli::errors;
use frostline::error::Error;
use frostline::tasks::{Finding, Verdict};

/// The result of `doctor`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Diagnosis<'a> {
    n_failed: usize,
    checks: Vec<Check<'a>>,
}

/// The result of one check.
#[derive(Debug, Serialize)]
struct Check<'a> {
    subject: &'a str,
    status: Status,
    details: String,
    fix: Option<String>,
}

/// The state of what was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Failed,
}

impl<'a> From<&'a [Finding]> for Diagnosis<'a> {
    fn from(findings: &'a [Finding]) -> Self {
        let checks: Vec<Check<'_>> = findings.iter().map(Check::from).collect();
        let failed = checks.iter().filter(|check| check.status == Status::Failed);
        Self {
            n_failed: failed.count(),
            checks,
        }
    }
}

impl<'a> From<&'a Finding> for Check<'a> {
    fn from(finding: &'a Finding) -> Self {
        let problem = |error: &Error| (errors::with_causes(error), errors::hint(error));
        let (status, (details, fix)) = match &finding.verdict {
            Verdict::Good(details) => (Status::Ok, (details.clone(), None)),
            Verdict::Limited(error) => (Status::Warning, problem(error)),
            Verdict::Bad(error) => (Status::Failed, problem(error)),
        };
        Self {
            subject: &finding.subject,
            status,
            details,
            fix,
        }
    }
}
