//! The findings of an inspection as text: the first of each kind, and the number of others.

mod ranked;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use self::ranked::{outliers, shown, suspects};
use super::cells::cell;
use super::terminal::Text;
use frostline::phrases::counted;
use frostline::tasks::{
    ClassCount, Contradiction, Duplicates, InspectReport, InspectedImage, Leaked, Likeness,
    NearDuplicates, Side, TINY_CLASS,
};

/// The number of findings of each kind that are shown.
const SHOWN: usize = 10;

pub(super) fn text(report: &InspectReport) -> Text {
    let names = Names::of(report);
    let mut out = Text::new();
    out.lines(head(report, &names));
    let parts = [
        ("small classes", tiny(report)),
        ("duplicates", equal(report, &names)),
        ("near-duplicates", near(report, &names)),
        ("leakage", leakage(report, &names)),
        ("training images of the head", trained_on(report, &names)),
        ("contradictory labels", contradictions(report, &names)),
        ("labels to check", report.labels.as_ref().and_then(suspects)),
        ("outliers", outliers(report)),
    ];
    let looked_for = |kind: &str| match kind {
        "leakage" => report.leakage.is_some(),
        "duplicates" => report.duplicates.is_empty(),
        "near-duplicates" => report.near_duplicates.is_empty(),
        "training images of the head" => report.trained_on.as_ref().is_some_and(|t| t.recorded),
        "labels to check" => report.labels.is_some(),
        "small classes" | "contradictory labels" => !report.classes.is_empty(),
        _ => true,
    };
    let missing = parts
        .iter()
        .filter(|(kind, part)| part.is_none() && looked_for(kind));
    let missing: Vec<&str> = missing.map(|(kind, _)| *kind).collect();
    if !missing.is_empty() {
        out.line(format_args!("none found   {}", missing.join(", ")));
    }
    for part in parts.into_iter().filter_map(|(_, part)| part) {
        out.line("");
        out.lines(part);
    }
    out
}

/// The names of the two stores: the last components of their paths, or the full paths if these are equal.
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
        let name = |path: &PathBuf| if same { whole(path) } else { last(path) };
        Self {
            features: name(features),
            against: against.map(name),
        }
    }

    /// Returns the image's path, prefixed with the store's name if there are two stores.
    fn image(&self, image: &InspectedImage) -> String {
        let path = &image.path;
        match (&self.against, image.set) {
            (None, _) => path.clone(),
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
        format!(
            "similarity   near-duplicates from a cosine of {}",
            report.near
        ),
    ]
}

fn class(count: &ClassCount) -> String {
    format!("{} {}", cell(&count.name), count.n_images)
}

fn tiny(report: &InspectReport) -> Option<Vec<String>> {
    let heading = format!("small classes, with fewer than {TINY_CLASS} different images");
    let tiny: Vec<String> = report
        .classes
        .iter()
        .filter(|class| class.tiny)
        .map(|class| format!("  {:>4}  {}", class.n_different, cell(&class.name)))
        .collect();
    list(&heading, tiny, SHOWN)
}

fn equal(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let line = |group: &Duplicates| format!("  {}", names.images(&group.images));
    let groups = report.duplicates.iter();
    let groups = groups.filter(|group| !is_leakage(report, &group.images));
    list("groups of duplicates", groups.map(line).collect(), SHOWN)
}

fn near(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let line =
        |group: &NearDuplicates| format!("  {:.4}  {}", group.cosine, names.images(&group.images));
    let groups = report.near_duplicates.iter();
    let groups = groups.filter(|group| !is_leakage(report, &group.images));
    list(
        "groups of near-duplicates",
        groups.map(line).collect(),
        SHOWN,
    )
}

/// Returns whether the lines about leakage contain the whole group: one image of the first store, and images
/// of the other one that are all listed there.
fn is_leakage(report: &InspectReport, images: &[InspectedImage]) -> bool {
    let Some(leakage) = &report.leakage else {
        return false;
    };
    let (own, others): (Vec<_>, Vec<_>) =
        images.iter().partition(|image| image.set == Side::Features);
    let leaked: HashSet<&str> = leakage
        .images
        .iter()
        .map(|leaked| leaked.image.path.as_str())
        .collect();
    own.len() == 1
        && others
            .iter()
            .all(|image| leaked.contains(image.path.as_str()))
}

fn leakage(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let (leakage, against) = (report.leakage.as_ref()?, names.against.as_ref()?);
    let heading = format!(
        "leakage: {against} shares {} of its {} ({:.1} %) with {}: {}, {}",
        leakage.images.len(),
        counted(report.n_against, "image"),
        100.0 * leakage.share,
        names.features,
        counted(leakage.n_equal, "duplicate"),
        counted(leakage.n_near, "near-duplicate")
    );
    let line = |leaked: &Leaked| {
        let (image, twin) = (names.image(&leaked.image), names.image(&leaked.twin));
        format!("  {}  {image}  {twin}", likeness(leaked.likeness))
    };
    let lines: Vec<String> = leakage.images.iter().map(line).collect();
    (!lines.is_empty()).then(|| shown(heading, lines, SHOWN))
}

fn trained_on(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let found = report.trained_on.as_ref()?;
    if !found.recorded {
        return Some(vec![
            "the head does not record its training images".to_owned(),
        ]);
    }
    let heading = format!(
        "training images of the head: {} of the {} images; {} more were held out for validation",
        found.training.len(),
        report.n_images,
        found.n_held_out
    );
    let lines = found.training.iter();
    let lines: Vec<String> = lines
        .map(|image| format!("  {}", names.image(image)))
        .collect();
    (!lines.is_empty()).then(|| shown(heading, lines, SHOWN))
}

fn likeness(likeness: Likeness) -> String {
    match likeness {
        Likeness::Equal => "exact ".to_owned(),
        Likeness::Near { cosine } => format!("{cosine:.4}"),
    }
}

fn contradictions(report: &InspectReport, names: &Names) -> Option<Vec<String>> {
    let line = |found: &Contradiction| {
        format!(
            "  {}  {}",
            likeness(found.likeness),
            names.images(&found.images)
        )
    };
    let lines = report.contradictions.iter().map(line).collect();
    list(
        "duplicates or near-duplicates with different classes",
        lines,
        SHOWN,
    )
}

fn list(what: &str, lines: Vec<String>, most: usize) -> Option<Vec<String>> {
    (!lines.is_empty()).then(|| shown(format!("{what}: {}", lines.len()), lines, most))
}
