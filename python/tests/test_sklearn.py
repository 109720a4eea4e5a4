"""The estimators for scikit-learn."""

import inspect
import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

import frostline as fl

pytest.importorskip("sklearn")
joblib = pytest.importorskip("joblib")

from sklearn.base import clone
from sklearn.datasets import load_digits, make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks as checks
from sklearn.utils.estimator_checks import parametrize_with_checks

# Notes such as "the training loss is still falling" are no failures of these tests.
pytestmark = pytest.mark.filterwarnings("ignore::frostline.FrostlineWarning")

EXPECTED_FAILURES = {
    "sgd": {
        "check_sample_weight_equivalence_on_dense_data": "copies of a row are in different batches",
        "check_class_weight_classifiers": "the check sets `max_iter`, which is refused: it is no parameter of SGD",
    },
    "lbfgs": {
        "check_sample_weight_equivalence_on_dense_data": "the check compares seven digits; weights are float32, and "
        "`tol` is 1e-6: `test_a_weight_is_a_number_of_copies` compares five",
    },
}


def expected_failures(estimator):
    return EXPECTED_FAILURES.get(getattr(estimator, "solver", None), {})


@parametrize_with_checks(
    [fl.SoftmaxClassifier(), fl.SoftmaxClassifier(solver="lbfgs")],
    expected_failed_checks=expected_failures,
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


# `check_estimator` skips all of these for estimators whose input is no table of numbers. Those that are not here pass
# such a table to `fit` or `transform`, or are for estimators with `predict` or `sample_weight`.
CHECKS_WITHOUT_NUMBERS = [
    checks.check_do_not_raise_errors_in_init_or_set_params,
    checks.check_estimator_cloneable,
    checks.check_estimator_repr,
    checks.check_estimator_tags_renamed,
    checks.check_estimators_fit_returns_self,
    checks.check_estimators_overwrite_params,
    checks.check_estimators_unfitted,
    checks.check_get_params_invariance,
    checks.check_mixin_order,
    checks.check_no_attributes_set_in_init,
    checks.check_parameters_default_constructible,
    checks.check_readonly_memmap_input,
    checks.check_requires_y_none,
    checks.check_set_params,
    checks.check_transformers_unfitted,
    checks.check_valid_tag_types,
]


@pytest.mark.parametrize("check", CHECKS_WITHOUT_NUMBERS, ids=lambda check: check.__name__)
def test_checks_of_a_transformer_of_images(check):
    check("FeatureExtractor", fl.FeatureExtractor())


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


@pytest.fixture(scope="module")
def labels(files):
    return [pathlib.Path(file).parent.name for file in files]


def agree(X, ours, theirs):
    assert (ours.predict(X) == theirs.predict(X)).mean() >= 0.999
    assert np.abs(ours.predict_proba(X) - theirs.predict_proba(X)).max() < 1e-4


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 1: 0.5}])
@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_is_logistic_regression(digits, classes, class_weight, weighted):
    X, y = (part[digits[1] < classes] for part in digits)
    # Classes of different sizes, so that "balanced" does something.
    kept = np.arange(len(y)) % (1 + y) < 2
    X, y = X[kept], y[kept]
    weights = np.random.default_rng(0).uniform(0, 3, len(y)) if weighted else None
    ours = fl.SoftmaxClassifier(solver="lbfgs", l2=2.0, class_weight=class_weight).fit(X, y, weights)
    theirs = LogisticRegression(C=0.5, class_weight=class_weight, tol=1e-9, max_iter=10_000)
    theirs.fit(X.astype(np.float64), y, weights)
    agree(X, ours, theirs)
    assert ours.coef_.shape == theirs.coef_.shape and ours.intercept_.shape == theirs.intercept_.shape
    assert np.abs(ours.coef_ - theirs.coef_).max() < 1e-3
    assert np.abs(ours.decision_function(X) - theirs.decision_function(X)).max() < 1e-2


def loop(X, y, weights, *, epochs, lr, momentum, weight_decay, nesterov):
    """SGD on whole-set batches, as `torch.optim.SGD` and `(w * cross_entropy(reduction="none")).sum() / w.sum()`."""
    values = np.zeros((y.max() + 1, X.shape[1] + 1))
    velocity, X = np.zeros_like(values), np.column_stack([X, np.ones(len(X))])
    for _ in range(epochs):
        logits = X @ values.T
        residuals = np.exp(logits - logits.max(1, keepdims=True))
        residuals /= residuals.sum(1, keepdims=True)
        residuals[np.arange(len(y)), y] -= 1
        gradient = (residuals * weights[:, None] / weights.sum()).T @ X + weight_decay * values
        velocity = momentum * velocity + gradient
        values -= lr * (gradient + momentum * velocity if nesterov else velocity)
    return values[:, :-1], values[:, -1]


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("class_weight", [None, {0: 3.0, 4: 0.25}])
def test_sgd_is_a_loop(digits, nesterov, class_weight):
    X, y = digits[0][:300], digits[1][:300]
    weights = np.random.default_rng(0).uniform(0, 3, len(y))
    weights[:50] = 0
    options = {"epochs": 20, "lr": 0.5, "momentum": 0.8, "weight_decay": 0.01, "nesterov": nesterov}
    ours = fl.SoftmaxClassifier(batch_size=300, class_weight=class_weight, **options).fit(X, y, weights)
    of_class = np.ones(10)
    for label, weight in (class_weight or {}).items():
        of_class[label] = weight
    weight, bias = loop(X.astype(np.float64), y, weights * of_class[y], **options)
    assert ours.n_iter_ == 20
    assert np.abs(ours.coef_ - weight).max() < 1e-4 and np.abs(ours.intercept_ - bias).max() < 1e-4


def test_a_weight_is_a_number_of_copies(digits):
    X, y = digits[0][:200], digits[1][:200]
    copies = np.arange(200) % 3
    copies[:10] = 1
    options = {"solver": "lbfgs", "tol": 1e-9, "class_weight": "balanced"}
    weighted = fl.SoftmaxClassifier(**options).fit(X, y, copies)
    repeated = fl.SoftmaxClassifier(**options).fit(np.repeat(X, copies, 0), np.repeat(y, copies))
    assert np.abs(weighted.predict_proba(X) - repeated.predict_proba(X)).max() < 1e-5


def test_weights_of_one_change_nothing(digits):
    plain = fl.SoftmaxClassifier(lr=0.1, epochs=3).fit(*digits)
    ones = fl.SoftmaxClassifier(lr=0.1, epochs=3).fit(*digits, np.ones(len(digits[1])))
    assert plain.coef_.tobytes() == ones.coef_.tobytes()
    assert plain.intercept_.tobytes() == ones.intercept_.tobytes()


def test_heads_are_those_of_fit_head(store):
    X, y = store.numpy()
    names = np.array(store.classes)[y]
    weights = {"blue": 0.5, "green": 2.0, "red": 1.0}
    for options in (
        {"lr": 0.1, "dropout": 0.2},
        {"solver": "lbfgs", "class_weight": "balanced"},
        {"solver": "lbfgs", "class_weight": weights},
    ):
        theirs = fl.fit_head(store, **options)
        ours = fl.SoftmaxClassifier(**options).fit(X, names)
        assert ours.coef_.tobytes() == theirs.weight.tobytes()
        assert ours.intercept_.tobytes() == theirs.bias.tobytes()


def test_parameters_are_those_of_fit_head():
    theirs = inspect.signature(fl.fit_head).parameters
    ours = dict(inspect.signature(fl.SoftmaxClassifier).parameters)
    assert ours.pop("class_weight").default is None
    assert len(ours) == 17
    for name, parameter in ours.items():
        assert parameter.default == theirs[name].default, name
    theirs = inspect.signature(fl.Extractor).parameters
    for name, parameter in inspect.signature(fl.FeatureExtractor).parameters.items():
        assert parameter.default == theirs[name].default, name


def test_features_are_not_copied(digits, monkeypatch):
    from frostline import _frostline

    X, y = digits
    seen = []
    fit = _frostline.fit_arrays
    monkeypatch.setattr(_frostline, "fit_arrays", lambda X, *rest: seen.append(X) or fit(X, *rest))
    frozen = X.copy()
    frozen.flags.writeable = False
    for given in (X, frozen, X[100:900]):
        fl.SoftmaxClassifier(epochs=1).fit(given, y[: len(given)])
        assert np.shares_memory(seen[-1], given)


@pytest.mark.skipif(sys.platform != "linux", reason="`ru_maxrss` is in KiB on Linux")
def test_memory_does_not_grow():
    code = """
import resource
import numpy as np
import frostline as fl
fl.SoftmaxClassifier().fit(np.eye(4, dtype=np.float32), [0, 1, 0, 1])
X, y = np.ones((200_000, 128), np.float32), np.arange(200_000) % 2
most = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = most()
fl.SoftmaxClassifier(epochs=1, batch_size=4096).fit(X, y)
fl.SoftmaxClassifier(solver="lbfgs").fit(X, y)
print(most() - before)
"""
    grown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    # X has 100,000 KiB.
    assert int(grown) < 50_000


def test_any_kind_of_array(digits):
    X, y = digits
    X, y = (16 * X[:400]).round(), y[:400]
    wanted = fl.SoftmaxClassifier(solver="lbfgs").fit(X, y)
    for other in (np.asfortranarray(X), X.astype(np.float64), X.astype(np.int32), X.tolist(), np.repeat(X, 2, 0)[::2]):
        ours = fl.SoftmaxClassifier(solver="lbfgs").fit(other, y)
        assert np.array_equal(ours.coef_, wanted.coef_)
        assert np.array_equal(ours.predict(other), wanted.predict(X))
    assert wanted.coef_.dtype == np.float32 and wanted.predict_proba(X).dtype == np.float32


def test_labels_of_any_kind(digits):
    pandas = pytest.importorskip("pandas")
    X, y = (part[:300] for part in digits)
    words = np.array([f"digit {label}" for label in y])
    numbers = fl.SoftmaxClassifier(solver="lbfgs").fit(X, y)
    for given in (words, words.astype(object), words.tolist(), pandas.Series(words)):
        ours = fl.SoftmaxClassifier(solver="lbfgs").fit(X, given)
        assert ours.classes_.tolist() == [f"digit {label}" for label in range(10)]
        assert ours.predict(X).tolist() == [f"digit {label}" for label in numbers.predict(X)]
    table = pandas.DataFrame(X, columns=[f"f{i}" for i in range(64)])
    ours = fl.SoftmaxClassifier(solver="lbfgs").fit(table, pandas.Categorical(words))
    assert ours.feature_names_in_.tolist() == list(table) and ours.n_features_in_ == 64
    truth = fl.SoftmaxClassifier(solver="lbfgs").fit(X, y == 3)
    assert truth.classes_.tolist() == [False, True] and truth.coef_.shape == (1, 64)
    assert truth.score(X, y == 3) > 0.95 and truth.decision_function(X).shape == (300,)


def test_what_cannot_be_fitted_is_an_error(digits):
    X, y = digits
    broken = X.copy()
    broken[3, 2] = np.nan
    for features, labels, weights, text in [
        (broken, y, None, "NaN"),
        (X.astype(np.float64) * 1e300, y, None, "infinity or a value too large"),
        (X[:0], y[:0], None, "0 sample"),
        (X, np.zeros(len(y)), None, "only one class"),
        (X, y + 0.5, None, "continuous"),
        (X, y, np.full(len(y), -1.0), "sample weights must be finite, at least 0, and not all 0"),
        (X, y, np.ones(3), "sample_weight"),
    ]:
        with pytest.raises(ValueError, match=re.escape(text)):
            fl.SoftmaxClassifier().fit(features, labels, weights)
    for options, text in [
        ({"lr": -1.0}, "`lr` is -1"),
        ({"l2": 1.0}, "`l2` is no parameter of the solver sgd"),
        ({"solver": "lbfgs", "epochs": 3}, "`epochs` is no parameter of the solver lbfgs"),
        ({"solver": "adam"}, "`solver` is `adam`"),
        ({"class_weight": {0: 0.0}}, "`class_weight` is 0"),
    ]:
        with pytest.raises(fl.ParameterError, match=text):
            fl.SoftmaxClassifier(**options).fit(X, y)
    with pytest.raises(fl.HeadError, match="converge"):
        fl.SoftmaxClassifier(solver="lbfgs", max_iter=2).fit(X, y)


def test_messages_are_about_samples_of_the_callers_classes(digits):
    X, y = digits[0][:6], np.array(["an image", "b"] * 3)
    with pytest.warns(fl.FrostlineWarning) as caught:
        fl.SoftmaxClassifier(solver="lbfgs").fit(X, y)
    wanted = "some classes have too few samples: `an image` (3), `b` (3); use at least 5"
    assert wanted in [str(warning.message) for warning in caught]
    with pytest.raises(fl.ParameterTypeError, match="`epochs` is '3', but must be an integer"):
        fl.SoftmaxClassifier(epochs="3").fit(X, y)
    with pytest.raises(fl.ParameterError, match="^`epochs` is -1, but must not be negative$"):
        fl.SoftmaxClassifier(epochs=-1).fit(X, y)


def test_model_selection(digits):
    X, y = (part[:600] for part in digits)
    search = GridSearchCV(fl.SoftmaxClassifier(solver="lbfgs"), {"l2": [0.1, 1000.0]}, cv=3, n_jobs=2)
    search.fit(X, y)
    assert search.best_params_ == {"l2": 0.1} and search.best_score_ > 0.85
    p = cross_val_predict(fl.SoftmaxClassifier(lr=0.1), X, y, cv=3, method="predict_proba")
    assert p.shape == (600, 10) and (p.argmax(1) == y).mean() > 0.8
    threads = joblib.Parallel(n_jobs=2, backend="threading")(
        joblib.delayed(clone(search.best_estimator_).fit)(X, y) for _ in range(4)
    )
    assert all(np.array_equal(fitted.coef_, threads[0].coef_) for fitted in threads)
    again = pickle.loads(pickle.dumps(threads[0]))
    assert np.array_equal(again.predict_proba(X), threads[0].predict_proba(X))
    assert clone(again).get_params() == again.get_params() and not hasattr(clone(again), "coef_")


def test_a_pipeline_from_images_to_classes(files, labels, network):
    head = fl.SoftmaxClassifier(solver="lbfgs", l2=0.01)
    pipeline = make_pipeline(fl.FeatureExtractor(network), StandardScaler(), head).fit(files, labels)
    assert pipeline.score(files, labels) == 1.0
    assert pipeline.predict_proba(files).shape == (36, 3)
    assert pipeline[:-1].get_feature_names_out().tolist() == [f"f{i}" for i in range(16)]
    assert cross_val_score(pipeline, files, labels, cv=3, n_jobs=2).mean() > 0.9
    again = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(again.predict_proba(files), pipeline.predict_proba(files))
    search = GridSearchCV(pipeline, {"softmaxclassifier__l2": [0.01, 0.1]}, cv=2).fit(files, labels)
    assert search.predict(files[:1]).tolist() == [labels[0]]


def test_images_are_paths_arrays_or_pil_images(files, network):
    extractor = fl.FeatureExtractor(network)
    wanted = fl.Extractor(network)(files)
    assert np.array_equal(extractor.transform(files), wanted) and wanted.dtype == np.float32
    assert np.array_equal(extractor.fit_transform(np.array(files)), wanted)
    assert np.array_equal(extractor.transform(np.array(files, dtype=object)[:, None]), wanted)
    assert np.array_equal(extractor.transform(map(pathlib.Path, files)), wanted)
    pictures = [Image.open(file) for file in files]
    assert np.array_equal(extractor.transform(pictures), wanted)
    assert np.array_equal(extractor.transform(np.stack([np.asarray(picture) for picture in pictures])), wanted)
    pandas = pytest.importorskip("pandas")
    assert np.array_equal(extractor.transform(pandas.Series(files)), wanted)
    assert np.array_equal(extractor.transform(pandas.DataFrame({"path": files})), wanted)
    table = clone(extractor).set_output(transform="pandas").transform(files)
    assert list(table)[:2] == ["f0", "f1"] and np.array_equal(table.to_numpy(), wanted)


def test_images_that_cannot_be_used_are_errors(files, network, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    extractor = fl.FeatureExtractor(network)
    with pytest.raises(fl.ImagesError, match=r"1 image skipped: image 1 \(.*broken.jpg\)"):
        extractor.transform([files[0], str(tmp_path / "broken.jpg")])
    closed = Image.open(files[0])
    closed.close()
    with pytest.raises(fl.ImagesError, match="1 image skipped: image 1: cannot be decoded by Pillow"):
        extractor.transform([files[0], closed])
    pandas = pytest.importorskip("pandas")
    with pytest.raises(fl.InputError, match="a DataFrame; give one of its columns"):
        extractor.transform(pandas.DataFrame({"path": files, "class": "red"}))
    for images, text in [(files[0], "put it into a list"), ([], "no images"), ([3], "image 0 is of the type int")]:
        with pytest.raises(fl.InputError, match=text):
            extractor.transform(images)
    assert extractor.set_params(backbone="no-such-network").get_params()["backbone"] == "no-such-network"
    with pytest.raises(fl.Error):
        extractor.transform(files)


@pytest.fixture
def ctrl_c():
    """Ctrl-C raises `KeyboardInterrupt`, also if a shell ignores it in what it runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("options", [{"epochs": 100_000}, {"solver": "lbfgs", "l2": 1e-6, "tol": 1e-15}])
def test_ctrl_c_stops_a_fit(options):
    X, y = make_blobs(40_000, 300, centers=60, cluster_std=20.0, random_state=0)
    X = X.astype(np.float32)
    threads = threading.active_count()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    begin = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fl.SoftmaxClassifier(**options).fit(X, y)
    # Within a second, and another one for a busy machine.
    assert 0.3 <= time.monotonic() - begin < 2.3
    timer.join()
    assert threading.active_count() == threads


def test_without_scikit_learn():
    code = """
import sys
sys.modules["sklearn"] = None
import frostline as fl
from frostline import *
from frostline import FeatureExtractor
assert {"SoftmaxClassifier", "FeatureExtractor"} <= set(dir(fl))
hasattr(fl, "SoftmaxClassifier")
help(fl)
for name in ("SoftmaxClassifier", "FeatureExtractor"):
    try:
        getattr(fl, name)()
    except ImportError as error:
        print(name, error)
try:
    fl.no_such_name
except AttributeError as error:
    print(error)
"""
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.startswith("Help on package frostline:") and "fit_head(" in shown
    for name in ("SoftmaxClassifier", "FeatureExtractor"):
        assert re.search(rf"^{name} .*run `pip install 'frostline\[sklearn\]'`$", shown, re.M)
    assert "no attribute 'no_such_name'" in shown


def test_scikit_learn_is_imported_late():
    code = "import sys, frostline; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_lines_of_the_documentation(images, network):
    text = (pathlib.Path(__file__).parents[2] / "docs" / "python.md").read_text()
    section = text[text.index("## scikit-learn") :]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.S)
    lines = block.replace('"data/emoji/train"', repr(str(images))).replace('"efficientnet-lite0"', repr(str(network)))
    scope = {}
    exec(compile(lines, "docs/python.md", "exec"), scope)
    assert scope["labels"].shape == (36,) and scope["search"].best_score_ > 0.8
