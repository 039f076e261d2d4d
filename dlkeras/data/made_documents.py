"""Documents made by rule, whose sentences are of one opinion, for use without a data set."""

import numpy as np

from dlkeras.data.made_reviews import make_reviews

_SENTENCES = 6


def make_documents(count, seed):
    """Makes documents of reviews that agree.

    Args:
        count: Number of documents.
        seed: Seed of all draws; whatever `numpy.random.default_rng` takes.

    Returns:
        List of documents, each a list of sentences.
    """
    random = np.random.default_rng(seed)
    reviews, classes = make_reviews(2 * count * _SENTENCES, random)
    by_class = [[review for review, found in zip(reviews, classes, strict=True) if found == kind] for kind in (0, 1)]
    documents = []
    for _ in range(count):
        kind = by_class[random.integers(2)]
        documents.append([kind[place] for place in random.integers(0, len(kind), _SENTENCES)])
    return documents
