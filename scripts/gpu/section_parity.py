"""Section `parity`: the features of the card against those of the CPU, and the labels of a head on both."""

from checks import Check
from features import labels, lowest_cosine
from outcome import Skip, judged
from section_prepare import NETWORKS, require

LEAST = {"fp32": 0.99999, "tf32": 0.9999, "fp16": 0.999}
# Sizes that leave the last batch incomplete are among them.
IN_BATCHES = ["vgg19", "efficientnet-lite0"]


def checks(sizes):
    section = {"section": "parity", "limit": 120}
    found = []
    for network, title in NETWORKS.items():
        for precision, least in LEAST.items():
            found.append(
                Check(
                    name=f"{network}.{precision}",
                    cost=25 if precision == "fp32" else 10,
                    rank=1 if network == "vgg19" else 2,
                    card=precision == "tf32",
                    wanted=f"{title}: cosine to the CPU's fp32 features at least {least}, and the same labels",
                    run=lambda bench, network=network, precision=precision: parity(bench, network, precision),
                    **section,
                )
            )
    for network in IN_BATCHES:
        names = ", ".join(map(str, sizes.batches))
        found.append(
            Check(
                name=f"{network}.batches",
                cost=25,
                rank=2,
                wanted=f"{NETWORKS[network]}: cosine at least {LEAST['fp32']} in batches of {names}, also if the "
                "last one is incomplete",
                run=lambda bench, network=network: in_batches(bench, network),
                **section,
            )
        )
    return found


def parity(bench, network, precision):
    require(bench, network)
    wanted = bench.cpu_features(network)
    name = f"{network}-{precision}"
    found = bench.extract([bench.pictures], name, backbone=network, precision=precision)
    if found["engine"]["precision"] != precision:
        raise Skip(f"it ran in {found['engine']['precision']}")
    cosine = lowest_cosine(bench.features(name), wanted)
    other, total = other_labels(bench, network, name)
    words = f"cosine at least {cosine:.7f}; {other} of {total} labels differ"
    right = cosine >= LEAST[precision] and other == 0 and total == len(wanted)
    return judged(right, words, lowest_cosine=cosine, other_labels=other, images=total)


def other_labels(bench, network, store):
    """Returns how many labels differ between the two stores, with one head that was fitted on the CPU's features."""
    head = bench.work / f"{network}.safetensors"
    if f"head-{network}" not in bench.known:
        bench.frostline(
            "fit-head",
            bench.work / "stores" / f"cpu-{network}",
            "-o",
            head,
            "--overwrite",
            "--solver",
            "lbfgs",
            "--standardize",
            "-q",
        )
        bench.known[f"head-{network}"] = predicted(bench, head, f"cpu-{network}")
    wanted, given = bench.known[f"head-{network}"], predicted(bench, head, store)
    return sum(given.get(path) != label for path, label in wanted.items()), len(given)


def predicted(bench, head, store):
    """Returns the labels; the features come from the store, so that no network runs."""
    words = [
        bench.pictures,
        "--head",
        head,
        "--store",
        bench.work / "stores" / store,
        "--format",
        "csv",
        "-q",
    ]
    return labels(bench.frostline("classify", *words, "--device", bench.device).out)


def in_batches(bench, network):
    require(bench, network)
    wanted, found = bench.cpu_features(network), {}
    for batch in bench.sizes.batches:
        name = f"{network}-in-{batch}"
        bench.extract([bench.pictures], name, backbone=network, batch=batch)
        found[batch] = lowest_cosine(bench.features(name), wanted)
    words = ", ".join(f"{batch}: {cosine:.7f}" for batch, cosine in found.items())
    rest = ", ".join(str(len(wanted) % batch) for batch in bench.sizes.batches)
    lowest = min(found.values())
    return judged(
        lowest >= LEAST["fp32"], f"{words}; last batches of {rest} (0 is a full one)", lowest_cosine=lowest
    )
