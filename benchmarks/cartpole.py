"""How long it takes to solve CartPole-v1, ours beside stable-baselines3, in one run.

    python -m benchmarks.cartpole --sb3-python sb3-env/bin/python

Every 5,000 steps 50 episodes are played without exploring, with seeds of their own; a mean of 490 is enough. Each run
is a fresh process with one thread; ours and theirs take turns, seed by seed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.serving import report
from benchmarks.serving.processes import other_work

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- cartpole: written by `python -m benchmarks.cartpole` -->", "<!-- end of cartpole -->"
ALGORITHMS = ("ppo", "dqn")
EVERY, EPISODES, ENOUGH = 5000, 50, 490


def solve(algorithm, seed):
    """Trains ours in this process, with the app's settings; returns how long that took."""
    from apps.quiet import import_keras

    import_keras()
    import dataclasses

    from apps.agents.configs import CONFIGS
    from apps.agents.learning import learner_of
    from dlkeras.training.reinforce import learn

    config = CONFIGS["cartpole" if algorithm == "ppo" else "cartpole_dqn"]
    learner = learner_of(dataclasses.replace(config, seed=seed))
    clocks = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        state = learn(learner, folder, steps=100_000, every=EVERY, episodes=EPISODES, stop_at=ENOUGH)
    last = state["history"][-1]
    return {
        "solved": last["return"] >= ENOUGH,
        "steps": last["steps"],
        "seconds": time.perf_counter() - clocks[0],
        "cpu_seconds": time.process_time() - clocks[1],
    }


def run_all(options):
    """Returns `{(who, algorithm): results, one a seed}`."""
    results = {}
    environment = {**os.environ, **{f"TF_NUM_{kind}_THREADS": "1" for kind in ("INTRAOP", "INTEROP")}}
    for algorithm in options.algorithms:
        for seed in options.seeds:
            given = ["--seed", str(seed)]
            ours = [sys.executable, "-m", "benchmarks.cartpole", "--run", algorithm, *given]
            theirs = [options.sb3_python, "benchmarks/sb3_cartpole.py", algorithm, *given]
            for who, command in (("dlkeras", ours), ("stable-baselines3", theirs)):
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
                found = json.loads(done.stdout.splitlines()[-1])
                results.setdefault((who, algorithm), []).append(found)
                print(f"seed {seed}  {algorithm}  {who:18} {found}", flush=True)
    return results


def table(results):
    """Returns a Markdown table: medians over the seeds."""
    lines = ["| agent | solved | steps | lowest to highest | seconds | CPU seconds |", "|---|---|---|---|---|---|"]
    for (who, algorithm), found in results.items():
        steps = [one["steps"] for one in found]
        cells = [
            f"{algorithm.upper()}, {who}",
            f"{sum(one['solved'] for one in found)} of {len(found)}",
            f"{np.median(steps):,.0f}",
            f"{min(steps):,} to {max(steps):,}",
            *(f"{np.median([one[name] for one in found]):.0f}" for name in ("seconds", "cpu_seconds")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main():
    """Reads the options, measures, prints the table, and writes it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sb3-python", metavar="PATH", help="a Python that has stable-baselines3")
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=list(ALGORITHMS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="(0 1 2)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--run", choices=ALGORITHMS, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(json.dumps(solve(options.run, options.seed)))
        return
    if not options.sb3_python:
        parser.error("--sb3-python must name a Python that has stable-baselines3")
    busy, results = other_work(), run_all(options)
    version = next(found["version"] for (who, _), (found, *_) in results.items() if who != "dlkeras")
    text = (
        f"{table(results)}\n\nMedians over seeds {re.sub(r'[^0-9, ]', '', str(options.seeds))}, one thread each, "
        f"validation included. {os.cpu_count()} cores ({report.processor()}), stable-baselines3 {version}. "
        f"Before, other work used {busy:.2f} cores."
    )
    print(f"\n{text}")
    if options.write:
        report.write(text, BEGIN, END, README)


if __name__ == "__main__":
    main()
