"""How far predicted ratings are off, and how well items are ranked."""

import numpy as np

from dlkeras.data.ratings import Ratings
from dlkeras.metrics import mae, ranking_figures, rmse

_AT_ONCE = 10_000


def rating_errors(model, splits):
    """Returns figures of a test split, and of each of its ratings how far the prediction is off, `(ratings,)`.

    Args:
        model: `dlkeras.models.recommend.recommender.Recommender` of ratings.
        splits: `Splits` of pairs.
    """
    predicted = model.predict(splits.test.x, batch_size=_AT_ONCE, verbose=0)
    predicted = np.clip(predicted, *splits.info["limits"])
    figures = {"rmse": rmse(splits.test.y, predicted), "mae": mae(splits.test.y, predicted)}
    return figures, predicted - splits.test.y


def ranking(model, splits):
    """Returns figures of the test split's items among all that a user has not seen, and nothing of single ratings."""
    seen = np.concatenate([splits.train.x, splits.validation.x])
    held_out = _as_ratings(splits.test.x, splits.info)
    score = lambda users: np.asarray(model.scores(users))  # noqa: E731
    return ranking_figures(score, _as_ratings(seen, splits.info), held_out), None


def _as_ratings(pairs, info):
    ones = np.ones(len(pairs), "float32")
    return Ratings(pairs[:, 0], pairs[:, 1], ones, None, tuple(info["user_names"]), tuple(info["item_names"]))
