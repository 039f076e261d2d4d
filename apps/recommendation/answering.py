"""The endpoints: users and items by their names in, items with their titles and scores out, inside the graph."""

import numpy as np
import tensorflow as tf

from dlkeras.data.movielens import genre_matrix
from dlkeras.data.refusing import refuse_unless
from dlkeras.models.recommend.parts import multi_hot

MOST = 100
"""Items of an answer at most."""
LISTED = {"k": ((None,), "int32"), "genre": ((None,), "string")}
"""Inputs of all that answer with a list: how many items, and of which genre, empty for any."""
_NOTHING = -1e30
_MOST_NAMED = 30


class Names:
    """The names of users or items, and their places, inside the graph.

    Found by their hashes among sorted ones: constants of the graph, where a lookup table is a resource that has to be
    filled anew by whoever loads it.

    Args:
        what: What they are names of, for the sentence.
        names: List of `str`.
    """

    def __init__(self, what, names):
        self._what, self._known = what, _known(names)
        self._names = tf.constant(["", *names])
        hashes = _hashes(self._names)
        self._order = tf.argsort(hashes)
        self._hashes = tf.gather(hashes, self._order)

    def places(self, names):
        """Returns the places of names, int32 of their shape; -1 for an empty one. Refuses such as are not known."""
        near = tf.searchsorted(self._hashes, tf.reshape(_hashes(names), [-1]))
        found = tf.gather(self._order, tf.minimum(near, tf.size(self._order) - 1))
        found = tf.reshape(found, tf.shape(names))
        unknown = tf.boolean_mask(names, tf.gather(self._names, found) != names)
        listed = tf.strings.reduce_join(unknown[:5], separator=", ")
        refusal = refuse_unless(tf.size(unknown) == 0, f"{self._what} must be one of {self._known}. Received: ", listed)
        with tf.control_dependencies([refusal]):
            return found - 1

    def given(self, names):
        """Returns the places of names, none of which may be empty."""
        some = refuse_unless(~tf.reduce_any(names == ""), f"{self._what} must not be empty")
        with tf.control_dependencies([some]):
            return self.places(names)

    def of(self, places):
        """Returns names of places, empty for -1."""
        return tf.gather(self._names, places + 1)


class Answers:
    """Answers with a model.

    Args:
        model: `dlkeras.models.recommend.recommender.Recommender`.
        info: `user_names`, `item_names`, `titles`, `genres` (a list an item) and `limits`, as of `Recommendation.load`.
    """

    def __init__(self, model, info):
        self._model, self._limits = model, info["limits"]
        self._users, self._items = Names("user", info["user_names"]), Names("item", info["item_names"])
        self._titles = tf.constant(["", *info["titles"]])
        self._number = len(info["item_names"])
        genres, table = genre_matrix(info["genres"])
        self._genres = Names("genre", genres)
        # A row for any genre, then one a genre: which items are of it.
        self._of_genre = tf.constant(np.concatenate([np.ones((1, self._number), bool), table.T]))

    def rate(self, user, item):
        """Says how users would rate items, string `(batch,)` each.

        Returns:
            `rating`, float32 `(batch,)`, within the limits of the ratings that were learned from; `title`.
        """
        with tf.control_dependencies([_as_many("item", item, user)]):
            users, items = self._users.given(user), self._items.given(item)
        ratings = self._model.network(tf.stack([users, items], axis=1), training=False)
        return {"rating": tf.clip_by_value(ratings, *self._limits), "title": self._titled(items)}

    def top_k(self, user, k, genre, leave_out):
        """Recommends items that users have not seen.

        Args:
            user: string `(batch,)`.
            k: int32 `(batch,)`, how many, from 1 to `MOST`.
            genre: string `(batch,)`, empty for any.
            leave_out: string `(batch, items)`, items that are not to be recommended; empty ones are none.

        Returns:
            `items`, `titles`, string `(batch, the greatest k)`, and `scores`, float32: the best first, empty and 0
            where there are no more.
        """
        with tf.control_dependencies([_as_many("leave_out", leave_out, user)]):
            users = self._users.given(user)
        hidden = tf.concat([self._model.seen(users), self._items.places(leave_out) + 1], axis=1)
        return self._listed(*self._best(self._model.scores(users), hidden, k, genre))

    def similar(self, item, k, genre):
        """Finds items that those who like `item`, string `(batch,)`, like too; gives what `top_k` does."""
        items = self._items.given(item)[:, None]
        return self._listed(*self._best(self._model.cosines(items + 1)[:, 0], items + 1, k, genre))

    def from_history(self, items, k, genre):
        """Recommends to somebody new.

        Args:
            items: string `(batch, items)`, what they like; empty ones are none.
            k: As of `top_k`.
            genre: As of `top_k`.

        Returns:
            What `top_k` does, and of each recommendation `because` and `because_title`: which of `items` is nearest.
        """
        histories = self._items.places(items) + 1
        some = refuse_unless(tf.reduce_all(tf.reduce_any(histories > 0, axis=1)), "items must hold one item at least")
        with tf.control_dependencies([some]):
            places, scores = self._best(self._model.history_scores(histories), histories, k, genre)
        nearest = self._model.nearest(tf.maximum(places, 0), histories)
        because = tf.where(places < 0, -1, nearest)
        answer = self._listed(places, scores)
        return {**answer, "because": self._items.of(because), "because_title": self._titled(because)}

    def _best(self, scores, hidden, k, genre):
        """Returns the places of the best items, -1 where there are no more, and their scores, 0 there."""
        checks = [_as_many("k", k, scores), _as_many("genre", genre, scores)]
        listed = tf.strings.reduce_join(
            tf.strings.as_string(tf.boolean_mask(k, (k < 1) | (k > MOST))[:5]), separator=", "
        )
        checks.append(refuse_unless(listed == "", f"k must be from 1 to {MOST}. Received: ", listed))
        with tf.control_dependencies(checks):
            allowed = tf.gather(self._of_genre, self._genres.places(genre) + 1)
        allowed &= multi_hot(hidden, self._number) == 0
        scores, places = tf.math.top_k(tf.where(allowed, scores, _NOTHING), min(MOST, self._number))
        wanted = tf.range(tf.shape(places)[1]) < k[:, None]
        is_there = wanted & (scores > _NOTHING)
        places, scores = tf.where(is_there, places, -1), tf.where(is_there, scores, 0.0)
        most = tf.reduce_max(tf.concat([k, [0]], 0))
        return places[:, :most], scores[:, :most]

    def _listed(self, places, scores):
        return {"items": self._items.of(places), "titles": self._titled(places), "scores": scores}

    def _titled(self, places):
        return tf.gather(self._titles, places + 1)


def _hashes(names):
    return tf.strings.to_hash_bucket_fast(names, 2**62)


def _known(names):
    if len(names) <= _MOST_NAMED:
        return ", ".join(names) or "none"
    return f"the {len(names)} that the model knows, such as {names[0]}"


def _as_many(name, values, rows):
    found, wanted = tf.shape(values)[0], tf.shape(rows)[0]
    return refuse_unless(found == wanted, f"{name} must have one value a row. Received: ", found, " for ", wanted)
