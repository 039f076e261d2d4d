"""The models that are served: `python -m benchmarks.serving.models FOLDER` writes them, with what they must answer.

The answers come from TensorFlow's own loader, `tf.saved_model.load`, so that no server is judged by its own code.
"""

import argparse
import pickle
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

SAMPLES = 64
CLASSES = 10
# Filters of the CNN's 3 x 3 convolutions; after every second one, 2 x 2 pooling.
CNN_FILTERS = (32, 32, 64, 64, 128, 128)
PRESET = "image_classification", "cifar10"


class Model(NamedTuple):
    """What there is to know of a model without loading it.

    Attributes:
        title: Its name in the tables.
        input: The name of its one input.
        shape: The shape of one row, `float32`; None for the bytes of a picture.
    """

    title: str
    input: str
    shape: tuple | None


MODELS = {
    "mlp": Model("(a) MLP 784-128-10", "x", (784,)),
    "cnn": Model("(b) CNN on 32 x 32 x 3", "x", (32, 32, 3)),
    "cifar10": Model("(c) image_classification, preset cifar10, PNG bytes", "image_bytes", None),
}


class Examples(NamedTuple):
    """Requests of one row each, and their answers.

    Attributes:
        rows: Arrays of `Model.shape`, or the bytes of PNG files.
        probabilities: `float32` `(len(rows), CLASSES)`.
    """

    rows: list
    probabilities: np.ndarray


def read_examples(folder, name):
    """Reads what `write` has written for a model."""
    return Examples(*pickle.loads(Path(folder, f"{name}.pickle").read_bytes()))


def write(folder, names, seed):
    """Writes `FOLDER/<name>/1/` and the examples of each model, in a process of its own.

    Returns:
        `{name: multiply-adds of one row}` of the models built here.
    """
    command = [sys.executable, "-m", "benchmarks.serving.models", str(folder), *names, "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the models could not be written:\n{done.stderr[-3000:]}")
    return dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)


def multiply_adds(kernels):
    """Counts the multiplications of a row: `kernels` pairs a kernel's shape with the places it is applied at."""
    return sum(int(np.prod(shape)) * places for shape, places in kernels)


def _save(folder, name, kernels, function):
    import tensorflow as tf

    class Saved(tf.Module):
        def __init__(self):
            self.kernels = [tf.Variable(value) for value in kernels]

        @tf.function(input_signature=[tf.TensorSpec((None, *MODELS[name].shape), tf.float32, "x")])
        def __call__(self, x):
            return {"probabilities": tf.nn.softmax(function(x, self.kernels))}

    module = Saved()
    tf.saved_model.save(module, str(folder / name / "1"), signatures=module.__call__)


def _draw(shapes, seed):
    draw = np.random.default_rng(seed)
    return [(draw.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype("float32") for shape in shapes]


def _save_mlp(folder, seed):
    import tensorflow as tf

    shapes = [(784, 128), (128, CLASSES)]
    _save(folder, "mlp", _draw(shapes, seed), lambda x, k: tf.nn.relu(x @ k[0]) @ k[1])
    return multiply_adds((shape, 1) for shape in shapes)


def _save_cnn(folder, seed):
    import tensorflow as tf

    sizes = [32 // 2 ** (index // 2) for index in range(len(CNN_FILTERS))]
    channels = (3, *CNN_FILTERS[:-1])
    shapes = [(3, 3, *pair) for pair in zip(channels, CNN_FILTERS, strict=True)] + [(CNN_FILTERS[-1], CLASSES)]

    def function(x, kernels):
        for index, kernel in enumerate(kernels[:-1]):
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
            x = tf.nn.max_pool2d(x, 2, 2, "SAME") if index % 2 else x
        return tf.reduce_mean(x, (1, 2)) @ kernels[-1]

    _save(folder, "cnn", _draw(shapes, seed), function)
    return multiply_adds(zip(shapes, [size**2 for size in sizes] + [1], strict=True))


def _save_cifar10(folder):
    app, preset = PRESET
    options = ("--preset", preset, "--name", "cifar10", "--models", str(folder))
    subprocess.run([sys.executable, "-m", "apps.cli", "export", app, *options], check=True, stdout=subprocess.DEVNULL)


def _rows(name, seed):
    draw = np.random.default_rng(seed + 1)
    if name == "mlp":
        pixels = draw.random((SAMPLES, 784))
    else:
        # Patches and not noise alone, which every convolution would average to the same answer.
        patches = draw.random((SAMPLES, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
        pixels = np.clip(patches + draw.normal(0, 0.05, patches.shape), 0, 1)
    if MODELS[name].shape:
        # Four decimals: what a client writes into JSON is then of one length for all servers.
        return list(pixels.round(4).astype("float32"))
    from dlkeras.data.encode import encode_png

    return [encode_png(picture) for picture in (255 * pixels).astype("uint8")]


def _answers(folder, name, rows):
    import tensorflow as tf

    signature = tf.saved_model.load(str(folder / name / "1")).signatures["serving_default"]
    answers = signature(**{MODELS[name].input: tf.constant(rows)})["probabilities"].numpy()
    closest = min(np.abs(answers - np.roll(answers, shift, 0)).max(1).min() for shift in range(1, SAMPLES))
    if closest < 1e-3:
        raise ValueError(f"{name}: two examples have answers closer than 1e-3: a mix-up of rows would go unseen")
    return answers


def main():
    """Reads the command line, writes the models and prints their multiply-adds."""
    from apps.quiet import import_keras

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="+", choices=MODELS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    import_keras()
    for name in options.names:
        if name == "cifar10":
            _save_cifar10(options.folder)
        else:
            print(name, {"mlp": _save_mlp, "cnn": _save_cnn}[name](options.folder, options.seed))
        rows = _rows(name, options.seed)
        examples = Examples(rows, _answers(options.folder, name, rows))
        (options.folder / f"{name}.pickle").write_bytes(pickle.dumps(tuple(examples)))


if __name__ == "__main__":
    main()
