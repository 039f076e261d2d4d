"""Fine-tuning: first a new head on a pretrained network, then the network's last layers too, gently.

Source: Yosinski et al. 2014, "How transferable are features in deep neural networks?"; Keras's guide "Transfer learning
and fine-tuning", whose order of steps this is.
"""

import json
import shutil
from pathlib import Path

import keras
from keras import layers

from apps.backbones import BACKBONE, backbone_of, copy_weights, open_backbone, rebuild
from apps.base import steps_of
from apps.image_classification.progress import HEAD_FOLDER
from dlkeras.files import write_atomically
from dlkeras.layers.inference_mode import InferenceMode
from dlkeras.training import fit
from dlkeras.training.checkpoint import STATE_FILE, WEIGHTS_FILE

# Of a few dozen validation pictures many epochs get the same share right; their loss still tells these apart.
_MONITOR = "val_loss"


def classifier_on(description, num_classes, dropout):
    """Puts a new head on a pretrained network.

    The network runs in inference mode in training too: batch normalization keeps the statistics that it has, which a
    few hundred pictures would only spoil.

    Args:
        description: Of the network; see `apps.backbones.describe`.
        num_classes: Number of classes.
        dropout: Rate before the last layer.

    Returns:
        A `keras.Model` from scaled pictures to logits, `(batch, num_classes)`.
    """
    network = rebuild(description)
    inputs = keras.Input(network.input_shape[1:])
    x = InferenceMode(network, name=BACKBONE)(inputs)
    x = layers.GlobalAveragePooling2D(name="pool")(x) if len(x.shape) == 4 else x  # (batch, features)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(inputs, layers.Dense(num_classes, name="logits")(x), name="classifier")


def prepare(model, config):
    """Gives a model the weights of its pretrained network, and freezes them.

    Args:
        model: What `app.build` gave.
        config: The app's `Config`.
    """
    network = backbone_of(model)
    copy_weights(open_backbone(config.finetune, config.weights).network, network)
    network.trainable = False


def finetune(app, model, splits, config, directory):
    """Trains the head, then the last layers too; either phase goes on where it was broken off.

    Args:
        app: The app, for `prepare` and `compile_phase(model, config, steps, learning_rate)`.
        model: What `app.build` gave.
        splits: The data.
        config: The app's `Config`.
        directory: The run's folder; the first phase has `head` in it.

    Returns:
        The state of the second phase, with the seconds of both; the model has the weights of the best epoch of both.
    """
    directory = Path(directory)
    network = backbone_of(model)
    if (directory / HEAD_FOLDER / STATE_FILE).exists():
        network.trainable = False
    else:
        app.prepare(model, config)

    def train(folder, epochs, learning_rate):
        app.compile_phase(model, config, steps_of(splits, config, epochs), learning_rate)
        fitting = {**app.fitting(config, splits.info), "epochs": epochs, "monitor": _MONITOR}
        return fit(model, splits.train, splits.validation, folder, **fitting)

    head = train(directory / HEAD_FOLDER, config.head_epochs, config.head_learning_rate)
    _unfreeze(network, config.unfreeze)
    state = train(directory, config.epochs, config.learning_rate)
    if head["best"] < state["best"]:
        state = _keep_head(model, head, state, directory)
    return {**state, **{name: head[name] + state[name] for name in ("seconds", "cpu_seconds")}}


def _unfreeze(network, share):
    """Makes the last `share` of the layers that have weights trainable, and no other."""
    network.trainable = True
    weighted = [layer for layer in network.layers if layer.weights]
    for layer in weighted[: len(weighted) - round(share * len(weighted))]:
        layer.trainable = False


def _keep_head(model, head, state, directory):
    """The second phase has spoilt what the first had learned: the run's best weights are the first's."""
    shutil.copyfile(directory / HEAD_FOLDER / WEIGHTS_FILE, directory / WEIGHTS_FILE)
    model.load_weights(directory / WEIGHTS_FILE)
    state = {**state, "best": head["best"], "best_epoch": 0}
    write_atomically(directory / STATE_FILE, lambda path: path.write_text(json.dumps(state, indent=1)))
    return state
