"""What suppression costs, and how many pictures a second the server gives: `python -m benchmarks.detection`.

The model is the preset `kangaroo`. Suppression: one picture of 300 px from pixels to detections, with non-maximum
suppression and without, in turn in one process. Pictures: the exported preset, asked by `h2load` over gRPC with the
bytes of a JPEG, beside the same SavedModel called in a process of its own.
"""

import argparse
import dataclasses
import io
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.serving import load, report
from benchmarks.serving.processes import free_ports, other_work

APP, PRESET, SIZE = "object_detection", "kangaroo", 300
BATCHES = (1, 8)
IN_FLIGHT = (1, 8)
README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- detection: written by `python -m benchmarks.detection` -->", "<!-- end of detection -->"


def main(argv=None):
    """Measures and prints, or writes, the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each row (%(default)s)")
    parser.add_argument("--seconds", type=int, default=3, help="length of a measured window (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.part:
        print(json.dumps(PARTS[options.part](options)))
        return 0
    if load.find_h2load() is None:
        print(f"h2load is missing: apt install {load.PACKAGE}", file=sys.stderr)
        return 2
    busy = other_work()
    with tempfile.TemporaryDirectory() as folder:
        options.model = str(_export(Path(folder)))
        rounds = [_round(options) for _ in range(options.rounds)]
    text = table(rounds, options, busy)
    print(text)
    if options.write:
        before, _, rest = README.read_text().partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return 0


def _export(folder):
    from apps.commands.exporting import export_model

    export_model(APP, preset=PRESET, name=APP, models=folder)
    return folder / APP


def _round(options):
    """Runs each part once, in a process of its own, and then the server."""
    figures = {}
    for part in PARTS:
        command = [sys.executable, "-m", "benchmarks.detection", "--part", part, "--model", options.model]
        command += ["--seconds", str(options.seconds)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        figures |= json.loads(done.stdout.splitlines()[-1])
    return figures | serve(options)


def picture():
    """Returns a JPEG of 640 x 480 pixels, a scene, which is larger than what the model looks at."""
    from PIL import Image

    from dlkeras.data.scenes import make_scenes

    buffer = io.BytesIO()
    Image.fromarray(make_scenes(1, 640, 0).pictures[0, 80:560]).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def suppression(options):
    """Times one picture from pixels to detections, with suppression and without, in turn."""
    import keras
    import numpy as np
    import tensorflow as tf

    from apps import registry
    from apps.presets import model_folder
    from apps.trained import open_trained
    from dlkeras.data.decode import decode_whole_picture
    from dlkeras.ops.boxes import clip, decode

    app = registry.create(APP)
    trained = open_trained(app, model_folder(APP, PRESET))
    info = json.loads(json.dumps(trained.info))
    info["image_shape"] = info["backbone"]["network"]["config"]["input_shape"] = [SIZE, SIZE, 3]
    model = app.build(dataclasses.replace(trained.config, image_size=SIZE), info)
    model.set_weights(trained.model.get_weights())
    detect, anchors = app.detect(model), model.get_layer("detector").anchors

    @tf.function
    def whole(image):
        return detect(model(image, training=False))

    @tf.function
    def without(image):
        predictions = model(image, training=False)
        return clip(decode(predictions[..., :4], anchors)), keras.ops.softmax(predictions[..., 4:])[..., 1:]

    image = tf.cast(decode_whole_picture(tf.constant(picture()), (SIZE, SIZE, 3))[0], tf.float32)[None]
    times = {"whole": [], "without": []}
    end = time.perf_counter() + 2 * options.seconds
    while time.perf_counter() < end or len(times["whole"]) < 20:
        for name, function in (("whole", whole), ("without", without)):
            begin = time.perf_counter()
            function(image)
            times[name].append(time.perf_counter() - begin)
    return {name: 1000 * float(np.median(values[5:])) for name, values in times.items()}


def alone(options):
    """Counts the pictures a second of the SavedModel in this process, from bytes to boxes."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(Path(options.model, "1")))
    signature, figures = loaded.signatures["serving_default"], {}
    for size in BATCHES:
        data, count = tf.constant([picture()] * size), 0
        signature(image_bytes=data)
        begin = time.perf_counter()
        while (spent := time.perf_counter() - begin) < options.seconds:
            signature(image_bytes=data)["boxes"].numpy()
            count += size
        figures[f"alone {size}"] = count / spent
    return figures


PARTS = {"suppression": suppression, "alone": alone}


def serve(options):
    """Counts the pictures a second that the server answers."""
    port = free_ports()
    flags = [f"--model_name={APP}", f"--model_base_path={options.model}", f"--port={port}"]
    process = subprocess.Popen([sys.executable, "-m", "serving", *flags], stderr=subprocess.DEVNULL)
    try:
        request, answer_bytes = _request(port), _wait(port)
        figures = {}
        for count in IN_FLIGHT:
            found = load.drive(request, count, options.seconds, 1, answer_bytes)
            if found.failed:
                raise RuntimeError(f"{found.failed} requests failed")
            figures |= {f"served {count}": found.throughput, f"p50 {count}": found.p50}
    finally:
        process.terminate()
        process.wait()
    return figures


def _message():
    import numpy as np

    from serving.protocol import PredictRequest
    from serving.tensors import to_proto

    request = PredictRequest()
    request.model_spec.name = APP
    to_proto(np.array([picture()], dtype=object), proto=request.inputs["image_bytes"])
    return request.SerializeToString()


def _request(port):
    message = _message()
    url = f"http://127.0.0.1:{port}/tensorflow.serving.PredictionService/Predict"
    headers = {"content-type": "application/grpc", "te": "trailers"}
    return load.Request(url, b"\0" + struct.pack(">I", len(message)) + message, headers, grpc=True)


def _wait(port):
    """Waits for the server; returns the size of its answer's frame."""
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        predict = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        for _ in range(240):
            try:
                return len(predict(_message())) + 5
            except grpc.RpcError:
                time.sleep(0.5)
    raise RuntimeError("the server does not answer")


def table(rounds, options, busy):
    """Writes the medians as Markdown."""

    def median(name):
        return statistics.median(figures[name] for figures in rounds)

    shares = sorted(1 - figures["without"] / figures["whole"] for figures in rounds)
    best = max(median(f"alone {size}") for size in BATCHES)
    lines = ["| what | | |", "|---|---|---|"]
    lines += [
        f"| one picture of {SIZE} px, pixels to detections | {median('whole'):.1f} ms | |",
        f"| the same without suppression | {median('without'):.1f} ms | |",
        f"| share of suppression | {statistics.median(shares):.1%} | {shares[0]:.1%} to {shares[-1]:.1%} |",
    ]
    for size in BATCHES:
        lines.append(
            f"| the SavedModel alone, JPEG to boxes, batches of {size} | {median(f'alone {size}'):.0f} pictures/s | |"
        )
    for count in IN_FLIGHT:
        rate, p50 = median(f"served {count}"), median(f"p50 {count}")
        lines.append(
            f"| through the server, gRPC, {count} in flight | {rate:.0f} pictures/s, p50 {p50:.1f} ms "
            f"| {rate / best:.0%} of the model alone |"
        )
    lines += [
        "",
        f"Medians of {options.rounds} rounds of {options.seconds} s. JPEG of 640 x 480 pixels; the preset {PRESET}. "
        f"{os.cpu_count()} cores ({report.processor()}). Before the first round other work used {busy:.2f} cores.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
