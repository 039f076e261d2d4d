"""How well items of MovieLens 100K are ranked, a quarter of each item's ratings held out; all items are ranked.

Beside it, named so, the sampled protocol of He et al. 2017: each user's last rating among 99 drawn items. Networks that
learn from drawn items go through a fixed number of epochs; settings were chosen on a part of the training ratings.
"""

import tempfile
import time

import keras
import numpy as np

from apps.results import markdown
from dlkeras import models
from dlkeras.data.movielens import load_movielens
from dlkeras.data.negatives import Negatives
from dlkeras.data.rating_splits import leave_last_out, random_split, stratified_split
from dlkeras.data.splits import Examples
from dlkeras.losses import BPRLoss, MultinomialLoss, SampledSoftmaxLoss
from dlkeras.metrics import HistoryLoss, ranking_figures, sampled_candidates, sampled_figures
from dlkeras.models.recommend.neighbours import Neighbours
from dlkeras.models.recommend.parts import item_lists
from dlkeras.training import fit
from dlkeras.training.negatives import AddNegatives

SEED = 0
_DRAWN = {
    "bpr": ({"factors": 64, "decay": 0.01, "bias_decay": 0.001}, BPRLoss(), 30, 0.005),
    "neumf": ({"factors": 32, "dropout": 0.3, "decay": 0.002}, SampledSoftmaxLoss(), 12, 0.002),
}
ROWS = ("popularity", "neighbours_item", *_DRAWN, "mult_dae")
_NEGATIVES, _BATCH = 5, 1000
_PUBLISHED = {"neumf": "0.396 (NCF)"}


def run(row, directory):
    """Makes one row: training and testing by either protocol."""
    ratings = load_movielens().ratings
    begin = time.process_time()
    train, test = stratified_split(ratings, 0.25, SEED, by="item")
    score = _score(row, train)
    seconds = time.process_time() - begin
    figures = ranking_figures(score, train, test)
    train, test = leave_last_out(ratings)
    score, candidates = _score(row, train), sampled_candidates(train, test, SEED)
    scores = np.take_along_axis(np.asarray(score(candidates[:, 0])), candidates[:, 1:], axis=1)
    return {**figures, **sampled_figures(scores), "cpu_seconds": seconds, "seed": SEED}


def table(results):
    """Returns the table of the rows that are there."""
    names = ["ndcg_at_10", "map_at_10", "recall_at_10", "hr_at_10", "auc", "sampled_hr_at_10", "sampled_ndcg_at_10"]
    head = ["model", *names, "CPU seconds", "published NDCG@10"]
    lines = [head, ["---"] * len(head)]
    for row, result in results.items():
        figures = [f"{result[name]:.3f}" for name in names]
        lines.append([row, *figures, f"{result['cpu_seconds']:.0f}", _PUBLISHED.get(row, "")])
    return markdown(lines)


def _score(row, train):
    """Returns the function of users that scores all items."""
    if row == "popularity":
        counts = np.bincount(train.items, minlength=train.num_items).astype("float32")
        return lambda users: np.tile(counts, (len(users), 1))
    keras.utils.set_random_seed(SEED)
    if row == "neighbours_item":
        return _of_neighbours(train)
    return _of_histories(train) if row == "mult_dae" else _of_drawn(row, train)


def _of_neighbours(train):
    """Scores by how like the seen items are, whatever their ratings."""
    similarities = np.maximum(Neighbours("item").fit(train).similarities, 0)
    seen = np.zeros((train.num_users, train.num_items), "float32")
    seen[train.users, train.items] = 1
    return lambda users: seen[users] @ similarities


def _of_drawn(row, train):
    arguments, loss, epochs, rate = _DRAWN[row]
    model = models.create(row, num_users=train.num_users, num_items=train.num_items, **arguments)
    pairs = np.column_stack([train.users, train.items])
    add = AddNegatives(Negatives(train.users, train.items, train.num_items), _NEGATIVES)
    # What Keras shows beside the loss; the epochs are not chosen by it.
    shown = Examples(*add(pairs[:_BATCH], None, np.random.default_rng(SEED)))
    _fit(model, loss, Examples(pairs, train.ratings), shown, epochs, _BATCH, rate, transform=add)
    return lambda users: keras.ops.convert_to_numpy(model.score_all(users))


def _of_histories(train):
    learned, validated = random_split(train, 0.05, SEED)
    model = models.create("mult_dae", num_items=train.num_items, decay=0.01)
    known, held_out = (_table(part) for part in (learned, validated))
    _fit(model, MultinomialLoss(), Examples(known, known), Examples(known, held_out), 100, 100, 0.001)
    lists = item_lists(train.users, train.items, train.num_users, int(np.bincount(train.users).max()))
    return lambda users: keras.ops.convert_to_numpy(model.score_all(lists[users]))


def _table(ratings):
    table = np.zeros((ratings.num_users, ratings.num_items), "float32")
    table[ratings.users, ratings.items] = 1
    return table


def _fit(model, loss, train, validation, epochs, batch_size, rate, transform=None):
    steps = len(train.y) // batch_size * epochs
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps, 0.001))
    model.compile(optimizer, loss, metrics=[] if transform else [HistoryLoss()])
    fitting = {"epochs": epochs, "batch_size": batch_size, "seed": SEED, "transform": transform}
    fitting["monitor"] = "loss" if transform else "val_history_loss"
    with tempfile.TemporaryDirectory() as folder:
        fit(model, train, validation, folder, **fitting)
