"""The TensorFlow contenders of `benchmarks.training`: `python -m benchmarks.contenders NAME` measures one, once.

It trains ResNet-20 on random pictures and prints one JSON line: pictures a second of wall time, CPU milliseconds a
picture, the last loss and the number of parameters.
"""

import argparse
import dataclasses
import json
import tempfile
import time

import numpy as np

CLASSES, SHAPE = 10, (32, 32, 3)


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to train; the defaults are the plain way.

    Attributes:
        drive: `dlkeras` (dlkeras.training.fit), `arrays` (model.fit on arrays), `step` (one batch, no input pipeline).
        app: Whether model, loss and optimizer are those of `dlkeras train image_classification --config cifar10`.
        flip: Whether the app's pictures are mirrored at random.
        shift: How far the app's pictures are moved at random, as a share of their size.
        jit: `jit_compile` of `compile`; `None` leaves it as it is.
        keras_normalization: Whether batch normalization is Keras's layer instead of `dlkeras.layers`'.
        steps_per_execution: Batches a call of the graph.
        batch_size: Pictures a step.
        environment: Environment variables of the process, as pairs.
    """

    drive: str = "arrays"
    app: bool = False
    flip: bool = False
    shift: float = 0.0
    jit: bool | None = None
    keras_normalization: bool = False
    steps_per_execution: int = 1
    batch_size: int = 128
    environment: tuple = ()


_TRAIN = Contender("dlkeras", app=True, flip=True, shift=0.125)
_PLAIN = Contender(keras_normalization=True)
_STEP = Contender("step", jit=False)

TABLE = {
    "dlkeras train": _TRAIN,
    "dlkeras train, no augmentation": Contender("dlkeras", app=True),
    "Keras fit, defaults": _PLAIN,
    "Keras fit, jit_compile=True": dataclasses.replace(_PLAIN, jit=True),
    "Keras fit, oneDNN off": dataclasses.replace(_PLAIN, environment=(("TF_ENABLE_ONEDNN_OPTS", "0"),)),
}

# What each part of a step costs: rows to be read against the first.
PARTS = {
    "graph step": _STEP,
    "graph step, Keras's batch norm": dataclasses.replace(_STEP, keras_normalization=True),
    "graph step, jit_compile=True": dataclasses.replace(_STEP, jit=True),
    "graph step, the app's loss and optimizer": dataclasses.replace(_STEP, app=True),
    "graph step, the app's, flip and shift": dataclasses.replace(_STEP, app=True, flip=True, shift=0.125),
    "graph step, batch 64": dataclasses.replace(_STEP, batch_size=64),
    "graph step, batch 256": dataclasses.replace(_STEP, batch_size=256),
    "graph step, one intra-op thread": dataclasses.replace(_STEP, environment=(("TF_NUM_INTRAOP_THREADS", "1"),)),
    "graph step, one inter-op thread": dataclasses.replace(_STEP, environment=(("TF_NUM_INTEROP_THREADS", "1"),)),
    "Keras fit on arrays": Contender(jit=False),
    "Keras fit on arrays, 8 steps an execution": Contender(jit=False, steps_per_execution=8),
    "dlkeras fit": Contender("dlkeras", app=True),
}


class Watch:
    """Reads both clocks after chosen steps; the first steps, which trace and warm, do not count."""

    def __init__(self, warmup):
        self._warmup = warmup
        self._first = self._last = None

    def mark(self, steps):
        """Notes the clocks, `steps` steps having ended."""
        clocks = steps, time.perf_counter(), time.process_time()
        if self._first is None and steps >= self._warmup:
            self._first = clocks
        self._last = clocks

    def result(self, batch_size):
        """Returns the rates as `{name: number}`."""
        steps, wall, cpu = (last - first for first, last in zip(self._first, self._last, strict=True))
        pictures = steps * batch_size
        return {"pictures_per_second": pictures / wall, "cpu_milliseconds": 1000 * cpu / pictures}


def make_data(count, seed):
    """Returns random pictures, `uint8` `(count, 32, 32, 3)`, and classes, `int32` `(count,)`."""
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (count, *SHAPE), dtype="uint8"), draw.integers(0, CLASSES, count, dtype="int32")


def _build(contender, steps):
    import keras

    from apps import registry
    from apps.base import replace
    from dlkeras import models

    if contender.app:
        app = registry.create("image_classification")
        config = dataclasses.replace(
            replace(app.configs["cifar10"], {"epochs": "1"}), flip=contender.flip, shift=contender.shift
        )
        model = app.build(config, {"image_shape": SHAPE, "class_names": list(range(CLASSES))})
        app.compile(model, config, steps)
    else:
        model = models.create("resnet20", num_classes=CLASSES, input_shape=SHAPE)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer="sgd", loss=loss)
    if contender.jit is not None:
        model.jit_compile = contender.jit
    if contender.steps_per_execution > 1:
        model.steps_per_execution = contender.steps_per_execution
    return model


def _drive_step(model, x, y, steps, watch, batch_size):
    import tensorflow as tf

    model.train_on_batch(x[:batch_size], y[:batch_size])  # makes the variables of optimizer and metrics
    step = tf.function(lambda x, y: model.train_step((x, y)), jit_compile=model.jit_compile)
    batch = tf.constant(x[:batch_size]), tf.constant(y[:batch_size])
    for count in range(1, steps + 1):
        loss = step(*batch)["loss"]
        watch.mark(count)
    return float(loss)


def _drive_fit(contender, model, x, y, watch):
    import keras

    from dlkeras.data.splits import Examples
    from dlkeras.training import fit

    clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: watch.mark(batch + 1))
    if contender.drive == "arrays":
        history = model.fit(x, y, batch_size=contender.batch_size, verbose=2, callbacks=[clock])
        return history.history["loss"][-1]
    size = contender.batch_size
    with tempfile.TemporaryDirectory() as folder:
        validation = Examples(x[:size], y[:size])
        state = fit(model, Examples(x, y), validation, folder, epochs=1, batch_size=size, callbacks=[clock])
    return state["history"][-1]["loss"]


def measure(contender, steps, warmup, seed):
    """Trains for `warmup + steps` steps and returns what the last `steps` took."""
    import keras

    from dlkeras.models.vision import resnet

    keras.utils.set_random_seed(seed)
    watch, total = Watch(warmup), warmup + steps
    x, y = make_data(total * contender.batch_size, seed)
    if not contender.app:  # the app's model scales for itself; plain Keras code hands over scaled floats
        x = x.astype("float32") / 127.5 - 1
    if contender.keras_normalization:
        resnet.BatchNormalization = keras.layers.BatchNormalization
    model = _build(contender, total)
    if contender.drive == "step":
        loss = _drive_step(model, x, y, total, watch, contender.batch_size)
    else:
        loss = _drive_fit(contender, model, x, y, watch)
    jit = bool(model.jit_compile)
    return {**watch.result(contender.batch_size), "loss": loss, "parameters": model.count_params(), "jit": jit}


if __name__ == "__main__":
    from apps.quiet import import_keras

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=[*TABLE, *PARTS])
    for option, default in (("--steps", 40), ("--warmup", 5), ("--seed", 0)):
        parser.add_argument(option, type=int, default=default)
    arguments = vars(parser.parse_args())
    import_keras()
    print(json.dumps(measure({**TABLE, **PARTS}[arguments.pop("name")], **arguments)))
