"""The tables, as Markdown, and their place in the README."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from benchmarks.serving import environments, load
from benchmarks.serving.models import MODELS
from benchmarks.serving.servers import SERVERS
from benchmarks.serving.targets import best_peer, targets

README = Path(__file__).with_name("README.md")
BEGIN = "<!-- tables: written by `python -m benchmarks.serving` -->"
END = "<!-- end of tables -->"


def pages(results, options, counted):
    """Returns all tables with what they were measured on.

    Args:
        results: `Results`.
        options: The command line's options.
        counted: `{model's name: multiply-adds}`.
    """
    parts = []
    for model in options.models:
        adds = f", {int(counted[model]) / 1e6:.1f} M multiply-adds" if model in counted else ""
        parts += [f"### {MODELS[model].title}{adds}", _rates(results, options, model)]
    parts += ["### Against the targets", _table(("target", "wanted", "measured", "met"), targets(results, options))]
    parts += ["### From start to the first right answer, and memory at rest", _starts(results, options)]
    parts += _million(results)
    return "\n\n".join([*parts, _conditions(results, options)])


def _rates(results, options, model):
    last = options.in_flight[-1]
    head = ["requests in flight:"]
    for in_flight in options.in_flight:
        head += [f"{in_flight}: requests/s", "p50 ms", "p99 ms"]
    head += [f"lowest to highest at {last}", f"against the best peer at {last}", "failed"]
    rows = [_rate_row(results, options, model, name) for name in options.servers]
    for way, title in (("runner", "in-process"), ("signature", "in-process, `signatures[...]`")):
        p50, rate = results.floor(model, way, "p50"), results.floor(model, way, "throughput")
        if rate:
            rows.append([f"{title}: a call with 1 row; rows/s in batches of 32", "", f"{p50:.2f}", "", f"{rate:.0f}"])
    return _table(head, rows)


def _rate_row(results, options, model, name):
    row, last = [SERVERS[name].title], options.in_flight[-1]
    reason = results.reason(name, model)
    if reason or not results.figures(name, model, last, "throughput"):
        return [*row, " ".join((reason or "not measured").split())[:160].replace("|", "/")]
    for in_flight in options.in_flight:
        row.append(f"{results.median(name, model, in_flight, 'throughput'):.0f}")
        row += [f"{results.median(name, model, in_flight, figure):.2f}" for figure in ("p50", "p99")]
    rates = results.figures(name, model, last, "throughput")
    best = best_peer(results, options, model, last, "throughput")
    ratio = f"{results.median(name, model, last, 'throughput') / best:.2f}" if best else ""
    failed = sum(sum(results.figures(name, model, in_flight, "failed")) for in_flight in options.in_flight)
    return [*row, f"{min(rates):.0f} to {max(rates):.0f}", ratio, str(failed)]


def _starts(results, options):
    head = ["server"] + [f"{MODELS[model].title[:3]} {what}" for what in ("s", "MiB") for model in options.models]
    rows = []
    for name in options.servers:
        row = [SERVERS[name].title]
        for figure, form in (("ready", ".1f"), ("memory", ".0f")):
            values = [results.process(name, model, figure) for model in options.models]
            row += ["" if value is None else format(value, form) for value in values]
        rows.append(row)
    return _table(head, rows)


def _million(results):
    found = [record["million"] for record in results.records if "million" in record]
    if not found:
        return []
    rest, first, *_, last = found[-1]["memory"]
    return [
        f"Memory of `python -m serving` on (a), 64 requests in flight, gRPC and REST in turn: {rest:.0f} MiB at rest, "
        f"{first:.0f} MiB after 100,000 requests, {last:.0f} MiB after a million ({found[-1]['failed']} failed)."
    ]


def _table(head, rows):
    # Rows may be short: Markdown wants all their cells.
    lines = [head, ["---"] * len(head), *[[*row, *[""] * (len(head) - len(row))] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _conditions(results, options):
    settings = results.settings
    peers = dict.fromkeys(SERVERS[name].process for name in options.servers if SERVERS[name].process != "dlkeras")
    versions = [f"tensorflow {version('tensorflow')}"]
    versions += [f"{SERVERS[name].title} {environments.pinned(name)}" for name in peers]
    rounds = len({record["round"] for record in results.records if record.get("round")})
    return (
        f"{settings['date']}; {os.cpu_count()} cores ({processor()}), {', '.join(versions)}, "
        f"h2load {load.find_h2load()}, Python {platform.python_version()}; "
        f"seed {settings['seed']}, medians of {rounds} rounds, windows of {settings['seconds']} s after "
        f"{settings['warmup']} s to warm up; at most {results.other_work():.2f} cores did other work in between."
    )


def processor():
    """Names the machine's processor."""
    try:
        return re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text()).group(1)
    except (OSError, AttributeError):
        return platform.machine()


def write(text, begin=BEGIN, end=END, readme=README):
    """Puts tables between their marks in a README."""
    page = readme.read_text()
    pattern = f"{re.escape(begin)}.*?{re.escape(end)}"
    if not re.search(pattern, page, re.DOTALL):
        raise ValueError(f"{readme.name} must have the lines {begin} and {end}")
    readme.write_text(re.sub(pattern, lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL))
