"""A worker: fits a head on cached features with a torch loop or scikit-learn. `go` is one fit.

usage: fit.py sgd|lbfgs N D C EPOCHS BATCH THREADS FEATURES TARGETS

FEATURES has N · D plain float32 values, TARGETS N int64 values. SGD uses learning rate 0.001, momentum 0.9
and a new order in each epoch; L-BFGS is `LogisticRegression(C=1)` with its default tolerance, 1e-4.
"""

import sys

from protocol import serve, take_standard_output


def main():
    solver, rows, columns, classes, epochs, batch, threads, features, targets = sys.argv[1:]
    take_standard_output()
    import numpy as np

    features = np.fromfile(features, np.float32).reshape(int(rows), int(columns))
    targets = np.fromfile(targets, np.int64)
    fits = {"sgd": torch_sgd, "lbfgs": sklearn_lbfgs}
    what, fit = fits[solver](features, targets, int(classes), int(epochs), int(batch), int(threads))
    serve(what, fit)


def torch_sgd(features, targets, classes, epochs, batch, threads):
    import torch

    torch.set_num_threads(threads)
    features, targets = torch.from_numpy(features), torch.from_numpy(targets)

    def fit():
        layer = torch.nn.Linear(features.shape[1], classes)
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.001, momentum=0.9)
        criterion = torch.nn.CrossEntropyLoss()
        for _ in range(epochs):
            order = torch.randperm(len(targets))
            for first in range(0, len(order), batch):
                rows = order[first : first + batch]
                optimizer.zero_grad()
                criterion(layer(features[rows]), targets[rows]).backward()
                optimizer.step()

    return f"torch {torch.__version__.split('+')[0]}", fit


def sklearn_lbfgs(features, targets, classes, epochs, batch, threads):
    import sklearn
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    def fit():
        with threadpool_limits(threads):
            LogisticRegression(C=1.0, max_iter=10_000).fit(features, targets)

    return f"scikit-learn {sklearn.__version__}", fit


main()
