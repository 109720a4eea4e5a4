"""A classifier in threads, in other processes, and over many calls."""

import multiprocessing
import os
import pickle
import resource
import threading

import numpy as np
import pytest
from conftest import ends, forked
from PIL import Image

import frostline as fl


def test_one_image_or_several(classifier, files):
    one = classifier(files[0])
    assert isinstance(one, fl.Prediction) and one.label == "blue" and one.status == "ok"
    assert one.probabilities.sum() == pytest.approx(1) and one.probability == one.probabilities.max()
    several = classifier(files)
    assert [prediction.label for prediction in several] == ["blue"] * 12 + ["green"] * 12 + ["red"] * 12
    generated = classifier(path for path in files[:2])
    assert [p.label for p in generated] == ["blue", "blue"]


def test_every_form_of_an_image(classifier, files):
    with open(files[0], "rb") as file:
        forms = [files[0], Image.open(files[0]), np.asarray(Image.open(files[0])), file.read()]
    probabilities = classifier.predict_proba(forms)
    assert probabilities.shape == (4, 3) and (probabilities == probabilities[0]).all()


def test_an_image_that_cannot_be_used_is_data(classifier, files):
    missing, good = classifier(["missing.jpg", files[0]])
    assert missing.label is None and missing.probabilities is None
    assert missing.status == "skipped: no such file" and good.status == "ok"
    with pytest.warns(fl.FrostlineWarning, match="1 image skipped"):
        probabilities = classifier.predict_proba([files[0], b""])
    assert np.isfinite(probabilities[0]).all() and np.isnan(probabilities[1]).all()


def test_the_threshold_labels_unknown(head, files):
    prediction = fl.Classifier(head, threshold=1.0)(files[0])
    assert prediction.label == "unknown" and prediction.status.startswith("unknown: the highest probability")


def test_a_head_in_memory(head, classifier, files):
    in_memory = fl.Classifier(fl.Head.load(head))
    assert in_memory.predict_proba(files).tobytes() == classifier.predict_proba(files).tobytes()


def test_weights_are_read_only(head):
    loaded = fl.Head.load(head)
    for array in (loaded.weight, loaded.bias):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_pickle_by_path_and_by_content(head, classifier, files, tmp_path):
    moved = tmp_path / "moved.safetensors"
    loaded = fl.Head.load(head)
    loaded.save(moved)
    in_memory = fl.Classifier(loaded)
    content = pickle.dumps(in_memory)
    moved.unlink()
    wanted = classifier.predict_proba(files[:3]).tobytes()
    for packed in (pickle.dumps(classifier), content):
        assert pickle.loads(packed).predict_proba(files[:3]).tobytes() == wanted


def test_four_threads_share_a_classifier(classifier, files):
    wanted = classifier.predict_proba(files).tobytes()
    wrong = []

    def work(number):
        for call in range(200):
            index = (number * 200 + call) % len(files)
            got = classifier.predict_proba(files[index : index + 1]).tobytes()
            if got != wanted[index * 24 : index * 24 + 24]:
                wrong.append((number, call))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def _in_child(classifier, files, queue):
    queue.put(classifier.predict_proba(files).tobytes())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_opens_it_again(classifier, files, method):
    wanted = classifier.predict_proba(files).tobytes()
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    children = [context.Process(target=_in_child, args=(classifier, files, queue)) for _ in range(2)]
    for child in children:
        child.start()
    results = [queue.get(timeout=120) for _ in children]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert results == [wanted, wanted]
    assert classifier.predict_proba(files).tobytes() == wanted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_head_is_fitted_and_a_classifier_dropped_in_forks_and_their_forks(store, head, files):
    wanted = fl.fit_head(store, solver="lbfgs", l2=0.01).weight.tobytes()
    own = fl.Classifier(head)
    own(files[0])

    def work():
        nonlocal own
        del own
        return fl.fit_head(store, solver="lbfgs", l2=0.01).weight.tobytes() == wanted

    assert ends([forked(work), forked(lambda: ends([forked(work)]) == [0])]) == [0, 0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_workers_of_a_server_that_loaded_the_classifier(head, files):
    """As gunicorn with `preload_app`: forked while a thread of the parent is classifying."""
    own = fl.Classifier(head)
    wanted = own.predict_proba(files).tobytes()
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            own.predict_proba(files[:2])

    thread = threading.Thread(target=busy)
    thread.start()

    def worker():
        return all(own.predict_proba(files).tobytes() == wanted for _ in range(3))

    codes = ends([forked(worker) for _ in range(4)])
    stop.set()
    thread.join()
    assert codes == [0] * 4


def test_onnxruntime_in_the_same_process(classifier, files, network):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    before = classifier.predict_proba(files[:4]).tobytes()
    out = session.run(None, {"x": np.zeros((1, 3, 32, 32), np.float32)})[0]
    assert out.shape == (1, 16)
    assert classifier.predict_proba(files[:4]).tobytes() == before


def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def test_memory_of_the_other_objects_stays_flat(head, store):
    def use():
        fl.Head.load(head).weight.sum()
        fl.FeatureStore(store.path).numpy()[0].sum()
        fl.FeatureStore(store.path).__arrow_c_stream__()

    for _ in range(100):
        use()
    before = _resident()
    for _ in range(1000):
        use()
    grown = _resident() - before
    assert grown < 8 << 20, f"{grown / 2**20:.1f} MiB"


def test_memory_stays_flat_over_10_000_calls(classifier, files):
    array = np.asarray(Image.open(files[0]))
    for _ in range(1000):
        classifier(array)
    before = _resident()
    for _ in range(10_000):
        classifier(array)
    grown = _resident() - before
    assert grown < 8 << 20, f"{grown / 2**20:.1f} MiB"
