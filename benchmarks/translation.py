"""How fast translations are: `python -m benchmarks.translation`.

First what the cache is worth: sentences are decoded to a fixed number of pieces with it, and with the decoder reading
all pieces anew for each next one, in turns. Then, where a server runs, sentences a second through it by gRPC.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np

from apps.presets import model_folder, preset_names, served_name
from apps.quiet import import_keras
from apps.translation.examples import EXAMPLES
from benchmarks.serving import report
from benchmarks.serving.processes import other_work
from serving.client import Client, ClientError

APP = "translation"
_BATCHES = (1, 8, 32, 64)
README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- translation: written by `python -m benchmarks.translation` -->", "<!-- end of translation -->"


def cache_ratio(preset, length, rows, beams, rounds):
    """Measures decoding with the cache and without.

    Args:
        preset: A preset with a transformer.
        length: Pieces of each translation; nothing ends one before.
        rows: Sentences at once.
        beams: Of the search.
        rounds: Times that both are measured.

    Returns:
        `(with the cache, without)`, arrays of seconds `(rounds,)`.
    """
    import tensorflow as tf

    from dlkeras.text import pad
    from dlkeras.text.decoding import Rules, beam_search

    model, pieces = _opened(preset)
    ids, _ = pad(pieces.source_ids([EXAMPLES[row % len(EXAMPLES)] for row in range(rows)]))
    rules = Rules(never=(0, 1, pieces.begin, pieces.end))

    def cached(ids):
        memory, state = model.start(ids)
        return beam_search(model.step, _first(ids), memory, state, length, beams, rules=rules)

    def anew(ids):
        memory, _ = model.start(ids)
        state = {"before": tf.zeros([tf.shape(ids)[0], 1, 0], "int32")}
        return beam_search(_step_anew(model), _first(ids), memory, state, length, beams, rules=rules)

    def _first(ids):
        return tf.fill([tf.shape(ids)[0]], pieces.begin)

    ways = [tf.function(way, input_signature=[tf.TensorSpec([None, None], "int32")]) for way in (cached, anew)]
    found = [way(ids).tokens.numpy() for way in ways]  # traces them too
    if (found[0] != found[1]).mean() > 0.01:
        raise AssertionError("With the cache and without there were other translations.")
    return np.array([[_seconds(way, ids) for way in ways] for _ in range(rounds)]).T


def _step_anew(model):
    """Returns a model's step that keeps the tokens alone and reads all of them each time."""
    import tensorflow as tf

    def step(tokens, memory, state):
        before = tf.concat([state["before"], tokens[:, :, None]], axis=2)
        batch, beams = tf.shape(tokens)[0], tf.shape(tokens)[1]
        repeated = tf.nest.map_structure(lambda x: tf.repeat(x, beams, axis=0), memory)
        logits = model.step_anew(tf.reshape(before, [batch * beams, -1]), repeated)
        return tf.reshape(logits, [batch, beams, logits.shape[-1]]), {"before": before}

    return step


def sentences_a_second(address, preset, rounds):
    """Yields the number of sentences of a request, and how many a second a server translates, the median of rounds."""
    with Client(address) as client:
        for count in _BATCHES:
            request = {"text": [EXAMPLES[row % len(EXAMPLES)] for row in range(count)]}
            taken = [_seconds(client.predict, served_name(APP, preset), request) for _ in range(rounds + 1)]
            yield count, count / np.median(taken[1:])


def _opened(preset):
    import_keras()
    from apps.trained import open_trained
    from apps.translation.app import PIECES, Translation
    from dlkeras.text.parallel_ids import ParallelIds

    trained = open_trained(Translation(), model_folder(APP, preset))
    return trained.model, ParallelIds.from_dict(trained.info[PIECES])


def _seconds(function, *arguments):
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.translation", description=__doc__)
    parser.add_argument("--preset", default=preset_names(APP)[0], choices=preset_names(APP), help="(%(default)s)")
    parser.add_argument("--grpc", default="127.0.0.1:8500", metavar="HOST:PORT", help="(%(default)s)")
    parser.add_argument("--length", type=int, default=40, metavar="N", help="pieces (%(default)s)")
    parser.add_argument("--rows", type=int, default=16, metavar="N", help="sentences at once (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="(%(default)s)")
    parser.add_argument("--write", action="store_true", help="put what is found into benchmarks/README.md")
    arguments = parser.parse_args()
    lines = []
    for line in _found(arguments):
        print(line, flush=True)
        lines.append(f"- {line}")
    if arguments.write:
        report.write("\n".join(lines), BEGIN, END, README)


def _found(arguments):
    """Yields what is measured, a line each."""
    busy = other_work()
    for beams in (1, 5):
        cached, anew = cache_ratio(arguments.preset, arguments.length, arguments.rows, beams, arguments.rounds)
        ratios = anew / cached
        yield (
            f"{arguments.rows} sentences, {beams} beams, {arguments.length} pieces: {1000 * np.median(cached):.0f} ms, "
            f"without the cache {1000 * np.median(anew):.0f} ms, {np.median(ratios):.1f} times as long "
            f"({ratios.min():.1f} to {ratios.max():.1f})"
        )
    try:
        for count, speed in sentences_a_second(arguments.grpc, arguments.preset, arguments.rounds):
            yield f"through the server, {count} sentences a request: {speed:.0f} sentences a second"
    except ClientError as error:
        yield f"No server: {error}"
    yield f"{os.cpu_count()} cores ({report.processor()}); before, other work used {busy:.2f} of them"


if __name__ == "__main__":
    main()
