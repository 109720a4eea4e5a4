"""Section `fit`: heads on cached features, SGD against a torch loop, L-BFGS against scikit-learn; and memory's speed."""

from statistics import median

from protocol import Worker
from rounds import Row, Starter, Table, interleave

BATCH = 32
# Bytes that `copy_memory.py` reads, and writes.
COPIED = 256 << 20
# N, D, C, SGD's epochs.
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
        result.missing.append("A quick run fits the smallest of the three shapes only.")


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
            result.missing.append(f"{where}: frostline: there is no `benches/fit.rs`")
        command = setting.peer(peer[0], "fit.py", solver, *words, setting.threads, features, targets)
        starter.add(Worker, peer[1], command, **common)
        starter.add(Worker, "copy", setting.peer("sklearn", "copy_memory.py", setting.threads), **common)
        took = interleave(starter.started, setting.rounds, 1, where)
        starter.end()
    copies = [row for row in took if row.name == "copy"]
    fits = [Row(row.name, row.what, [1e3 * s for s in row.values]) for row in took if row.name != "copy"]
    remarks = [f"{'One epoch' if epochs == 1 else f'{epochs} epochs'} in batches of {BATCH}." if solver == "sgd" else
               "All from zero, with C = 1 and a tolerance of 1e-4, scikit-learn's own."]
    # Fewer features lie in a cache, which memory's speed says nothing of.
    if solver == "sgd" and copies and 4 * rows * columns >= 250_000_000:
        remarks.append(bandwidth(copies[0], took, shape))
    result.tables.append(Table(where, "ms", "frostline", fits, remarks))


def bandwidth(copy, rows, shape):
    """What part of memory's speed the epochs reach: their rows' bytes against those that a copy reads, and writes too."""
    n, d, _, epochs = shape
    copied = COPIED / median(copy.values) / 1e9
    said = f"Copying memory reads {copied:.1f} GB/s and writes as much ({copy.what})."
    for row in rows:
        if row.name == "frostline":
            read = n * d * 4 * epochs / median(row.values) / 1e9
            said += (f" frostline's epochs read {read:.1f} GB/s of features: {100 * read / copied:.0f} % of what the copy reads, "
                     f"{50 * read / copied:.0f} % of what it reads and writes.")
    return said
