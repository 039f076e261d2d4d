"""Ratings of films that there are none of, by people with tastes, for use without a data set."""

import numpy as np

from dlkeras.checks import check_positive
from dlkeras.data.movielens import MovieLens
from dlkeras.data.ratings import Ratings

GENRES = ("Adventure", "Comedy", "Crime", "Drama", "Fantasy", "Romance", "Science Fiction", "War")
"""What a made-up film may be; each of them pulls its films the same way in the space of tastes."""

_ADJECTIVES = (
    *("quiet", "last", "golden", "hidden", "broken", "long", "silent", "crooked", "distant", "burning", "second"),
    *("empty", "frozen", "wild", "invisible", "borrowed", "careful", "northern", "paper", "midnight"),
)
_NOUNS = (
    *("harbour", "garden", "letter", "river", "station", "orchard", "mirror", "summer", "winter", "bridge", "island"),
    *("clock", "promise", "stranger", "mountain", "witness", "lighthouse", "journey", "carnival", "window", "map"),
)
_RANK = 6
_YEARS = (1950, 2000)
_START, _DAY = 880_000_000, 86_400  # seconds
_SPAN = 700  # days


def make_ratings(users=600, items=400, count=30_000, seed=0):
    """Makes ratings from 1 to 5 that follow from tastes.

    A user and an item are points in a space of six tastes; how far they point the same way, how much the user praises
    and how good the film is make the rating, with some chance. A film's genres pull its point; popular films, of which
    there are few, are rated often, and each user has a time of some days in which all the ratings are given.

    Args:
        users: Number of users; each has a rating at least.
        items: Number of items, of which some may have no rating.
        count: Number of ratings, no two of the same user and item.
        seed: Seed of all draws; whatever `numpy.random.default_rng` takes.

    Returns:
        `dlkeras.data.movielens.MovieLens`; ids are numbers from 1, times are of the years 1997 to 1999.

    Raises:
        ValueError: A number is out of its range.
    """
    check_positive("users", users)
    check_positive("items", items)
    if not users <= count <= users * items:
        raise ValueError(
            f"`count` must be from {users}, one a user, to {users * items}, all of them. Received: count={count}"
        )
    random = np.random.default_rng(seed)
    genres, directions = _genres(items, random)
    item_tastes = (directions + 0.6 * random.normal(size=(items, _RANK))) / np.sqrt(_RANK)
    user_tastes = random.normal(size=(users, _RANK))
    quality, praise = random.normal(0, 0.45, items), random.normal(0, 0.4, users)
    chosen_users, chosen_items = _choose(user_tastes, item_tastes, quality, count, random)
    liking = 0.75 * (user_tastes[chosen_users] * item_tastes[chosen_items]).sum(axis=1)
    exact = 3.2 + praise[chosen_users] + quality[chosen_items] + liking + random.normal(0, 0.6, count)
    starts = random.uniform(0, _SPAN, users)
    days = starts[chosen_users] + random.exponential(5, count)
    ratings = Ratings(
        chosen_users.astype("int32"),
        chosen_items.astype("int32"),
        np.clip(np.round(exact), 1, 5).astype("float32"),
        (_START + days * _DAY).astype("int64"),
        tuple(map(str, range(1, users + 1))),
        tuple(map(str, range(1, items + 1))),
    )
    return MovieLens(ratings, _titles(items, random), genres)


def _genres(items, random):
    """Returns one to three genres of each item, and where they pull it, `(items, _RANK)`."""
    pulls = random.normal(size=(len(GENRES), _RANK))
    numbers = [np.sort(random.permutation(len(GENRES))[: random.integers(1, 4)]) for _ in range(items)]
    genres = tuple(tuple(GENRES[number] for number in some) for some in numbers)
    return genres, np.array([pulls[some].mean(axis=0) for some in numbers])


def _choose(user_tastes, item_tastes, quality, count, random):
    """Chooses who rates what: users by how busy they are, items by their popularity and the user's taste."""
    users, items = len(user_tastes), len(item_tastes)
    # Better films are rated more: without it the most rated ones would be no better than the others.
    popularity = -np.log(1 + random.permutation(items) / (0.02 * items)) + quality
    busy = random.normal(0, 0.7, users)
    wish = busy[:, None] + popularity + 0.5 * user_tastes @ item_tastes.T
    # The largest of such sums are a draw without replacement, with probabilities that go by exp(wish).
    wish += random.gumbel(size=wish.shape)
    wish[np.arange(users), wish.argmax(axis=1)] = np.inf  # one of each user at least
    chosen = np.argpartition(wish.ravel(), users * items - count)[users * items - count :]
    return np.divmod(random.permutation(chosen), items)


def _titles(items, random):
    """Returns titles such as "The quiet harbour (1987)", no two alike."""
    words = len(_ADJECTIVES) * len(_NOUNS)
    years = _YEARS[1] - _YEARS[0]
    # All pairs of words come before the first comes again, in another year.
    order = np.concatenate([random.permutation(words) for _ in range(-(-items // words))])[:items]
    first = random.integers(0, years, words)
    return tuple(
        f"The {_ADJECTIVES[pair // len(_NOUNS)]} {_NOUNS[pair % len(_NOUNS)]} "
        f"({_YEARS[0] + (first[pair] + number // words) % years})"
        + (f" {number // (words * years) + 1}" if number >= words * years else "")
        for number, pair in enumerate(order.tolist())
    )
