"""How far predicted ratings of MovieLens 100K are off: five random folds, and the split u1.

Baselines first. Networks hold out a fiftieth of what they learn from to choose the epoch by. Settings were chosen on a
part of the first fold's and of u1's training ratings, never on what is tested.
"""

import tempfile
import time

import keras
import numpy as np

from apps.results import markdown
from dlkeras import models
from dlkeras.data.movielens import load_movielens, load_movielens_split
from dlkeras.data.rating_splits import folds, random_split
from dlkeras.data.splits import Examples
from dlkeras.losses import KnownRatingsLoss
from dlkeras.metrics import mae, rmse
from dlkeras.models.recommend.baselines import Biases
from dlkeras.models.recommend.neighbours import Neighbours
from dlkeras.training import fit

SEED, FOLDS = 0, 5
_LIMITS = (1, 5)
_BASELINES = {
    "biases": Biases,
    "neighbours_user": lambda: Neighbours("user"),
    "neighbours_item": lambda: Neighbours("item"),
}
_PAIRS = {
    "matrix_factorization": ({"factors": 128, "decay": 0.12, "bias_decay": 0.02}, 20, 0.005),
    "svd_plus_plus": ({"factors": 64, "decay": 0.06, "bias_decay": 0.02}, 10, 0.005),
    "factorization_machine": ({"factors": 64, "decay": 0.12, "bias_decay": 0.02}, 12, 0.005),
}
_ROWS = {
    "autorec_user": ({"hidden": 500, "decay": 0.001}, 80, 0.0005),
    "autorec_item": ({"hidden": 500, "decay": 0.001}, 80, 0.0005),
}
ROWS = (*_BASELINES, *_PAIRS, *_ROWS)
_PUBLISHED = {
    "biases": "0.944",
    "neighbours_user": "0.931",
    "matrix_factorization": "0.934 (SVD); the textbook's 1.06",
    "svd_plus_plus": "0.919",
    "autorec_item": "the textbook's 0.90",
}


def run(row, directory):
    """Makes one row: six times training and testing."""
    ratings = load_movielens().ratings
    figures, begin = [], time.process_time()
    for train, test in folds(ratings, FOLDS, SEED):
        figures.append(_tested(row, train, test))
    seconds = (time.process_time() - begin) / FOLDS
    (u1, _) = _tested(row, *load_movielens_split("u1", ratings))
    errors, absolute = np.array(figures).T
    return {
        "rmse": float(errors.mean()),
        "deviation": float(errors.std(ddof=1)),
        "mae": float(absolute.mean()),
        "u1": u1,
        "cpu_seconds": seconds,
        "seed": SEED,
    }


def table(results):
    """Returns the table of the rows that are there."""
    head = ["model", "RMSE, 5 folds", "deviation", "MAE", "RMSE, u1", "CPU seconds a fold", "published RMSE"]
    lines = [head, ["---"] * len(head)]
    for row, result in results.items():
        figures = [f"{result[name]:.4f}" for name in ("rmse", "deviation", "mae", "u1")]
        lines.append([row, *figures, f"{result['cpu_seconds']:.0f}", _PUBLISHED.get(row, "")])
    return markdown(lines)


def _tested(row, train, test):
    predicted = np.clip(_predict(row, train, test), *_LIMITS)
    return rmse(test.ratings, predicted), mae(test.ratings, predicted)


def _predict(row, train, test):
    if row in _BASELINES:
        return _BASELINES[row]().fit(train).predict(test.users, test.items)
    keras.utils.set_random_seed(SEED)
    learned, validated = random_split(train, 0.02, SEED)
    return (_predict_pairs if row in _PAIRS else _predict_rows)(row, learned, validated, test)


def _predict_pairs(row, train, validation, test):
    """Returns ratings by a network that takes a user and an item."""
    arguments, epochs, rate = _PAIRS[row]
    sizes = {"num_users": train.num_users, "num_items": train.num_items}
    if row == "factorization_machine":
        model = models.create(row, sizes=tuple(sizes.values()), **arguments)
        model.center(train.ratings)
    else:
        model = models.create(row, **sizes, **arguments)
        model.read(train.users, train.items, train.ratings)
    examples = [Examples(np.column_stack([part.users, part.items]), part.ratings) for part in (train, validation)]
    steps = len(examples[0].y) // 1000 * epochs
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps, 0.001))
    model.compile(optimizer, "mse", metrics=[keras.metrics.RootMeanSquaredError("loss_alone")])
    _fit(model, examples, epochs, 1000)
    return model.predict(np.column_stack([test.users, test.items]), batch_size=10_000, verbose=0)


def _predict_rows(row, train, validation, test):
    """Returns ratings by an autoencoder of users or of items."""
    arguments, epochs, rate = _ROWS[row]
    model = models.create(row, num_users=train.num_users, num_items=train.num_items, **arguments)
    known, held_out = (_table(part, row) for part in (train, validation))
    model.compile(keras.optimizers.Adam(rate), KnownRatingsLoss(), metrics=[_KnownLoss("loss_alone")])
    _fit(model, [Examples(known, known), Examples(known, held_out)], epochs, 100)
    model.read(known)
    scores = keras.ops.convert_to_numpy(model.score_all(np.arange(train.num_users)))
    return scores[test.users, test.items]


def _table(ratings, row):
    """Returns a row a user, or an item, 0 where there is no rating."""
    table = np.zeros((ratings.num_users, ratings.num_items), "float32")
    table[ratings.users, ratings.items] = ratings.ratings
    return table if row == "autorec_user" else np.ascontiguousarray(table.T)


class _KnownLoss(keras.metrics.MeanMetricWrapper):
    def __init__(self, name):
        super().__init__(KnownRatingsLoss().call, name=name)


def _fit(model, examples, epochs, batch_size):
    """Trains; the epoch is chosen by the loss without penalties."""
    with tempfile.TemporaryDirectory() as folder:
        fit(model, *examples, folder, epochs=epochs, batch_size=batch_size, seed=SEED, monitor="val_loss_alone")
