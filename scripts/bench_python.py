#!/usr/bin/env python3
"""Compares `frostline.SoftmaxClassifier` with scikit-learn's `LogisticRegression` and a torch loop: time and predictions.

Needs a Python with the wheel (`scripts/wheel.sh`), scikit-learn and, for `sgd`, torch; and an idle machine. Fits take
turns, in one process; times are medians.
usage: scripts/bench_python.py [--rounds N] [--solver sgd|lbfgs] [--shape N,D,C …] [STORE …]
  --rounds  fits of each [default: 5]
  --solver  only this solver
  --shape   synthetic features, normal around a mean for each of C classes; may be repeated
  STORE     feature stores of labelled images; the digits of scikit-learn are always measured
"""

import argparse
import time
import warnings
from statistics import median

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import frostline as fl

TOL = 1e-6
EPOCHS = 25
LEARNING_RATE = 0.001


class Loop:
    """The SGD of `SoftmaxClassifier` in torch, with momentum 0.9."""

    def __init__(self, batch_size):
        self.batch_size = batch_size

    def fit(self, X, y):
        import torch

        features, targets = torch.from_numpy(X), torch.from_numpy(y)
        self.layer = torch.nn.Linear(X.shape[1], int(y.max()) + 1)
        torch.nn.init.zeros_(self.layer.weight)
        torch.nn.init.zeros_(self.layer.bias)
        optimizer = torch.optim.SGD(self.layer.parameters(), lr=LEARNING_RATE, momentum=0.9)
        criterion = torch.nn.CrossEntropyLoss()
        for _ in range(epochs(X)):
            order = torch.randperm(len(targets))
            for first in range(0, len(order), self.batch_size):
                rows = order[first : first + self.batch_size]
                optimizer.zero_grad()
                criterion(self.layer(features[rows]), targets[rows]).backward()
                optimizer.step()

    def predict(self, X):
        import torch

        with torch.no_grad():
            return self.layer(torch.from_numpy(X)).argmax(1).numpy()


def epochs(X):
    return 1 if X.size > 10_000_000 else EPOCHS


def synthetic(rows, columns, classes):
    random = np.random.default_rng(0)
    means = random.standard_normal((classes, columns), np.float32)
    y = random.integers(0, classes, rows)
    X = random.standard_normal((rows, columns), np.float32)
    # Means so near to each other that a few per cent of the labels cannot be told.
    X += means[y] * np.float32(3.0 / columns**0.5)
    return X, y


def data_sets(arguments):
    X, y = load_digits(return_X_y=True)
    yield "digits", (X / 16).astype(np.float32), y
    for store in arguments.stores:
        X, y = fl.FeatureStore(store).numpy()
        yield store.rstrip("/").rsplit("/", 1)[-1], np.ascontiguousarray(X), y
    for shape in arguments.shape:
        yield "synthetic", *synthetic(*map(int, shape.split(",")))


def estimators(solver, X, batch_size=32):
    if solver == "sgd":
        ours = fl.SoftmaxClassifier(lr=LEARNING_RATE, epochs=epochs(X), batch_size=batch_size)
        return ours, Loop(batch_size)
    ours = fl.SoftmaxClassifier(solver="lbfgs", tol=TOL)
    return ours, LogisticRegression(C=1.0, tol=TOL, max_iter=10_000)


def compare(solver, X, y, rounds):
    seconds = ([], [])
    both = estimators(solver, X)
    for _ in range(rounds):
        for estimator, times in zip(both, seconds):
            begin = time.perf_counter()
            estimator.fit(X, y)
            times.append(time.perf_counter() - begin)
    same = f"{agreement(both, X):.3%}"
    if solver == "sgd":
        # Each shuffles by itself, and so has other batches. A batch of all samples is the same for both.
        whole = estimators(solver, X, len(X))
        for estimator in whole:
            estimator.fit(X, y)
        same += f"; {agreement(whole, X):.3%} in one batch"
    return median(seconds[0]), median(seconds[1]), same


def agreement(estimators, X):
    ours, theirs = (estimator.predict(X) for estimator in estimators)
    return (ours == theirs).mean()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--solver", action="append", choices=["sgd", "lbfgs"])
    parser.add_argument("--shape", action="append", default=[])
    parser.add_argument("stores", nargs="*")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", fl.FrostlineWarning)
    print("| data | N × D × C | solver | frostline, s | peer, s | ratio | same predictions |\n|---|---|---|--:|--:|--:|--:|")
    for name, X, y in data_sets(arguments):
        shape = f"{len(X):,} × {X.shape[1]} × {int(y.max()) + 1}"
        for solver in arguments.solver or ["lbfgs", "sgd"]:
            ours, theirs, same = compare(solver, X, y, arguments.rounds)
            print(f"| {name} | {shape} | {solver} | {ours:.4f} | {theirs:.4f} | {theirs / ours:.1f} | {same} |", flush=True)


if __name__ == "__main__":
    main()
