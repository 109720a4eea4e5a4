//! The accessibility rules of axe-core, run on the page that a browser shows.

use std::fs;
use std::path::Path;

use super::browser::Browser;

/// Where `scripts/axe.sh` unpacks axe-core, below the target directory.
const SCRIPT: &str = "axe-core/package/axe.min.js";

/// The source of axe-core.
pub(crate) struct Axe(String);

impl Axe {
    /// Reads axe-core; prints why a test is skipped if it is missing.
    pub(crate) fn installed() -> Option<Self> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
        let script = fs::read_to_string(target.join(SCRIPT));
        if script.is_err() {
            eprintln!("not tested: axe-core is missing; run scripts/axe.sh");
        }
        script.ok().map(Self)
    }

    /// Returns the serious and critical violations on the page: the rule, what is wrong, and the elements.
    pub(crate) fn violations(&self, browser: &Browser) -> Vec<String> {
        if browser.js("return typeof axe") == "undefined" {
            browser.js(&self.0);
        }
        browser.texts(
            "return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
               .filter(({ impact }) => impact === 'serious' || impact === 'critical')
               .map(({ id, help, nodes }) => `${id}: ${help}: `
                 + nodes.map((node) => `${node.target.join(' ')} (${node.any[0]?.message ?? ''})`).join('; ')))",
        )
    }
}
