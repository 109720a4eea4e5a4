"""A store as arrays and tables."""

import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import frostline as fl


def mapped_ranges(name):
    """The addresses at which this process has mapped a file."""
    ranges = []
    with open("/proc/self/maps") as maps:
        for line in maps:
            if line.rstrip().endswith(name):
                start, end = line.split()[0].split("-")
                ranges.append((int(start, 16), int(end, 16)))
    return ranges


def test_one_part_is_not_copied(store):
    features, labels = store.numpy()
    assert features.shape == (36, 16) and features.dtype == np.float32
    assert labels.tolist() == [0] * 12 + [1] * 12 + [2] * 12
    assert not features.flags.writeable
    address = features.ctypes.data
    parts = mapped_ranges("part-00000.arrow")
    assert any(start <= address and address + features.nbytes <= end for start, end in parts)


def test_several_parts_are_one_array(images, network, tmp_path):
    fl.extract(images / "red", tmp_path / "s", backbone=network)
    store = fl.extract(images, tmp_path / "s", backbone=network)
    assert len([name for name in os.listdir(store.path) if name.startswith("part-")]) == 2
    whole = fl.extract(images, tmp_path / "whole", backbone=network)
    assert store.numpy()[0].tobytes() == whole.numpy()[0].tobytes()
    assert store.report["n_reused"] == 12 and store.report["n_computed"] == 24


def test_names_and_classes(store):
    assert store.classes == ["blue", "green", "red"]
    assert store.paths[0] == os.path.join("blue", "00.png") and len(store) == len(store.paths) == 36
    assert store.num_features == 16
    assert store.info["backbone"]["name"] == "tiny"
    assert repr(store) == f"FeatureStore({store.path!r}, 36 images, 16 features)"


def test_images_without_classes(images, network, tmp_path):
    store = fl.extract(images / "red", tmp_path / "s", backbone=network)
    assert store.numpy()[1].tolist() == [-1] * 12 and store.classes == []


def test_a_list_or_generator_of_files(files, network, tmp_path):
    store = fl.extract((path for path in files[:5]), tmp_path / "s", backbone=network)
    assert len(store) == 5


def test_arrow_consumers_take_it(store):
    duckdb = pytest.importorskip("duckdb")
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    features, _ = store.numpy()
    table = store.table()
    assert isinstance(table, pyarrow.Table)
    assert table.column_names == ["path", "class", "digest", "width", "height", "features"]
    column = table["features"].combine_chunks()
    assert np.array_equal(column.flatten().to_numpy().reshape(36, 16), features)
    frame = polars.DataFrame(store)
    assert frame.shape == (36, 6) and frame["width"].to_list() == [40] * 36
    assert np.array_equal(frame["features"].to_numpy(), features)
    query = "select class, count(*) from store group by class order by class"
    assert duckdb.sql(query).fetchall() == [("blue", 12), ("green", 12), ("red", 12)]


def test_an_unused_stream_is_freed(store):
    for _ in range(50):
        store.__arrow_c_stream__()


def test_pandas(store):
    pytest.importorskip("pandas")
    frame = store.pandas()
    assert frame.shape == (36, 18) and frame.columns[:3].tolist() == ["path", "class", "f0"]
    assert frame["class"].tolist()[:1] == ["blue"]
    assert frame["f15"].to_numpy().tobytes() == store.numpy()[0][:, 15].tobytes()


def test_pickle(store):
    again = pickle.loads(pickle.dumps(store))
    assert again.path == store.path and again.report == store.report


def test_half_precision_is_converted(images, network, store, tmp_path):
    half = fl.extract(images, tmp_path / "s", backbone=network, dtype="f16")
    features, _ = half.numpy()
    assert features.dtype == np.float32
    assert np.array_equal(features, store.numpy()[0].astype(np.float16).astype(np.float32))


def test_duplicates_have_a_row_each(images, network, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes((images / "red" / "00.png").read_bytes())
    features, _ = fl.extract(folder, tmp_path / "s", backbone=network).numpy()
    assert features.shape == (2, 16) and np.array_equal(features[0], features[1])


def test_a_store_can_be_read_while_it_is_written(images, network, tmp_path):
    path = tmp_path / "s"
    fl.extract(images / "red", path, backbone=network)
    thread = threading.Thread(target=fl.extract, args=(images, path), kwargs={"backbone": network})
    thread.start()
    while thread.is_alive():
        assert len(fl.FeatureStore(path).numpy()[0]) in (12, 36)
    thread.join()
    assert len(fl.FeatureStore(path)) == 36


def test_an_open_store_is_that_of_its_run(images, network, tmp_path):
    fl.extract(images / "red", tmp_path / "s", backbone=network)
    opened, other = fl.FeatureStore(tmp_path / "s"), fl.FeatureStore(tmp_path / "s")
    wanted, _ = opened.numpy()
    before = wanted.tobytes()
    arguments = {"args": (images, tmp_path / "s"), "kwargs": {"backbone": network}}
    thread = threading.Thread(target=fl.extract, **arguments)
    thread.start()
    while thread.is_alive():
        assert opened.numpy()[0].tobytes() == before
    thread.join()
    assert wanted.tobytes() == other.numpy()[0].tobytes() == before and len(other) == len(other.paths) == 12


def test_a_store_without_a_finished_run(images, network, tmp_path):
    """As while the first run is writing, which writes the index last."""
    store = fl.extract(images, tmp_path / "s", backbone=network)
    os.remove(tmp_path / "s" / "index.arrow")
    for call in (fl.FeatureStore, fl.fit_head):
        with pytest.raises(fl.FeaturesError, match=r"no extraction has finished yet \(one may still be running\)"):
            call(tmp_path / "s")
    assert len(fl.extract(images, tmp_path / "s", backbone=network)) == len(store)


def test_a_flipped_byte_is_found_and_computed_again(images, network, store, tmp_path):
    ours = fl.extract(images, tmp_path / "s", backbone=network)
    part = tmp_path / "s" / "part-00000.arrow"
    content = bytearray(part.read_bytes())
    content[content.index(store.numpy()[0][5].tobytes())] ^= 1
    part.write_bytes(content)
    fl.extract(images, tmp_path / "s", backbone=network)
    for call in (ours.numpy, ours.table, lambda: fl.fit_head(ours)):
        with pytest.raises(fl.FileError, match=r"does not match its checksum; run the same `extract\(…, verify=True\)`"):
            call()
    with pytest.warns(fl.FrostlineWarning, match="part-00000"):
        again = fl.extract(images, tmp_path / "s", backbone=network, verify=True)
    assert again.numpy()[0].tobytes() == store.numpy()[0].tobytes()


def test_bytes_after_the_end_of_a_part(images, network, tmp_path):
    store = fl.extract(images, tmp_path / "s", backbone=network)
    with open(tmp_path / "s" / "part-00000.arrow", "ab") as file:
        file.write(b"more")
    with pytest.raises(fl.FileError, match="is damaged: it has 4 bytes after its end"):
        store.numpy()


def test_a_million_paths(network, tmp_path):
    """Each is converted, looked for and skipped, in seconds and a few hundred bytes."""
    code = f"""
import resource, time
import frostline as fl
paths = ["/nowhere/photos/%07d.jpg" % number for number in range(1_000_000)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
try:
    fl.extract(paths, "store", backbone={str(network)!r})
except fl.Error as error:
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    seconds, kilobytes, message = ended.stdout.split(" ", 2)
    assert float(seconds) < 60 and int(kilobytes) < 500_000
    assert "1000000 images skipped: /nowhere/photos/0000000.jpg: no such file" in message


@pytest.mark.skipif(os.name == "nt", reason="paths are not bytes")
def test_paths_with_surrogates(images, network, tmp_path):
    folder = os.fsencode(tmp_path / "photos")
    os.mkdir(folder)
    with open(os.path.join(folder, b"caf\xe9.png"), "wb") as file:
        file.write((images / "red" / "00.png").read_bytes())
    store = fl.extract(tmp_path / "photos", tmp_path / "s", backbone=network)
    assert store.paths == ["caf\udce9.png"]
    assert os.path.exists(os.path.join(tmp_path / "photos", store.paths[0]))


def test_skipped_images_are_a_warning_with_reasons(images, network, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes((images / "red" / "00.png").read_bytes())
    (folder / "b.png").write_bytes(b"no image")
    with pytest.warns(fl.FrostlineWarning, match=r"1 image skipped: b\.png: "):
        store = fl.extract(folder, tmp_path / "s", backbone=network)
    assert len(store) == 1 and store.report["skipped"][0]["path"] == "b.png"
    with pytest.raises(fl.StrictError):
        fl.extract(folder, tmp_path / "s", backbone=network, strict=True)


