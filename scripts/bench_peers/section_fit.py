"""Section `fit`: heads on cached features, compared with a torch loop and scikit-learn; memory bandwidth."""

from statistics import median

from protocol import Worker
from rounds import Row, Starter, Table, interleave

BATCH = 32
# Bytes that `copy_memory.py` reads, and also writes.
COPIED = 256 << 20
# N, D, C, epochs of SGD.
SHAPES = [(694, 4096, 2, 25), (50_000, 4096, 10, 1), (50_000, 1280, 100, 1)]
SOLVERS = [("sgd", "torch", "torch loop"), ("lbfgs", "sklearn", "scikit-learn")]


def measure(setting, result):
    for rows, columns, classes, epochs in SHAPES[: 1 if setting.quick else None]:
        shape = (rows, columns, classes, epochs)
        folder = setting.scratch("fit")
        features, targets = (folder / f"{rows}x{columns}x{classes}.{end}" for end in ("f32", "i64"))
        if not targets.is_file():
            command = setting.peer("sklearn", "make_features.py", rows, columns, classes, features, targets)
            setting.run(command, "fit")
        for solver, peer, name in SOLVERS:
            solve(setting, result, shape, solver, (peer, name), features, targets)
    if setting.quick:
        result.missing.append("A quick run fits only the smallest of the three shapes.")


def solve(setting, result, shape, solver, peer, features, targets):
    rows, columns, classes, epochs = shape
    where = f"{solver.upper().replace('LB', 'L-B')}, {rows:,} × {columns} × {classes}"
    starter = Starter(result, where)
    with setting.log("fit") as log:
        common = {"environment": setting.environment, "log": log}
        words = [rows, columns, classes, epochs, BATCH]
        bench = setting.benches.get("fit")
        if bench:
            starter.add(Worker, "frostline", [bench, *words, "f32", solver, features, targets], **common)
            if solver == "lbfgs":
                starter.add(Worker, "linfa-logistic", [bench, *words, "f32", "linfa", features, targets], **common)
            if solver == "sgd":
                starter.add(Worker, "frostline, f16", [bench, *words, "f16", solver, features, targets], **common)
        else:
            result.missing.append(f"{where}: frostline: `benches/fit.rs` was not built")
        command = setting.peer(peer[0], "fit.py", solver, *words, setting.threads, features, targets)
        starter.add(Worker, peer[1], command, **common)
        starter.add(Worker, "copy", setting.peer("sklearn", "copy_memory.py", setting.threads), **common)
        took = interleave(starter.started, setting.rounds, 1, where)
        starter.end()
    copies = [row for row in took if row.name == "copy"]
    fits = [Row(row.name, row.what, [1e3 * s for s in row.values]) for row in took if row.name != "copy"]
    remarks = [f"{'One epoch' if epochs == 1 else f'{epochs} epochs'} in batches of {BATCH}." if solver == "sgd" else
               "All start from zero, with C = 1 and scikit-learn's default tolerance of 1e-4."]
    # Smaller features fit in a cache, where the memory's speed does not matter.
    if solver == "sgd" and copies and 4 * rows * columns >= 250_000_000:
        remarks.append(bandwidth(copies[0], took, shape))
    result.tables.append(Table(where, "ms", "frostline", fits, remarks))


def bandwidth(copy, rows, shape):
    """Compares the rate at which epochs read features with the rates at which a copy reads and writes."""
    n, d, _, epochs = shape
    copied = COPIED / median(copy.values) / 1e9
    said = f"A memory copy reads {copied:.1f} GB/s and writes the same amount ({copy.what})."
    for row in rows:
        if row.name == "frostline":
            read = n * d * 4 * epochs / median(row.values) / 1e9
            said += (f" frostline's epochs read {read:.1f} GB/s of features: "
                     f"{100 * read / copied:.0f} % of what the copy reads, "
                     f"{50 * read / copied:.0f} % of what it reads and writes.")
    return said
