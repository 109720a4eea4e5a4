//! The options that belong to the library's parameters.

/// The library's texts about parameters in reasons and notes, which also appear in files, and the command
/// line's replacements.
const IN_TEXTS: [(&str, &str); 6] = [
    ("set `from_folders`", "add --from-folders"),
    ("(`max_pixels`)", "(raise it with --max-pixels)"),
    ("(`max_bytes`)", "(raise it with --max-bytes)"),
    ("(`compact`)", "(run `frostline features compact`)"),
    ("keep f32 (`dtype`)", "keep f32 (--dtype f32)"),
    ("set a smaller `batch_size`", "set a smaller --batch-size"),
];

/// Returns a reason or a note with option names instead of parameters.
pub(in crate::cli) fn with_flags(text: &str) -> String {
    let named = |text: String, (name, flag): (&str, &str)| text.replace(name, flag);
    IN_TEXTS.into_iter().fold(text.to_owned(), named)
}

/// Returns an addition to the range of a parameter.
pub(super) fn remark(name: &str) -> &'static str {
    match name {
        "url" => " (use --from for a local file)",
        _ => "",
    }
}

/// Returns the option that sets a parameter of the library: usually its name with hyphens. Values in files
/// are checked when a file is read, and the error then names the file.
pub(super) fn flag(name: &str) -> String {
    let name = match name {
        "out_of_fold" => "folds",
        "rate" => "reject",
        "resamples" => "intervals",
        name => name,
    };
    format!("--{}", name.replace('_', "-"))
}

/// Returns the range of a parameter, with option names instead of other parameters.
pub(super) fn condition(wanted: &str) -> &str {
    match wanted {
        "above 0 with `nesterov`" => "above 0 with --nesterov",
        "a size, unless `resize` is WIDTHxHEIGHT: a network needs images of one size" => {
            "a size, unless --resize is WIDTHxHEIGHT: a network needs images of one size"
        }
        "unset with the solver `lbfgs`" => "unset with --solver lbfgs",
        "unset with the solver `linfa`" => "unset with --solver linfa",
        wanted => wanted,
    }
}

#[cfg(test)]
mod tests {
    use frostline::SkipReason;
    use frostline::head::{Bootstrap, FitParams, Schedule, Solver};
    use frostline::images::{Crop, Preprocessing};
    use linfa::ParamGuard;

    use super::super::{is_usage, message};
    use super::*;

    #[test]
    fn names_are_flags() {
        assert_eq!(flag("max_iter"), "--max-iter");
        assert_eq!(flag("scale"), "--scale");
        assert_eq!(flag("rate"), "--reject");
    }

    #[test]
    fn reasons_name_the_flag() {
        let said = |reason: SkipReason| with_flags(&reason.to_string());
        let (bytes, limit) = (1_610_612_736, 512 << 20);
        assert_eq!(
            said(SkipReason::TooLong { bytes, limit }),
            "has 1,610,612,736 bytes, over the limit of 536,870,912 (raise it with --max-bytes)"
        );
        let (width, height, limit) = (20_000, 20_000, 178_956_970);
        assert_eq!(
            said(SkipReason::TooLarge {
                width,
                height,
                limit
            }),
            "is 20000 × 20000 = 400,000,000 pixels, over the limit of 178,956,970 (raise it with \
             --max-pixels)"
        );
        assert!(
            said(SkipReason::BeyondF16("1000000".to_owned())).ends_with("keep f32 (--dtype f32)")
        );
    }

    #[test]
    fn parameters_of_preprocessing_are_named_by_their_flags() {
        let refused = |change: &dyn Fn(&mut Preprocessing)| {
            let mut settings = Preprocessing::default();
            change(&mut settings);
            let error = settings.check().unwrap_err();
            assert!(is_usage(&error), "{error}");
            message(&error)
        };
        assert_eq!(
            refused(&|p| p.mean = [f32::NAN; 3]),
            "`--mean` is NaN,NaN,NaN, but must be finite"
        );
        assert_eq!(
            refused(&|p| p.scale = 0.0),
            "`--scale` is 0, but must be finite and above 0"
        );
        assert_eq!(
            refused(&|p| p.crop = Crop::None),
            "`--crop` is none, but must be a size, unless --resize is WIDTHxHEIGHT: a network needs images \
             of one size"
        );
    }

    #[test]
    fn parameters_of_a_fit_are_named_by_their_flags() {
        let refused = |params: FitParams| message(&params.check().unwrap_err());
        let p = FitParams::new;
        assert_eq!(
            refused(p().weight_decay(-1.0)),
            "`--weight-decay` is -1, but must be a finite number, 0 or more"
        );
        assert_eq!(
            refused(p().nesterov(true).momentum(0.0)),
            "`--momentum` is 0, but must be above 0 with --nesterov"
        );
        for solver in [Solver::Lbfgs, Solver::Linfa] {
            let said = refused(p().solver(solver).schedule(Schedule::Cosine));
            let name = solver.name();
            assert_eq!(
                said,
                format!("`--schedule` is set, but must be unset with --solver {name}")
            );
        }
        assert!(refused(p().max_iter(0)).starts_with("`--max-iter` is 0"));
        let bootstrap = Bootstrap::new(100_001, 0);
        assert_eq!(
            message(&bootstrap.check().unwrap_err()),
            "`--intervals` is 100001, but must be at most 100000"
        );
    }
}
