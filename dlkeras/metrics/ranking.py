"""Measures of rankings of items for users, over all items, in NumPy; and over a sampled hundred, as papers have it."""

import numpy as np

from dlkeras.data.negatives import Negatives

_MOST_SCORES = 2**24  # of a batch of users, 64 MB as float32


def top_k(scores, k):
    """Finds the k best items of each row, the best first; of equal scores the lower item.

    Args:
        scores: Numbers `(users, items)`; `-inf` for items that are to be chosen only where there are no others.
        k: Number of items, from 1 to the number of items.

    Returns:
        int32 `(users, k)`.

    Raises:
        ValueError: `k` is out of its range, or a score is NaN.
    """
    scores = _checked(scores, np.shape(scores))
    num_items = scores.shape[1]
    _check_k(k, num_items)
    kth = np.partition(scores, num_items - k, axis=1)[:, num_items - k, None]
    above, equal = scores > kth, scores == kth
    # A partition takes any of those that are equal to the k-th best; the first ones are wanted.
    equal &= np.cumsum(equal, axis=1) <= k - above.sum(axis=1, keepdims=True)
    chosen = np.nonzero(above | equal)[1].reshape(-1, k)
    order = np.argsort(-np.take_along_axis(scores, chosen, 1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, 1).astype("int32")


def ranking_figures(score, seen, held_out, k=10, batch_size=None):
    """Measures how a model ranks held-out items among all items that a user has not seen.

    Every held-out rating counts as relevant, with a gain of 1 whatever it is. Figures are means over the users who have
    held-out items. Of equal scores the lower item stands first; in the area under the curve a tie counts half.

    Args:
        score: Function of int32 `(batch,)` users that gives numbers `(batch, items)`.
        seen: `dlkeras.data.ratings.Ratings` of the training: their items are left out of the user's ranking.
        held_out: `Ratings` with the same names, none of them in `seen`.
        k: Length of the lists that are measured, from 1 to the number of items.
        batch_size: Users at a time; `None` for as many as 64 MB of scores hold.

    Returns:
        Dict of floats in [0, 1], the names with the `k` that is asked for: `hr_at_10` (share of users with a held-out
        item in their list), `ndcg_at_10`, `map_at_10` (average precision of the list, over the lesser of k and the
        number of held-out items), `recall_at_10`, `precision_at_10`, and, of whole rankings, `map` and `auc` (over
        those users who also have an item that is neither seen nor held out; NaN without one).

    Raises:
        ValueError: There is nothing held out, it was seen, or scores are NaN or of another shape.
    """
    _check_k(k, held_out.num_items)
    if not len(held_out):
        raise ValueError("`held_out` must have ratings. Received: none")
    width = held_out.num_items
    seen_pairs = np.sort(seen.users.astype("int64") * width + seen.items)
    pairs = np.unique(held_out.users.astype("int64") * width + held_out.items)
    both = np.intersect1d(seen_pairs, pairs)
    if both.size:
        raise ValueError(f"`held_out` must not be in `seen`. Received: user {both[0] // width}, item {both[0] % width}")
    users = np.unique(pairs // width)
    batch_size = batch_size or max(1, _MOST_SCORES // width)
    rows = []
    for start in range(0, len(users), batch_size):
        batch = users[start : start + batch_size].astype("int32")
        scores = _checked(score(batch), (len(batch), width))
        for user, own in zip(batch.tolist(), scores, strict=True):
            hidden, relevant = (_items_of(some, user, width) for some in (seen_pairs, pairs))
            rows.append(_figures(np.delete(own, hidden), relevant - np.searchsorted(hidden, relevant), k))
    *lists, auc = np.array(rows).T
    names = (*(f"{name}_at_{k}" for name in ("hr", "ndcg", "map", "recall", "precision")), "map")
    figures = {name: float(np.mean(values)) for name, values in zip(names, lists, strict=True)}
    return figures | {"auc": float(np.nanmean(auc)) if np.isfinite(auc).any() else np.nan}


def sampled_candidates(seen, held_out, seed, negatives=99):
    """Draws for each held-out rating items that the user has neither seen nor held out: the sampled protocol.

    Args:
        seen: `dlkeras.data.ratings.Ratings` of the training.
        held_out: `Ratings` with the same names, as of `dlkeras.data.rating_splits.leave_last_out`.
        seed: Of the draw.
        negatives: Number of items, no two alike.

    Returns:
        int32 `(held out, 1 + 1 + negatives)`: user, held-out item, drawn items. This is what ranking models take.

    Raises:
        ValueError: A user has too few such items.

    Source: He et al. 2017, "Neural Collaborative Filtering", section 4.1.
    """
    users, items = (np.concatenate([getattr(part, name) for part in (seen, held_out)]) for name in ("users", "items"))
    sampler = Negatives(users, items, held_out.num_items)
    drawn = sampler.draw(held_out.users, negatives, np.random.default_rng(seed), distinct=True)
    return np.column_stack([held_out.users, held_out.items, drawn])


def sampled_figures(scores, k=10):
    """Measures the place of a held-out item among drawn ones: figures of papers, far above those over all items.

    Args:
        scores: Numbers `(held out, 1 + negatives)`, of the held-out item first. Equal scores count against it.
        k: Length of the lists that are measured.

    Returns:
        Dict of floats in [0, 1]: `sampled_hr_at_10` and `sampled_ndcg_at_10`, with the `k` that is asked for.

    Raises:
        ValueError: Scores are NaN or of another shape, or `k` is out of its range.
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or not scores.size:
        raise ValueError(f"`scores` must have shape (held out, 1 + negatives). Received: scores.shape={scores.shape}")
    _check_k(k, scores.shape[1])
    scores = _checked(scores, scores.shape)
    places = (scores[:, 1:] >= scores[:, :1]).sum(axis=1)
    gains = np.where(places < k, 1 / np.log2(places + 2), 0)
    return {f"sampled_hr_at_{k}": float(np.mean(places < k)), f"sampled_ndcg_at_{k}": float(np.mean(gains))}


def _check_k(k, num_items):
    if not 1 <= k <= num_items:
        raise ValueError(f"`k` must be from 1 to the number of items, {num_items}. Received: k={k}")


def _checked(scores, shape):
    scores = np.asarray(scores)
    if scores.shape != shape:
        raise ValueError(f"Scores must have shape {shape}. Received: shape {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError("Scores must be numbers. Received: NaN")
    return scores


def _items_of(pairs, user, width):
    start, end = np.searchsorted(pairs, [user * width, (user + 1) * width])
    return pairs[start:end] - user * width


def _figures(scores, relevant, k):
    """Returns the figures of one user, who has scores of the unseen items, some of which are relevant."""
    places, auc = _places(scores, relevant)
    in_list = places < k
    gains = 1 / np.log2(places + 2)
    best = 1 / np.log2(np.arange(min(k, len(places))) + 2)
    precisions = np.arange(1, len(places) + 1) / (places + 1)
    hits = in_list.sum()
    return (
        hits > 0,
        gains[in_list].sum() / best.sum(),
        precisions[in_list].sum() / len(best),
        hits / len(places),
        hits / k,
        precisions.mean(),
        auc,
    )


def _places(scores, relevant):
    """Returns the places of relevant items in the ranking, from 0 and sorted, and the area under the ROC curve."""
    ordered = np.sort(scores)
    own = scores[relevant]
    below, up_to = np.searchsorted(ordered, own, "left"), np.searchsorted(ordered, own, "right")
    places = len(scores) - up_to
    for row in np.flatnonzero(up_to - below > 1):
        item = relevant[row]
        places[row] += np.count_nonzero(scores[:item] == scores[item])
    others = len(scores) - len(relevant)
    if not others:
        return np.sort(places), np.nan
    # Pairs of relevant items are counted in both orders or as ties, half of all in sum.
    won = (below + up_to - 1).sum() / 2 - len(relevant) * (len(relevant) - 1) / 2
    return np.sort(places), won / (len(relevant) * others)
