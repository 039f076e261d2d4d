"""Fits a compiled model to arrays, with progress, checkpoints and resume."""

import sys
from pathlib import Path

import keras

from dlkeras.files import write_atomically
from dlkeras.training.averaging import AveragingCheckpoint, averages_weights
from dlkeras.training.batches import Batches, OrderEpochs
from dlkeras.training.checkpoint import WEIGHTS_FILE, Checkpoint, read_state, without_optimizer
from dlkeras.training.curves import plot_history
from dlkeras.training.randomness import SeedEpochs

STEPS_PER_EXECUTION = 8
_VALIDATED_BYTES = 4 << 20  # of a batch


def fit(
    model,
    train,
    validation,
    directory,
    *,
    epochs,
    batch_size=128,
    seed=0,
    monitor="val_accuracy",
    patience=0,
    callbacks=(),
    transform=None,
    batches=Batches,
):
    """Trains a model, or goes on where an earlier call on the same folder was broken off.

    After every epoch the folder holds `model.weights.h5` (the best so far by `monitor`), `state.json` with the last
    weights and the optimizer's, and `history.csv`; at the end `curve.png` too. With the same seed, a run that was
    killed and taken up again ends with the same weights as one that was not. Where the optimizer averages the weights
    (`use_ema=True`), the averages are what is validated, and kept as best.

    Args:
        model: A compiled `keras.Model`.
        train: `Examples` to fit to.
        validation: `Examples` to choose the best epoch by.
        directory: The run's folder; made if it is not there.
        epochs: Total number of epochs, those of earlier calls included.
        batch_size: Examples a step.
        seed: Seed of the order, of dropout and of augmentation. Initial weights are the caller's.
        monitor: Metric to choose the best epoch by.
        patience: Epochs without improvement after which training stops; 0 for never.
        callbacks: Further Keras callbacks.
        transform: Changes each training batch, such as `Mixing`; see `Batches`.
        batches: Class of the training batches, `Batches` or one made from it.

    Returns:
        The run's state: `history` (one dict an epoch), `best`, `best_epoch`, `seconds` and `cpu_seconds`.
        The model has its best weights.

    Raises:
        ValueError: `epochs` or `batch_size` is below 1, or `monitor` is no metric of the model.
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    state = read_state(directory)
    checkpoint_class = AveragingCheckpoint if averages_weights(model) else Checkpoint
    checkpoint = checkpoint_class(directory, monitor, patience, state)
    if state is not None:
        checkpoint.restore(model)
    begin = checkpoint.state["epochs"]
    if begin < epochs and not (patience and begin - checkpoint.state["best_epoch"] >= patience):
        batches = batches(train, _even(batch_size, train, model), seed, epoch=begin, transform=transform)
        if keras.backend.backend() == "tensorflow" and _replicas(model) == 1:
            # One call of the graph for several batches, without a pause between them. JAX would unroll and compile
            # them all, and TensorFlow 2.21 fails where the loop is on several devices.
            model.steps_per_execution = min(STEPS_PER_EXECUTION, len(batches))
        model.fit(
            batches,
            shuffle=False,
            validation_data=tuple(validation),
            validation_batch_size=_even(_validated_at_once(validation), validation, model),
            initial_epoch=begin,
            epochs=epochs,
            # A bar for a person who watches, a line an epoch for a log.
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[OrderEpochs(batches), SeedEpochs(seed), *callbacks, checkpoint],
        )
    write_atomically(directory / "curve.png", lambda path: plot_history(checkpoint.state["history"], path))
    with without_optimizer(model):
        model.load_weights(directory / WEIGHTS_FILE)
    return checkpoint.state


def _replicas(model):
    return getattr(getattr(model, "distribute_strategy", None), "num_replicas_in_sync", 1)


def _validated_at_once(examples):
    # Large pictures have large feature maps.
    return min(500, max(16, _VALIDATED_BYTES // max(1, examples.x[:1].nbytes)))


def _even(batch_size, examples, model):
    """Returns a batch size that the replicas of a strategy share alike: Keras adds their parts up as it builds."""
    replicas = _replicas(model)
    batch_size = min(batch_size, len(examples.y))
    return max(replicas, batch_size - batch_size % replicas)
