"""A worker in this process: tables of images in, tables with features out."""

import multiprocessing
import pickle
import threading
from pathlib import Path

import numpy as np
import polars
import pyarrow as pa
import pytest

import frostline as fl
from frostline import _program


@pytest.fixture(scope="module")
def worker(network):
    return fl.Worker(network)


@pytest.fixture(scope="module")
def batch(files):
    contents = [*(Path(file).read_bytes() for file in files[:5]), b"no image", None]
    return pa.record_batch({"id": pa.array(range(7)), "bytes": pa.array(contents, pa.binary())})


def vectors(table):
    return [row for row in table["features"].to_pylist() if row is not None]


def test_features_are_those_of_an_extractor(worker, batch, files, network):
    answer = worker(batch)
    assert isinstance(answer, pa.RecordBatch)
    assert answer.schema.names == ["id", "digest", "features", "width", "height", "status"]
    assert answer["status"].to_pylist()[4:] == [
        "ok",
        "skipped: is a text file, not an image",
        "skipped: has no image (null)",
    ]
    expected = fl.Extractor(network)(files[:5])
    assert np.array(vectors(answer), np.float32).tobytes() == expected.tobytes()
    assert b"frostline.manifest" in answer.schema.metadata


def test_tables_of_other_kinds(worker, batch, files):
    expected = vectors(worker(batch))
    table = pa.Table.from_batches([batch, batch.slice(0, 0), batch])
    answer = worker(table)
    assert isinstance(answer, pa.Table) and vectors(answer) == expected * 2
    assert vectors(worker(polars.from_arrow(table))) == expected * 2
    assert vectors(worker({"path": files[:5]})) == expected
    images = [{"bytes": None, "path": file} for file in files[:5]]
    assert vectors(worker({"image": images})) == expected
    assert worker(batch.slice(0, 0)).num_rows == 0
    assert [len(vectors(answer)) for answer in worker.map([batch, batch.slice(3)])] == [5, 2]


def test_what_is_no_table_of_images(worker):
    with pytest.raises(TypeError, match="must be an Arrow table"):
        worker([b"image"])
    with pytest.raises(fl.InputError, match="no column `image`, `bytes` or `path`, only `id`"):
        worker({"id": [1]})


def test_half_precision_and_kept_images(network, batch):
    answer = fl.Worker(network, dtype="f16", keep_image=True)(batch)
    assert answer.schema.field("features").type.value_type == pa.float16()
    assert answer["bytes"].equals(batch["bytes"])


def test_threads_and_pickles(worker, batch):
    expected, answers = worker(batch), []
    threads = [threading.Thread(target=lambda: answers.append(worker(batch))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.equals(expected) for answer in answers) and len(answers) == 4
    assert pickle.loads(pickle.dumps(worker))(batch).equals(expected)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_a_forked_process_opens_the_network_again(worker, batch):
    expected = worker(batch)
    receive, send = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=lambda: send.send(worker(batch).equals(expected)))
    child.start()
    assert receive.poll(60) and receive.recv()
    child.join()


def test_the_program_of_the_engines(network, batch, worker):
    expected = worker(batch)
    program = _program.Program({"backbone": network})
    assert program(batch)["features"].equals(expected["features"])
    answers = list(program.map([batch] * 5))
    assert [answer.num_rows for answer in answers] == [7] * 5
    # Whoever is killed is replaced.
    program._process.kill()
    assert program(batch)["digest"].equals(expected["digest"])
    program.close()


def test_errors_of_the_program_have_its_message(network):
    with pytest.raises(fl.InputError, match="no column `image`, `bytes` or `path`"):
        _program.Program({"backbone": network})(pa.record_batch({"id": [1]}))
