"""Throughput and latency of `python -m serving` beside other servers: `python -m benchmarks.serving`.

A round goes through models and servers in turn. Every server is a fresh process and the only one that runs; before and
after the load, its answers are compared with TensorFlow's own. The figures are medians over the rounds.
"""

import argparse
import datetime
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.serving import asking, environments, floor, load, million, models, processes, report
from benchmarks.serving.results import Results
from benchmarks.serving.servers import SERVERS

ROOT = Path(__file__).parents[2]
# What a peer may do wrong without ending the run: its row then says so.
FAILURES = (processes.StartError, OSError, RuntimeError, subprocess.TimeoutExpired)


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="measurements of each server (%(default)s)")
    add("--seconds", type=int, default=3, help="length of a measured window (%(default)s)")
    add("--warmup", type=int, default=1, help="seconds of the same load before it (%(default)s)")
    add("--models", nargs="+", choices=models.MODELS, default=list(models.MODELS))
    add("--servers", nargs="+", choices=SERVERS, default=list(SERVERS))
    add("--in-flight", nargs="+", type=int, default=[1, 8, 64], metavar="N", help="requests in flight (1 8 64)")
    add("--seed", type=int, default=0, help="seed of weights and inputs (%(default)s)")
    add(
        "--workers",
        type=int,
        default=0,
        help="workers of every peer; 0 for one a core, of Ray Serve one",
    )
    add("--environments", default="build/benchmarks", metavar="DIR", help="where the peers' are (%(default)s)")
    add("--make-environments", action="store_true", help="make those that are not there, and end")
    add("--source", type=Path, default=ROOT, metavar="DIR", help="another tree whose `serving` is measured")
    add("--results", default="build/benchmarks/serving.jsonl", metavar="FILE", help="(%(default)s)")
    add("--resume", action="store_true", help="go on with the results that are there")
    add("--million", action="store_true", help="afterwards weigh our process over a million requests")
    add("--write", action="store_true", help="put the tables into benchmarks/serving/README.md")
    options = parser.parse_args(argv)
    if min(options.rounds, options.seconds, *options.in_flight) < 1 or min(options.warmup, options.workers) < 0:
        parser.error("--rounds, --seconds and --in-flight must be at least 1, --warmup and --workers at least 0")
    if any(count > 8 and count % 8 for count in options.in_flight):
        parser.error("--in-flight must be at most 8 or a multiple of 8: gRPC takes 8 connections")
    return options


def measure_server(name, model, folder, examples, options):
    """Starts a server, checks it, loads it, checks it again; returns its record."""
    server, loads = SERVERS[name], {}
    with processes.running(name, model, folder, examples, options) as (port, pid, ready):
        answer_bytes = asking.check(server, port, model, examples)
        memory = processes.memory(pid)
        request = server.request(port, model, examples.rows[0])
        for in_flight in options.in_flight:
            figures = load.drive(request, in_flight, options.seconds, options.warmup, answer_bytes)
            loads[in_flight] = figures._asdict()
        asking.check(server, port, model, examples)
    return {"ready": ready, "memory": memory, "loads": {str(count): figures for count, figures in loads.items()}}


def measure_round(number, results, folder, options):
    """Measures what the results do not have of a round."""
    for model in options.models:
        # Calls on several threads wait for each other: a little other work slows them out of all proportion.
        results.add(round=number, model=model, other_work=processes.other_work())
        examples = models.read_examples(folder, model)
        if not any("floor" in record for record in results.find(round=number, model=model)):
            figures = floor.measure(folder, model, options.seconds, options.source)
            results.add(round=number, model=model, floor=figures)
            _print(number, model, "in-process", figures["runner"]["throughput"], figures["runner"]["p50"])
        for name in options.servers:
            if results.find(round=number, model=model, server=name) or results.reason(name, model):
                continue
            try:
                record = measure_server(name, model, folder, examples, options)
            except FAILURES as error:
                record = {"reason": f"{type(error).__name__}: {error}"}
                print(f"{name}, {model}: {record['reason']}", file=sys.stderr)
            results.add(round=number, model=model, server=name, **record)
            for in_flight, figures in record.get("loads", {}).items():
                title = f"{SERVERS[name].title}, {in_flight} in flight"
                _print(number, model, title, figures["throughput"], figures["p50"], figures["p99"], figures["failed"])


def _print(number, model, title, rate, p50, p99=None, failed=0):
    tail = "" if p99 is None else f"  p99 {p99:8.2f} ms" + (f"  {failed} failed" if failed else "")
    print(f"round {number}  {model:8} {title:38} {rate:8.0f}/s  p50 {p50:8.2f} ms{tail}", flush=True)


def note_missing(results, options):
    """Notes the peers whose environments are not there, so that their rows say so."""
    for name in options.servers:
        peer = SERVERS[name].process
        if peer != "dlkeras" and not environments.python(options.environments, peer).exists():
            for model in options.models:
                results.add(round=0, model=model, server=name, reason="not installed (--make-environments)")


def run(options):
    """Measures and reports; returns the exit code."""
    if load.find_h2load() is None:
        print(f"h2load is needed and missing; on Debian: apt install {load.PACKAGE}", file=sys.stderr)
        return 2
    settings = {
        "date": datetime.date.today().isoformat(),
        **{name: getattr(options, name) for name in ("seconds", "warmup", "in_flight", "seed", "workers")},
    }
    results = Results(options.results, settings, options.resume)
    note_missing(results, options)
    with tempfile.TemporaryDirectory(prefix="models") as folder:
        folder = Path(folder)
        counted = models.write(folder, options.models, options.seed)
        print("multiply-adds of a row: " + ", ".join(f"{name} {int(count):,}" for name, count in counted.items()))
        begin = time.monotonic()
        for number in range(1, options.rounds + 1):
            measure_round(number, results, folder, options)
        print(f"{(time.monotonic() - begin) / 60:.0f} minutes")
        if options.million and not any("million" in record for record in results.records):
            examples = models.read_examples(folder, million.MODEL)
            results.add(million=million.measure(folder, examples, options))
    text = report.pages(results, options, counted)
    print(f"\n{text}")
    if options.write:
        report.write(text)
    ours = [name for name in options.servers if SERVERS[name].process == "dlkeras"]
    return int(any(results.reason(name, model) for name in ours for model in options.models))


def main():
    """Runs the program."""
    # A plain SIGTERM would leave the server of the moment running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options = parse()
    if options.make_environments:
        peers = sorted({SERVERS[name].process for name in options.servers} - {"dlkeras"})
        reasons = environments.make(options.environments, peers)
        for name, reason in reasons.items():
            print(f"{name}: {reason or 'ready'}")
        return int(any(reasons.values()))
    try:
        return run(options)
    except (asking.WrongAnswerError, ValueError) as error:
        print(f"benchmarks.serving: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
