//! Hints for errors of `head` and for warnings about a fit.

use super::parameters::flag;
use frostline::error::{AllFeatures, DataProblem, HeadError, Pair, RejectionProblem};
use frostline::head::{ClassWeight, FitWarning, Solver};
use frostline::phrases::counted;

/// Returns the message, with option names instead of parameters.
pub(super) fn message(error: &HeadError) -> String {
    let text = error.to_string();
    match error {
        HeadError::PatienceAlone => text.replacen("`patience`", "`--patience`", 1),
        HeadError::NothingToSearch { fixed } => fixed.iter().fold(text, |text, name| {
            text.replacen(&format!("`{name}`"), &format!("`{}`", flag(name)), 1)
        }),
        HeadError::NeedsAllFeatures(what) => {
            let flag = match what {
                AllFeatures::Solver(name) => format!("`--solver {name}`"),
                _ => "`--standardize`".to_owned(),
            };
            text.replacen(&what.to_string(), &flag, 1)
        }
        _ => text,
    }
}

/// Returns what the user can do about the error.
pub(super) fn hint(error: &HeadError) -> Option<String> {
    let hint = match error {
        HeadError::Data(problem) => return data(problem).map(ToOwned::to_owned),
        HeadError::Rejection(RejectionProblem::FewImages { rate, .. }) => {
            let enough = RejectionProblem::enough_for(*rate);
            return Some(format!(
                "use at least {} without counting near-duplicates, or a higher --reject",
                counted(enough, "image")
            ));
        }
        HeadError::ManyFigures { figures, most, .. } => {
            let resamples = most / (*figures).max(1);
            return Some(format!(
                "set --intervals to at most {resamples}, or to 0 for no intervals"
            ));
        }
        HeadError::Rejection(_) => "train the head again with `frostline fit-head --reject`",
        HeadError::Diverged { decay, .. } if *decay >= 2.0 => {
            "lower --weight-decay or --lr: their product must be below 2"
        }
        HeadError::Diverged { .. } => {
            "lower --lr to a tenth, or check the features for very large values"
        }
        HeadError::NotConverged { .. } => {
            "use --standardize, a larger --l2 or a larger --tol, or raise --max-iter if it was reached"
        }
        HeadError::PatienceAlone => "add --validation FEATURES or --validation-split 0.2",
        HeadError::NeedsAllFeatures(AllFeatures::Standardize) => "omit it, or raise --memory",
        HeadError::NeedsAllFeatures(_) => "use `--solver sgd`, or raise --memory",
        HeadError::NoSearch { .. } => "search with --solver lbfgs, which has the same minimum",
        HeadError::NothingToSearch { .. } => "omit an option that fixes a value, or omit --search",
        HeadError::NoCandidate => "check the features for very large values, or add --standardize",
        HeadError::OtherStart { .. } => "train on the head's classes and features",
        HeadError::Step { .. } => "train on the head's classes and features, and on existing rows",
        HeadError::LinfaViews { .. }
        | HeadError::LinfaClass { .. }
        | HeadError::LinfaLogistic(_) => "use the solver `lbfgs`",
        HeadError::ModelNotFinite => "standardize the features or use a stronger penalty",
        HeadError::Ragged | HeadError::RowsNotFinite => {
            "pass a row of finite values for each class, with one value for each feature"
        }
        HeadError::NotFinite => "train it again with a lower --lr",
        HeadError::RowsAndClasses { .. } => "pass one row for each class",
        HeadError::Classes(_) => "rename the class",
        HeadError::OtherRejection | HeadError::OtherPredictions => "fit both on the same images",
        HeadError::LongHeader { .. } => "train with fewer --epochs",
        HeadError::Temperature(_) => "train it again with `frostline fit-head --calibrate`",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn data(problem: &DataProblem) -> Option<&'static str> {
    Some(match problem {
        DataProblem::NoFeatures => "extract some images first",
        DataProblem::Rows { .. } => "pass one target for each row",
        DataProblem::Targets { .. } => "pass one of each for every row",
        DataProblem::NotFinite { .. } => {
            "run the same `frostline extract` again with --verify: it recomputes damaged features and names \
             images that have no usable ones"
        }
        DataProblem::Target { .. } => "get the targets from `class_to_idx` of the same classes",
        DataProblem::Gaps { .. } => "number the classes from 0 without gaps",
        DataProblem::OneClass { .. } => {
            "put the images of each class into a separate folder, or label images of another class"
        }
        DataProblem::Widths {
            pair: Pair::Compared,
            ..
        } => "extract both with the same backbone",
        DataProblem::Widths {
            pair: Pair::Head, ..
        } => "use the backbone and layer that the head was trained on",
        DataProblem::Widths { .. } | DataProblem::OtherClasses => {
            "extract both with the same backbone, from folders with the same classes"
        }
        DataProblem::Folds { .. } => "use fewer --folds, or more images",
        DataProblem::OneClassOutside { .. } => {
            "use at least two different images of each of two classes"
        }
        DataProblem::ClassesWithoutWeight(_) | DataProblem::WeightsWithoutClass(_) => {
            "list each class of the features once, by its exact name"
        }
        DataProblem::ClassWeights { .. } => "pass one finite weight above 0 for each class",
        DataProblem::WeightsUnused { .. } => "use the solver `lbfgs`, or omit the weights",
        DataProblem::WeightsAndBalance => "multiply the sample weights by the class weights",
        DataProblem::SampleWeights { .. } => "pass one weight for each sample",
        DataProblem::WeightsOutOfRange => "check the weights of the data set",
        DataProblem::NothingToEvaluate => "pass at least one labelled image",
        DataProblem::Probabilities { .. } => "pass one probability for each sample and class",
        DataProblem::Probability(_) => "pass values between 0 and 1",
        DataProblem::NothingToCalibrateOn | DataProblem::Logits => {
            "pass finite logits and the class of each image"
        }
        _ => return None,
    })
}

/// Returns a warning about a fit, with what the user can do.
pub(in crate::cli) fn warning(warning: &FitWarning) -> String {
    let advice = match warning {
        FitWarning::WorseThanGuessing { .. } | FitWarning::Overshot { .. } => {
            "; lower --lr or add --standardize"
        }
        FitWarning::Certain {
            solver: Solver::Sgd,
            ..
        } => "; lower --lr, raise --weight-decay, or add --calibrate",
        FitWarning::Certain { .. } => "; raise --l2 or add --calibrate",
        FitWarning::StillFalling { .. } => "; more --epochs may help",
        FitWarning::Uneven {
            class_weight: ClassWeight::None,
            ..
        } => ", and try --class-weight balanced",
        _ => "",
    };
    format!("{warning}{advice}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use frostline::ClassIndex;
    use frostline::error::Error;
    use frostline::head::{FitParams, HeadFile, LabelledFeatures, fit, read_class_weights};
    use linfa::ParamGuard;
    use ndarray::{Array2, array};

    use super::super::{hint, message};
    use frostline::error::{FileKind, FileProblem};

    use super::*;

    /// Fits on 4 images of two classes and returns the error.
    fn refused(params: FitParams, features: &Array2<f32>) -> Error {
        let classes = ClassIndex::from_names(["a", "b"]);
        let set = LabelledFeatures::new(features.view(), &[0, 1, 1, 0], &classes).unwrap();
        fit(&params.check().unwrap(), &set, None, &mut |_| {}).unwrap_err()
    }

    #[test]
    fn a_fit_that_fails_names_the_flags() {
        let features = array![[0.0f32, 1.0], [1.0, 0.5], [2.0, -1.0], [0.5, 0.5]];
        let p = FitParams::new;
        let patient = refused(p().patience(Some(3)), &features);
        assert_eq!(
            message(&patient),
            "`--patience` needs a validation set: it watches the validation loss"
        );
        assert!(hint(&patient).unwrap().contains("--validation-split 0.2"));
        let short = refused(p().solver(Solver::Lbfgs).max_iter(1).tol(1e-12), &features);
        assert!(message(&short).starts_with("the fit has not converged: after 1 iteration "));
        assert!(hint(&short).unwrap().starts_with("use --standardize, "));
        let wild = refused(p().lr(1e30), &(&features * 1e38));
        assert!(message(&wild).ends_with(" in epoch 1"), "{wild}");
        assert!(
            hint(&wild)
                .unwrap()
                .starts_with("lower --lr to a tenth, or check")
        );
    }

    #[test]
    fn a_fit_that_weight_decay_alone_makes_diverge_names_it() {
        let features = array![[0.0f32, 1.0], [1.0, 0.5], [2.0, -1.0], [0.5, 0.5]];
        let of = |lr, decay| {
            let params = FitParams::new().lr(lr).weight_decay(decay).epochs(10_000);
            hint(&refused(params, &features)).unwrap()
        };
        let lower = "lower --weight-decay or --lr: their product must be below 2";
        assert_eq!(of(0.001, 1e9), lower);
        assert_eq!(of(1e9, 0.001), lower);
    }

    #[test]
    fn what_cannot_be_done_in_blocks_is_named_by_its_flag() {
        let of = |what| Error::from(HeadError::NeedsAllFeatures(what));
        let end = "needs all features in memory at once, but they do not fit";
        for (what, flag, way_out) in [
            (AllFeatures::Standardize, "--standardize", "omit it"),
            (
                AllFeatures::Solver("lbfgs"),
                "--solver lbfgs",
                "use `--solver sgd`",
            ),
        ] {
            let error = of(what);
            assert_eq!(message(&error), format!("`{flag}` {end}"));
            let wanted = format!("{way_out}, or raise --memory");
            assert_eq!(hint(&error).unwrap(), wanted);
        }
    }

    #[test]
    fn numbers_that_would_do_are_computed() {
        let (resamples, figures, most) = (2000, 80_100, 100_000_000);
        let many = HeadError::ManyFigures {
            resamples,
            figures,
            most,
        };
        assert_eq!(
            hint(&many.into()).unwrap(),
            "set --intervals to at most 1248, or to 0 for no intervals"
        );
        let (n, rate) = (18, 0.05);
        let few = Error::from(RejectionProblem::FewImages { n, rate });
        assert_eq!(
            hint(&few).unwrap(),
            "use at least 19 images without counting near-duplicates, or a higher --reject"
        );
    }

    #[test]
    fn files_that_are_no_heads_or_tables_have_ways_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "cat,heavy\n").unwrap();
        let head = HeadFile::read(&path).unwrap_err();
        assert_eq!(
            hint(&head).unwrap(),
            "pass a file that `frostline fit-head` has written"
        );
        let table = read_class_weights(&path).unwrap_err();
        assert!(
            hint(&table)
                .unwrap()
                .starts_with("write `class,weight` as the first line")
        );
        let of_head = |problem| super::super::file::hint("h".as_ref(), &FileKind::Head, &problem);
        let damaged = of_head(FileProblem::Damaged(String::new()));
        assert_eq!(damaged, of_head(FileProblem::Cut(String::new())));
        assert!(
            damaged
                .unwrap()
                .starts_with("copy it again, or train it again")
        );
        let (found, known) = (9, 1);
        let newer = of_head(FileProblem::Newer { found, known });
        assert_eq!(newer.unwrap(), "use a newer frostline");
    }

    #[test]
    fn a_warning_ends_with_what_can_be_done() {
        let uneven = |class_weight| FitWarning::Uneven {
            largest: ("a".to_owned(), 41),
            smallest: ("b".to_owned(), 4),
            class_weight,
        };
        let start =
            "the classes are imbalanced (`a`: 41 images, `b`: 4): check the recall of each class";
        assert_eq!(
            warning(&uneven(ClassWeight::None)),
            format!("{start}, and try --class-weight balanced")
        );
        assert_eq!(warning(&uneven(ClassWeight::Balanced)), start);
        let (loss, guessing) = (3.0, 0.5);
        assert_eq!(
            warning(&FitWarning::WorseThanGuessing { loss, guessing }),
            "the training loss ended at 3.000, worse than guessing (0.500): the head is useless; lower --lr \
             or add --standardize"
        );
        let start = "the training loss ended at 1.0e-6, so the head predicts probabilities close to 0 or 1 \
                     even where it is wrong";
        for (solver, advice) in [
            (
                Solver::Sgd,
                "lower --lr, raise --weight-decay, or add --calibrate",
            ),
            (Solver::Lbfgs, "raise --l2 or add --calibrate"),
            (Solver::Linfa, "raise --l2 or add --calibrate"),
        ] {
            let certain = FitWarning::Certain { loss: 1e-6, solver };
            assert_eq!(warning(&certain), format!("{start}; {advice}"));
        }
        let (epochs, before, last) = (1, 0.5, 0.25);
        let falling = FitWarning::StillFalling {
            epochs,
            before,
            last,
        };
        assert_eq!(
            warning(&falling),
            "the training loss is still falling (0.500 to 0.250 in the only epoch); more --epochs may help"
        );
    }
}
