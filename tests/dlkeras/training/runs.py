"""Training runs in a process of their own; test_processes.py starts them.

runs.py train FOLDER             one run of `EPOCHS`, or what is left of it
runs.py resume FOLDER STRATEGY   an unbroken run beside one that is taken up by a new model; prints what came of it
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers

from dlkeras.data import Examples
from dlkeras.data.digits import load_digits
from dlkeras.training import fit, strategy_scope

EPOCHS = 6


def build():
    """A convolution with everything that draws random numbers or keeps a state; Adam keeps one too."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.RandomTranslation(0.1, 0.1),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
    return model


def train(folder, epochs, examples=1200):
    splits = load_digits()
    some = Examples(splits.train.x[:examples], splits.train.y[:examples])
    model = build()
    state = fit(model, some, splits.validation, folder, epochs=epochs, batch_size=64, seed=3)
    return model, state


def resume(folder, strategy):
    with strategy_scope(strategy):
        whole, state = train(folder / "whole", 3, examples=400)
        train(folder / "broken", 2, examples=400)
        again, _ = train(folder / "broken", 3, examples=400)
    last = [read_weights(folder / name / "last-3.weights.h5") for name in ("whole", "broken")]
    inputs = load_digits().test.x[:20].astype("float32")
    difference = float(np.abs(np.array(whole(inputs, training=False)) - np.array(again(inputs, training=False))).max())
    answer = {
        "backend": keras.backend.backend(),
        "losses": [row["loss"] for row in state["history"]],
        "weights": max(float(np.abs(last[0][key] - last[1][key]).max()) for key in last[0]),
        "answers": difference,
    }
    if strategy == "mirrored":
        answer |= save_and_export(whole, inputs, folder)
    print(json.dumps(answer))


def save_and_export(model, inputs, folder):
    import tensorflow as tf

    from dlkeras.export import Endpoint, export

    model.save(folder / "model.keras")
    loaded = keras.saving.load_model(folder / "model.keras")
    specs = {"image": ((None, 16, 16, 1), "float32")}
    # What the devices share cannot be exported; the model that was loaded again, on one, can.
    endpoint = Endpoint(
        "serving_default", lambda image: {"y": loaded(image, training=False)}, specs, {"image": inputs[:1]}
    )
    served = tf.saved_model.load(str(export(loaded, [endpoint], folder / "served"))).signatures["serving_default"]
    expected = np.array(model(inputs, training=False))
    return {
        "replicas": model.distribute_strategy.num_replicas_in_sync,
        "saved": float(np.abs(np.array(loaded(inputs, training=False)) - expected).max()),
        "served": float(np.abs(served(image=tf.constant(inputs))["y"].numpy() - expected).max()),
    }


def read_weights(path):
    import h5py

    arrays = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: arrays.update({name: item[()]}) if hasattr(item, "shape") else None)
    return arrays


if __name__ == "__main__":
    command, folder, *strategy = sys.argv[1:]
    if strategy == ["mirrored"]:
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    if command == "train":
        train(Path(folder), EPOCHS)
    else:
        resume(Path(folder), *strategy)
