//! A head with the backbone of its features.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::Array2;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::errors::exception;
use crate::head::Head;
use crate::images::{Rows, images};
use crate::keywords::{Keywords, read};
use crate::session::Session;
use crate::work;
use frostline::classifier::{Labelling, Prediction, Predictor, Unclassified};
use frostline::error::{Error, FileKind, FileProblem};
use frostline::features::Computing;
use frostline::images::Image;
use frostline::progress::Progress;
use frostline::tasks::{check_threshold, provide_for};

/// A classifier, whose network is opened when it is first used in a process.
#[pyclass(frozen, module = "frostline._frostline")]
pub(crate) struct Classifier {
    predictor: Predictor,
    labelling: Labelling,
    how: Computing,
    session: Session<frostline::Classifier>,
}

/// Label, probability, probabilities and status of an image.
type Row<'py> = (
    Option<String>,
    Option<f64>,
    Option<Bound<'py, PyArray1<f64>>>,
    String,
);

/// The results for some images.
type Results = Vec<Result<Prediction, Unclassified>>;

#[pymethods]
impl Classifier {
    #[new]
    fn new(head: &Bound<'_, PyAny>, keywords: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = head.py();
        let keywords = Keywords(keywords);
        let tta = keywords.tta()?;
        let labelling = Labelling {
            threshold: keywords.optional("threshold")?,
            top_k: 1,
        };
        let checked = labelling.threshold.map_or(Ok(()), check_threshold);
        checked.map_err(|error| exception(py, &error))?;
        let predictor = match head.cast::<Head>() {
            Ok(head) => Predictor::of(head.get().0.as_ref().clone(), tta).map_err(|problem| {
                let problem = format!("its feature manifest cannot be used: {problem}");
                Error::File {
                    path: "bytes".into(),
                    kind: FileKind::HeadManifest,
                    problem: FileProblem::Damaged(problem),
                }
            }),
            Err(_) => Predictor::open(&read::<PathBuf>("head", head)?, tta),
        };
        let predictor = predictor.map_err(|error| exception(py, &error))?;
        Ok(Self {
            predictor: predictor.rejecting(keywords.rejecting()?),
            labelling,
            how: keywords.computing()?,
            session: Session::new(),
        })
    }

    /// Opens the network, unless it is open.
    fn open(&self, py: Python<'_>) -> PyResult<()> {
        self.opened(py).map(drop)
    }

    fn classes(&self) -> Vec<String> {
        self.predictor.classes().clone().into()
    }

    /// Classifies a list of images.
    fn classify<'py>(&self, py: Python<'py>, list: &Bound<'py, PyList>) -> PyResult<Vec<Row<'py>>> {
        let results = self.results(py, images(list)?)?;
        Ok(results
            .into_iter()
            .map(|result| self.row(py, result))
            .collect())
    }

    /// Returns the probabilities of a list of images, (N, C), and why others have none; their rows are NaN.
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        list: &Bound<'py, PyList>,
    ) -> PyResult<Rows<'py, f64>> {
        let results = self.results(py, images(list)?)?;
        let mut all = Array2::from_elem((results.len(), self.predictor.classes().len()), f64::NAN);
        let mut without = Vec::new();
        for (number, result) in results.into_iter().enumerate() {
            match result {
                Ok(prediction) => prediction
                    .probabilities()
                    .iter()
                    .zip(all.row_mut(number))
                    .for_each(|(p, place)| *place = *p),
                Err(reason) => without.push((number, reason.to_string())),
            }
        }
        Ok((all.into_pyarray(py), without))
    }
}

impl Classifier {
    fn opened(&self, py: Python<'_>) -> PyResult<Arc<frostline::Classifier>> {
        let (predictor, how) = (self.predictor.clone(), self.how.clone());
        self.session.get(py, move || {
            let backbone = &predictor.spec().backbone;
            provide_for(backbone, how.backbone.as_deref(), &how.run.home);
            frostline::Classifier::of(predictor, &how)
        })
    }

    fn results(&self, py: Python<'_>, images: Vec<Image>) -> PyResult<Results> {
        let classifier = self.opened(py)?;
        work::run_on(py, images.len(), move |watch| {
            classifier.classify_until(images, &|| watch.is_stopped())
        })
    }

    fn row<'py>(&self, py: Python<'py>, result: Result<Prediction, Unclassified>) -> Row<'py> {
        let labelling = &self.labelling;
        let classes = self.predictor.classes();
        let prediction = match result {
            Ok(prediction) => prediction,
            Err(reason) => return (None, None, None, format!("skipped: {reason}")),
        };
        let (label, probability) = labelling.label(classes, &prediction);
        let unknown = labelling.why_unknown(classes, &prediction);
        let status = unknown.map_or_else(|| "ok".to_owned(), |reason| format!("unknown: {reason}"));
        let probabilities = prediction.probabilities().to_vec().into_pyarray(py);
        (
            Some(label.to_owned()),
            Some(probability),
            Some(probabilities),
            status,
        )
    }
}
