//! Hints for networks on the Hugging Face hub.

use frostline::error::HubProblem;

/// Returns what the user can do about the problem.
pub(super) fn hint(problem: &HubProblem) -> Option<String> {
    let hint = match problem {
        HubProblem::NotFound { token: true } => "check the name, and that your token may read it",
        HubProblem::NotFound { token: false } => {
            "check the name; if the repository is private, set HF_TOKEN to a token that may read it"
        }
        HubProblem::NoRevision { .. } => "name a branch, a tag or a commit of it after `@`",
        HubProblem::NoFile { .. } => "name one of its ONNX files: hf:OWNER/NAME/FILE",
        HubProblem::Gated { page, token } => {
            let token = if *token {
                "and check that HF_TOKEN is a token of that account"
            } else {
                "and set HF_TOKEN to a token of your account"
            };
            return Some(format!("accept the conditions on {page}, {token}"));
        }
        HubProblem::Denied { token: true, .. } => {
            "check that HF_TOKEN is valid and may read the repository"
        }
        HubProblem::Denied { token: false, .. } => "set HF_TOKEN to a token of your account",
        HubProblem::Limited { .. } => {
            "run the command again later; requests with a token (HF_TOKEN) have higher limits"
        }
        HubProblem::Unusable { .. } => {
            "check the connection; set HTTPS_PROXY or ALL_PROXY to a proxy, or HF_ENDPOINT to a mirror"
        }
        HubProblem::Transfer { kept, .. } => {
            return Some(match kept {
                0 => "run the command again".to_owned(),
                kept => format!(
                    "run the command again: {kept} bytes are saved, and it continues from there"
                ),
            });
        }
        HubProblem::Changed { .. } => "run the command again",
        HubProblem::Cached { .. } => {
            "remove the file from the cache, or set HF_HOME to another folder"
        }
        HubProblem::NoNetwork { several: true, .. } => "name one of them: hf:OWNER/NAME/FILE",
        HubProblem::NoNetwork { .. } | HubProblem::Variant { .. } => {
            "export the network to ONNX (for example with optimum), and install the file with `frostline \
             models import`"
        }
        HubProblem::Offline { .. } => {
            "unset HF_HUB_OFFLINE, or set HF_HOME to the folder of a cache that has it"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
