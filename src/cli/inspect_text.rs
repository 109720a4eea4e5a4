//! What an inspection found, for people: the first of each kind, and how many more there are.

use std::path::{Path, PathBuf};

use crate::images::path_text::for_terminal;
use crate::tasks::{
    ClassCount, InspectReport, InspectedImage, LabelReport, Likeness, Outlier, Side, SuspectImage,
    Unlike,
};

/// Findings of a kind that are shown; suspects get more, since they are a list to work through.
const SHOWN: usize = 10;
const SUSPECTS: usize = 30;

pub(super) fn text(report: &InspectReport) -> String {
    let names = Names::of(report);
    let mut out = head(report, &names);
    let parts = [
        tiny(report),
        equal(report, &names),
        near(report, &names),
        leakage(report, &names),
        contradictions(report, &names),
        report.labels.as_ref().and_then(suspects),
        outliers(report),
    ];
    for part in parts.into_iter().flatten() {
        out.push(String::new());
        out.extend(part);
    }
    out.join("\n") + "\n"
}

/// What the two stores are called: the last parts of their paths, whole paths where those are equal.
struct Names {
    features: String,
    against: Option<String>,
}

impl Names {
    fn of(report: &InspectReport) -> Self {
        let last = |path: &Path| {
            path.file_name().map_or(path.display().to_string(), |name| {
                name.display().to_string()
            })
        };
        let (features, against) = (&report.features, report.against.as_ref());
        let whole = |path: &PathBuf| path.display().to_string();
        let same = against.is_some_and(|against| last(against) == last(features));
        let name = |path: &PathBuf| for_terminal(&if same { whole(path) } else { last(path) });
        Self {
            features: name(features),
            against: against.map(name),
        }
    }

    /// The image's path, after the store's name where there are two.
    fn image(&self, image: &InspectedImage) -> String {
        let path = for_terminal(&image.path);
        match (&self.against, image.set) {
            (None, _) => path,
            (Some(_), Side::Features) => format!("{}: {path}", self.features),
            (Some(against), Side::Against) => format!("{against}: {path}"),
        }
    }

    fn images(&self, images: &[InspectedImage]) -> String {
        let shown: Vec<String> = images
            .iter()
            .take(SHOWN)
            .map(|image| self.image(image))
            .collect();
        let more = match images.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        shown.join("  ") + &more
    }
}

fn head(report: &InspectReport, names: &Names) -> Vec<String> {
    let classes: Vec<String> = report.classes.iter().map(class).collect();
    let images = match &names.against {
        None => report.n_images.to_string(),
        Some(against) => format!(
            "{} in {}, {} in {against}",
            report.n_images, names.features, report.n_against
        ),
    };
    let classes = if classes.is_empty() {
        "none".to_owned()
    } else {
        classes.join(", ")
    };
    vec![
        format!("images       {images}"),
        format!("classes      {classes}"),
        format!("nearly equal from a cosine of {} on", report.near),
    ]
}

fn class(count: &ClassCount) -> String {
    format!("{} {}", for_terminal(&count.name), count.n_images)
}

fn tiny(report: &InspectReport) -> Option<Vec<String>> {
    let tiny: Vec<String> = report
        .classes
        .iter()
        .filter(|class| class.tiny)
        .map(|class| format!("  {:>4}  {}", class.n_different, for_terminal(&class.name)))
        .collect();
    list("tiny classes, by their different images", tiny, SHOWN)
}

fn equal(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let groups = report
        .duplicates
        .iter()
        .map(|group| format!("  {}", names.images(&group.images)));
    list("groups of equal images", groups.collect(), SHOWN)
}

fn near(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let line = |group: &crate::tasks::NearDuplicates| {
        format!("  {:.4}  {}", group.cosine, names.images(&group.images))
    };
    let groups = report.near_duplicates.iter().map(line).collect();
    list("groups of nearly equal images", groups, SHOWN)
}

fn leakage(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let (leakage, against) = (report.leakage.as_ref()?, names.against.as_ref()?);
    let heading = format!(
        "{} of the {} images of {against} ({:.1} %) are in {} too: {} equal, {} nearly equal",
        leakage.images.len(),
        report.n_against,
        100.0 * leakage.share,
        names.features,
        leakage.n_equal,
        leakage.n_near
    );
    let line = |leaked: &crate::tasks::Leaked| {
        let (image, twin) = (names.image(&leaked.image), names.image(&leaked.twin));
        format!("  {}  {image}  {twin}", likeness(leaked.likeness))
    };
    let lines = leakage.images.iter().map(line).collect();
    Some(shown(heading, lines, SHOWN))
}

fn likeness(likeness: Likeness) -> String {
    match likeness {
        Likeness::Equal => "equal ".to_owned(),
        Likeness::Near { cosine } => format!("{cosine:.4}"),
    }
}

fn contradictions(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let line = |found: &crate::tasks::Contradiction| {
        format!(
            "  {}  {}",
            likeness(found.likeness),
            names.images(&found.images)
        )
    };
    let lines = report.contradictions.iter().map(line).collect();
    list(
        "times equal or nearly equal images have different classes",
        lines,
        SHOWN,
    )
}

fn suspects(labels: &LabelReport) -> Option<Vec<String>> {
    if labels.suspects.is_empty() {
        return None;
    }
    let confident = labels
        .suspects
        .iter()
        .filter(|suspect| suspect.confident)
        .count();
    let heading = format!(
        "{} labels may be wrong, {confident} of them (*) likely; about {:.0} are (confident learning, {} folds, {:.1} % right)",
        labels.suspects.len(),
        labels.estimated_errors,
        labels.folds,
        100.0 * labels.accuracy
    );
    let widths = labels.suspects.iter().take(SUSPECTS).map(|suspect| {
        let class = suspect.image.class.as_deref().unwrap_or_default();
        (width(class), width(&suspect.suggested))
    });
    let widths = widths.fold((0, 0), |a, b| (a.0.max(b.0), a.1.max(b.1)));
    let lines = labels
        .suspects
        .iter()
        .map(|suspect| suspect_line(suspect, widths))
        .collect();
    Some(shown(heading, lines, SUSPECTS))
}

fn suspect_line(suspect: &SuspectImage, (given_width, suggested_width): (usize, usize)) -> String {
    let given = for_terminal(suspect.image.class.as_deref().unwrap_or_default());
    let (suggested, path) = (
        for_terminal(&suspect.suggested),
        for_terminal(&suspect.image.path),
    );
    format!(
        "{:>5}{} {given:given_width$} {:5.1} %  rather {suggested:suggested_width$} {:5.1} %  {path}",
        suspect.rank,
        if suspect.confident { '*' } else { ' ' },
        100.0 * suspect.given_probability,
        100.0 * suspect.suggested_probability,
    )
}

fn width(name: &str) -> usize {
    for_terminal(name).chars().count()
}

fn outliers(report: &InspectReport) -> Option<Vec<String>> {
    let line = |outlier: &Outlier| {
        let what = match outlier.unlike {
            Unlike::Everything => "everything",
            Unlike::Class => "its class",
        };
        format!(
            "  {:.3} (far from {:.3})  unlike {what:10}  {}",
            outlier.distance,
            outlier.limit,
            for_terminal(&outlier.image.path)
        )
    };
    let lines = report.outliers.iter().map(line).collect();
    list(
        "outliers, by the mean cosine distance to the five nearest",
        lines,
        SHOWN,
    )
}

fn list(what: &str, lines: Vec<String>, most: usize) -> Option<Vec<String>> {
    (!lines.is_empty()).then(|| shown(format!("{} {what}", lines.len()), lines, most))
}

fn shown(heading: String, lines: Vec<String>, most: usize) -> Vec<String> {
    let more = lines.len().saturating_sub(most);
    let mut out = vec![heading];
    out.extend(lines.into_iter().take(most));
    if more > 0 {
        out.push(format!("  and {more} more, all in --format json"));
    }
    out
}
