"""What the server is to reach, and whether it has."""

from benchmarks.serving.models import MODELS
from benchmarks.serving.servers import SERVERS

# Times the throughput of the best peer, at 64 in flight.
TIMES = {"mlp": 8, "cnn": 4}
FLOOR_SHARE = 0.85
FLOOR_MILLISECONDS = 1.0
IN_FLIGHT = 64


def best_peer(results, options, model, in_flight, figure):
    """Returns the best median of the peers: the highest throughput, or the lowest of a latency; None without peers."""
    peers = [name for name in options.servers if SERVERS[name].process != "dlkeras"]
    values = [results.median(name, model, in_flight, figure) for name in peers]
    values = [value for value in values if value is not None]
    return (max if figure == "throughput" else min)(values, default=None)


def targets(results, options):
    """Lists the targets, as rows: what, wanted, measured, met; a row for each way to ask our server.

    A target whose figures have not been measured is left out.
    """
    rows = []
    for name in (name for name in options.servers if SERVERS[name].process == "dlkeras"):
        for model in options.models:
            rows += _throughput(results, options, name, model)
            rows += _floor(results, name, model)
        rows += _latency(results, options, name)
    return rows


def _row(name, what, wanted, measured, met):
    return [f"{SERVERS[name].title}: {what}", wanted, measured, "yes" if met else "**no**"]


def _throughput(results, options, name, model):
    ours = results.median(name, model, IN_FLIGHT, "throughput")
    best = best_peer(results, options, model, IN_FLIGHT, "throughput")
    if model not in TIMES or ours is None or not best:
        return []
    times = ours / best
    what = f"{MODELS[model].title[:3]} at {IN_FLIGHT} in flight against the best peer"
    return [_row(name, what, f"at least {TIMES[model]} times", f"{times:.1f} times", times >= TIMES[model])]


def _floor(results, name, model):
    rows, title = [], MODELS[model].title[:3]
    ours, floor = results.median(name, model, IN_FLIGHT, "throughput"), results.floor(model, "runner", "throughput")
    if model == "cnn" and ours is not None and floor:
        what = f"{title} at {IN_FLIGHT} in flight against in-process batches of 32"
        share = ours / floor
        rows.append(_row(name, what, f"at least {FLOOR_SHARE:.0%}", f"{share:.0%}", share >= FLOOR_SHARE))
    ours, floor = results.median(name, model, 1, "p50"), results.floor(model, "runner", "p50")
    if ours is not None and floor is not None:
        what, above = f"{title} p50 at 1 in flight above the in-process call", ours - floor
        met = above <= FLOOR_MILLISECONDS
        rows.append(_row(name, what, f"at most {FLOOR_MILLISECONDS:.0f} ms", f"{above:.2f} ms", met))
    return rows


def _latency(results, options, name):
    places, worse = 0, []
    for model in options.models:
        for in_flight in options.in_flight:
            ours = results.median(name, model, in_flight, "p99")
            best = best_peer(results, options, model, in_flight, "p99")
            if ours is None or best is None:
                continue
            places += 1
            if ours >= best:
                worse.append(f"{MODELS[model].title[:3]} at {in_flight}: {ours:.2f} against {best:.2f} ms")
    if not places:
        return []
    measured = f"in {places - len(worse)} of {places}" + (f"; not {', '.join(worse)}" if worse else "")
    return [_row(name, "p99 lower than any peer's", f"in all {places}", measured, not worse)]
