"""Section `pipeline`: from JPEG files to a store, against the bare network."""

from checks import Check
from outcome import Skip, judged
from section_prepare import LITE0, require, some
from section_speed import measured, rate, steady

LEAST_SHARE = 0.8


# A photo of VGG19 or EfficientNet-Lite0 crosses the bus as 224 × 224 × 3 bytes, not as so many float32 values.
NORMALISED_BEFORE = "normalised on the CPU"


def checks(sizes):
    return [
        Check(
            "pipeline",
            "bytes",
            "photos are copied to the card as bytes and normalised there",
            run=as_bytes,
            cost=10,
            rank=1,
            card=True,
        ),
        Check(
            "pipeline",
            "folder",
            f"VGG19, fp16, batches of {sizes.largest}: from files to the store at least "
            f"{LEAST_SHARE:.0%} of the bare network's speed, or reading or decoding is named as the limit",
            run=folder,
            limit=120,
            cost=15,
            rank=1,
        ),
        Check(
            "pipeline",
            "photos",
            "EfficientNet-Lite0, photos of 12 megapixels: the same",
            run=photos,
            limit=120,
            cost=25,
            rank=2,
        ),
    ]


def as_bytes(bench):
    found = bench.extract(some(bench, bench.sizes.largest), "bytes", backbone=LITE0)
    notes = [note for note in found["notes"] if NORMALISED_BEFORE in note]
    return judged(not notes, "; ".join(notes) or "no note that the CPU normalises")


def folder(bench):
    require(bench, "vgg19")
    found = steady(bench, "fp16", bench.sizes.largest)
    bare = measured(bench, "fp16", bench.sizes.largest) or found["network"]
    if not bare:
        raise Skip("the bare network has no figure")
    share = found["whole"] / bare
    limit = found["limited_by"]
    words = f"{found['whole']:.0f} images/s, {share:.0%} of {bare:.0f}"
    if limit:
        words += f"; limited by {limit}"
    return judged(share >= LEAST_SHARE or is_files(limit), words, share=share)


def is_files(limit):
    return limit in ("reading", "decoding")


def photos(bench):
    batch = bench.sizes.batches[1]
    short, long = (
        bench.extract(some(bench, count, "photos"), "photos", backbone=LITE0, batch=batch)
        for count in bench.sizes.photos
    )
    images = long["n_computed"] - short["n_computed"]
    spent = {
        stage: long["stage_seconds"][stage] - short["stage_seconds"][stage] for stage in long["stage_seconds"]
    }
    # A short run does not say what limited it; then it is the stage that took the most time for each thread.
    files, network = long["threads"], 1 if bench.card else long["threads"]
    busy = {
        "reading": spent["read"] / files,
        # Most of preprocessing is resizing, which follows decoding on the same threads.
        "decoding": (spent["decode"] + spent["preprocess"]) / files,
        "network": spent["forward"] / network,
    }
    limit = long["limited_by"] or max(busy, key=busy.get)
    seconds = long["seconds"] - short["seconds"]
    decoding = busy["decoding"] * files / images * 1000
    speed = rate(images, seconds)
    words = f"{speed:.1f} images/s; decoding takes {decoding:.0f} ms for each photo on one of {files} threads"
    right = is_files(limit) or busy["network"] >= LEAST_SHARE * seconds
    return judged(
        right, f"{words}; limited by {limit}", images_per_second=speed, decoding_ms=decoding
    )
