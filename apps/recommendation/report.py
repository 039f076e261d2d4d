"""What a test looks like: what some users liked and are recommended, and where predicted ratings are off."""

import csv
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from dlkeras.files import write_atomically

_USERS, _ITEMS = 20, 10  # of the table
_GROUPS = 8  # of items, by how often they were rated


def write_report(directory, model, splits, errors=None):
    """Writes `recommendations.csv` and, where errors are given, `errors.png`.

    Args:
        directory: Where they go; made if it is not there.
        model: `dlkeras.models.recommend.recommender.Recommender`.
        splits: `Splits` of pairs.
        errors: Of the test split's predicted ratings, `(ratings,)`.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    rows = _recommended(model, splits.info)
    write_atomically(directory / "recommendations.csv", lambda path: _write(path, rows))
    if errors is not None and len(splits.train.y):
        write_atomically(directory / "errors.png", lambda path: _plot(path, splits, errors))


def _recommended(model, info):
    titles = info["titles"]
    users = np.arange(min(_USERS, len(info["user_names"])), dtype="int32")
    seen, scores = np.asarray(model.seen(users)), np.array(model.scores(users))
    yield ["user", "some that they know", "recommended"]
    for user in users:
        own = seen[user][seen[user] > 0] - 1
        scores[user, own] = -np.inf
        best = np.argsort(-scores[user], kind="stable")[:_ITEMS]
        yield [info["user_names"][user], *("; ".join(titles[place] for place in some[:_ITEMS]) for some in (own, best))]


def _write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _plot(path, splits, errors):
    """Draws the error by how often an item was rated, of items in groups with as many test ratings each."""
    counts = np.bincount(splits.train.x[:, 1], minlength=len(splits.info["titles"]))[splits.test.x[:, 1]]
    groups = [group for group in np.array_split(np.argsort(counts, kind="stable"), _GROUPS) if len(group)]
    names = [f"{counts[group].min()} to {counts[group].max()}" for group in groups]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(groups)), [np.sqrt(np.mean(errors[group] ** 2)) for group in groups])
    axes.set_xticks(range(len(groups)), names, rotation=30)
    axes.set(xlabel="ratings of the item that were learned from", ylabel="root mean squared error")
    figure.savefig(path, dpi=120, format="png")
