"""Ratings of MovieLens 100K, ours beside Surprise's on the same folds, in one run.

    python -m benchmarks.recommendation --surprise-python surprise-env/bin/python

Ours are those of `dlkeras benchmark ratings`, trained anew. Settings of Surprise are its own.
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from apps.quiet import import_keras
from benchmarks.serving import report

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- ratings: written by `python -m benchmarks.recommendation` -->", "<!-- end of ratings -->"
PAIRS = {
    "biases": "BaselineOnly",
    "neighbours_user": "KNNBaseline",
    "neighbours_item": "KNNBaseline, items, pearson_baseline",
    "matrix_factorization": "SVD",
    "svd_plus_plus": "SVD++",
}
"""What answers to what; our neighbours among users are found by pearson_baseline too."""


def write_folds(folder):
    """Writes the folds of the table of ratings, and u1, as files that Surprise reads."""
    from apps.recommendation.benchmarks.ratings import FOLDS, SEED
    from dlkeras.data.movielens import load_movielens, load_movielens_split
    from dlkeras.data.rating_splits import folds

    ratings = load_movielens().ratings
    parts = {f"fold{number}": part for number, part in enumerate(folds(ratings, FOLDS, SEED))}
    parts["u1"] = load_movielens_split("u1", ratings)
    for name, (train, test) in parts.items():
        for end, part in (("train", train), ("test", test)):
            columns = np.column_stack([part.users, part.items, part.ratings])
            np.savetxt(Path(folder, f"{name}.{end}"), columns, fmt=("%d", "%d", "%g"), delimiter="\t")


def theirs(python, algorithm, folder, seed):
    """Returns Surprise's mean error over the folds, that of u1, and CPU seconds a fold."""
    command = [python, "benchmarks/surprise_ratings.py", algorithm, str(folder), "--seed", str(seed)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    errors = found["errors"]
    return np.mean([error for name, error in errors.items() if name != "u1"]), errors["u1"], found["cpu_seconds"]


def ours(row):
    """Returns the same of ours."""
    from apps.recommendation.benchmarks.ratings import run

    result = run(row, None)
    return result["rmse"], result["u1"], result["cpu_seconds"]


def main():
    """Reads the options, measures, prints the table, and writes it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surprise-python", required=True, metavar="PATH", help="a Python that has scikit-surprise")
    parser.add_argument("--rows", nargs="+", choices=PAIRS, default=list(PAIRS), metavar="ROW", help="(all)")
    parser.add_argument("--seed", type=int, default=0, help="of Surprise's draws (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    import_keras()
    lines = [
        "| ours | RMSE, 5 folds | u1 | CPU s | Surprise | RMSE, 5 folds | u1 | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        write_folds(folder)
        for row in options.rows:
            algorithm = PAIRS[row]
            sides = ours(row), theirs(options.surprise_python, algorithm, folder, options.seed)
            first, second = (f"{error:.4f} | {u1:.4f} | {seconds:.1f}" for error, u1, seconds in sides)
            lines.append(f"| {row} | {first} | {algorithm} | {second} |")
            print(lines[-1], flush=True)
    text = "\n".join(lines) + f"\n\nCPU seconds of training and testing a fold, of all threads. {os.cpu_count()} cores."
    print(f"\n{text}")
    if options.write:
        report.write(text, BEGIN, END, README)


if __name__ == "__main__":
    main()
