//! Building blocks of messages: counts and lists of names.

/// Formats a count with its noun: `1 image`, `2 images`, `3 classes`.
#[must_use]
pub fn counted(n: usize, what: &str) -> String {
    let plural = match (n, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{n} {what}{plural}")
}

/// Shortens text from a file to its first 60 characters for a message.
pub(crate) fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(60) {
        None => text.into(),
        Some((end, _)) => format!("{}…", &text[..end]).into(),
    }
}

/// Joins at most ten names for a message, each in backticks, separated by commas; the rest are counted.
#[must_use]
pub fn in_quotes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let first = names.by_ref().take(10);
    let listed: Vec<String> = first.map(|name| format!("`{}`", shortened(name))).collect();
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    listed.join(", ") + &more
}

/// Joins all names for a message, each in backticks, separated by commas.
pub(crate) fn all_in_quotes<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    let names = names.into_iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        let text = [
            (0, "image"),
            (1, "image"),
            (2, "image"),
            (1, "class"),
            (2, "class"),
        ];
        let text = text.map(|(n, what)| counted(n, what)).join(", ");
        assert_eq!(text, "0 images, 1 image, 2 images, 1 class, 2 classes");
    }

    #[test]
    fn lists_of_names_end() {
        let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        let listed = |n| in_quotes(names(n).iter().map(String::as_str));
        assert_eq!(
            (listed(0), listed(2)),
            (String::new(), "`0`, `1`".to_owned())
        );
        assert!(listed(10).ends_with("`8`, `9`"));
        assert!(listed(20_003).ends_with("`9` and 19993 more"));
        let long = "ä".repeat(61);
        assert_eq!(in_quotes([&*long]), format!("`{}…`", "ä".repeat(60)));
    }
}
