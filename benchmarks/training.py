"""Training speed of ResNet-20 at CIFAR's size, in pictures a second: `python -m benchmarks.training`.

Every measurement is a fresh process, so that no two contenders share a thread pool; the rounds go through all
contenders in turn, so that whatever else the machine does falls on all of them. Medians, with the spread.
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.contenders import PARTS, TABLE
from benchmarks.serving import report

ROOT = Path(__file__).parent.parent
README = Path(__file__).with_name("README.md")
TORCH = {"PyTorch, contiguous": "contiguous_format", "PyTorch, channels_last": "channels_last"}


def commands(names, options):
    """Returns what to run for each contender: `{name: (command, environment)}`; a command of `None` cannot be run."""
    counts = ["--steps", str(options.steps), "--warmup", str(options.warmup), "--seed", str(options.seed)]
    torch_python = options.torch_python or (sys.executable if importlib.util.find_spec("torch") else None)
    plan = {}
    for name in names:
        if name in TORCH:
            script = ["benchmarks/torch_resnet.py", "--memory-format", TORCH[name], "--threads", str(options.threads)]
            plan[name] = [torch_python, *script, *counts] if torch_python else None, {}
        else:
            environment = {"KERAS_BACKEND": "tensorflow", **dict({**TABLE, **PARTS}[name].environment)}
            plan[name] = [sys.executable, "-m", "benchmarks.contenders", name, *counts], environment
    return plan


def measure_once(command, environment):
    """Runs one contender in a process of its own and returns its figures; its last line is JSON."""
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def run_rounds(plan, rounds):
    """Measures all contenders, round by round; returns `{name: [figures, one a round]}`."""
    results = {name: [] for name in plan}
    for count in range(1, rounds + 1):
        for name, (command, environment) in plan.items():
            if command is None:
                continue
            figures = measure_once(command, environment)
            results[name].append(figures)
            rate, cpu = figures["pictures_per_second"], figures["cpu_milliseconds"]
            print(f"round {count}/{rounds}  {name:50} {rate:7.0f} pictures/s  {cpu:6.2f} CPU ms a picture", flush=True)
    return results


def table(results, reference):
    """Returns a Markdown table: medians over the rounds, the spread, and the ratio to the row named `reference`."""
    lines = ["| how | pictures/s | lowest to highest | against the first | CPU ms a picture |", "|---|---|---|---|---|"]
    base = _median(results[reference], "pictures_per_second")
    for name, rows in results.items():
        if not rows:
            lines.append(f"| {name} | not installed | | | |")
            continue
        rates = sorted(row["pictures_per_second"] for row in rows)
        rate, cpu = _median(rows, "pictures_per_second"), _median(rows, "cpu_milliseconds")
        spread = f"{rates[0]:.0f} to {rates[-1]:.0f}"
        lines.append(f"| {name} | {rate:.0f} | {spread} | {rate / base:.2f} | {cpu:.2f} |")
    return "\n".join(lines)


def _median(rows, key):
    return statistics.median(row[key] for row in rows)


def conditions(results, options, load):
    """Returns the sentence that stands under a table: what it was measured on and how."""
    versions = [f"{name} {version(name)}" for name in ("tensorflow", "keras")]
    versions += sorted({f"torch {row['version']}" for rows in results.values() for row in rows if "version" in row})
    return (
        f"{os.cpu_count()} cores ({_processor()}), {', '.join(versions)}, Python {platform.python_version()}; "
        f"seed {options.seed}, {options.rounds} rounds of {options.steps} steps after {options.warmup} to warm up; "
        f"load of the machine before the start {load:.1f}."
    )


def _processor():
    try:
        return re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def write(mark, text):
    """Puts a table between its two marks in the README."""
    begin, end = f"<!-- {mark}: written by `python -m benchmarks.training` -->", f"<!-- end of {mark} -->"
    report.write(text, begin, end, README)


def main():
    """Reads the options, measures, prints the table, and writes it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each contender")
    parser.add_argument("--steps", type=int, default=40, help="steps that are timed")
    parser.add_argument("--warmup", type=int, default=5, help="steps before them, at least 1")
    parser.add_argument("--seed", type=int, default=0, help="seed of pictures, weights and order")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="PyTorch's threads; TensorFlow takes all")
    parser.add_argument("--torch-python", metavar="PATH", help="a Python that has torch, where this one has not")
    parser.add_argument("--parts", action="store_true", help="instead, what each part of a step costs")
    parser.add_argument("--only", metavar="TEXT", default="", help="contenders whose name matches a regular expression")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    if options.warmup < 1 or options.steps < 1 or options.rounds < 1:
        parser.error("--rounds, --steps and --warmup must be at least 1")

    names = [name for name in (PARTS if options.parts else [*TABLE, *TORCH]) if re.search(options.only, name)]
    if not names:
        parser.error(f"--only matches none of the contenders. Received: {options.only}")
    load = os.getloadavg()[0]
    results = run_rounds(commands(names, options), options.rounds)
    first = next((name for name in names if results[name]), None)
    if first is None:
        parser.error("nothing to measure: PyTorch is not installed; --torch-python names a Python that has it")
    text = f"{table(results, first)}\n\n{conditions(results, options, load)}"
    print(f"\n{text}")
    if options.write:
        write("parts" if options.parts else "table", text)


if __name__ == "__main__":
    main()
