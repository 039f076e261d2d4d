"""How long it takes to recommend out of a million items: `python -m benchmarks.catalogue`.

A made-up catalogue and a matrix factorization that nobody trained: it takes as long as one that was. The model is
exported, and `top_k` of the SavedModel is asked for one user at a time, who has seen a hundred items.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from apps.quiet import import_keras
from benchmarks.serving import report
from benchmarks.serving.processes import other_work
from dlkeras.export import export

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- catalogue: written by `python -m benchmarks.catalogue` -->", "<!-- end of catalogue -->"
_SEEN = 100  # items of each user


def make(items, users, factors, seed):
    """Returns the app's endpoints over a catalogue, and its model.

    Args:
        items: Number of items.
        users: Number of users.
        factors: Length of their vectors.
        seed: Of all that is made up.
    """
    import_keras()
    import keras

    from apps.recommendation.app import Recommendation
    from dlkeras.models.recommend.recommender import Recommender

    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    arguments = {"num_users": users, "num_items": items, "factors": factors}
    model = Recommender(
        network="matrix_factorization", arguments=arguments, num_users=users, size=users * _SEEN, longest=_SEEN
    )
    model.seen.read(np.repeat(np.arange(users), _SEEN), random.integers(0, items, users * _SEEN))
    info = {
        "user_names": [f"u{number}" for number in range(users)],
        "item_names": [f"i{number}" for number in range(items)],
        "titles": [f"Item {number}" for number in range(items)],
        "genres": [("even", "odd")[number % 2 : number % 2 + 1] for number in range(items)],
        "limits": [1.0, 5.0],
    }
    return model, Recommendation().endpoints(model, info)


def measure(folder, rounds, users):
    """Returns the seconds of single requests to an exported model, `(rounds,)`."""
    import tensorflow as tf

    ask = tf.saved_model.load(str(folder)).signatures["top_k"]
    taken = []
    for number in range(rounds + 5):
        request = {
            "user": tf.constant([f"u{number % users}"]),
            "k": tf.constant([10]),
            "genre": tf.constant([("", "odd")[number % 2]]),
            "leave_out": tf.constant([["i1", "i2"]]),
        }
        begin = time.perf_counter()
        found = ask(**request)["items"].numpy()
        taken.append(time.perf_counter() - begin)
        if not all(found[0]):
            raise AssertionError(f"There must be 10 items. Received: {found}")
    return np.array(taken[5:])


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.catalogue", description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000, metavar="N", help="(%(default)s)")
    parser.add_argument("--users", type=int, default=10_000, metavar="N", help="(%(default)s)")
    parser.add_argument("--factors", type=int, default=64, metavar="N", help="(%(default)s)")
    parser.add_argument("--rounds", type=int, default=100, metavar="N", help="requests (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="(%(default)s)")
    parser.add_argument("--write", action="store_true", help="put what is found into benchmarks/README.md")
    options = parser.parse_args()
    busy = other_work()
    model, endpoints = make(options.items, options.users, options.factors, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        version = export(model, endpoints, folder)
        size = sum(path.stat().st_size for path in version.rglob("*") if path.is_file())
        del model, endpoints
        taken = 1000 * measure(version, options.rounds, options.users)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = (
        f"{options.items:,} items, {options.users:,} users, {options.factors} factors: top_k of one user takes "
        f"{np.median(taken):.1f} ms (p95 {np.percentile(taken, 95):.1f} ms, of {options.rounds} requests). "
        f"The SavedModel has {size / 1e6:.0f} MB; the process that made, wrote and loaded it had "
        f"{memory / 1e6:.1f} GB at most. {os.cpu_count()} cores ({report.processor()}), of which other work used "
        f"{busy:.2f} before; seed {options.seed}."
    )
    print(found)
    if options.write:
        report.write(found, BEGIN, END, README)


if __name__ == "__main__":
    main()
