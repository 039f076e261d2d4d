"""The Surprise side of `benchmarks.recommendation`; needs `scikit-surprise` alone: a venv of its own will do."""

import argparse
import json
import random
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from surprise import SVD, BaselineOnly, Dataset, KNNBaseline, Reader, SVDpp, accuracy
from surprise.model_selection import PredefinedKFold

ITEMS = {"name": "pearson_baseline", "user_based": False}
ALGORITHMS = {
    "BaselineOnly": lambda seed: BaselineOnly(verbose=False),
    "KNNBaseline": lambda seed: KNNBaseline(verbose=False),
    "KNNBaseline, items, pearson_baseline": lambda seed: KNNBaseline(verbose=False, sim_options=ITEMS),
    "SVD": lambda seed: SVD(random_state=seed),
    "SVD++": lambda seed: SVDpp(random_state=seed),
}


def main():
    """Reads the folds of a folder, `NAME.train` and `NAME.test`, and prints the errors of one algorithm as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("algorithm", choices=ALGORITHMS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    np.random.seed(options.seed)
    trains = sorted(options.folder.glob("*.train"))
    reader = Reader(line_format="user item rating", sep="\t", rating_scale=(1, 5))
    data = Dataset.load_from_folds([(str(path), str(path.with_suffix(".test"))) for path in trains], reader)
    errors, begin = {}, time.process_time()
    for path, (train, test) in zip(trains, PredefinedKFold().split(data), strict=True):
        predictions = ALGORITHMS[options.algorithm](options.seed).fit(train).test(test)
        errors[path.stem] = float(accuracy.rmse(predictions, verbose=False))
    seconds = (time.process_time() - begin) / len(trains)
    print(json.dumps({"errors": errors, "cpu_seconds": seconds, "version": version("scikit-surprise")}))


if __name__ == "__main__":
    main()
