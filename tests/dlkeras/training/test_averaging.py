import keras
import numpy as np
import pytest

from dlkeras.data import Examples
from dlkeras.training import fit
from dlkeras.training.averaging import averaged_weights


@pytest.fixture
def examples():
    """64 points of 3 classes that overlap."""
    y = np.arange(64, dtype="int32") % 3
    return Examples(np.eye(3, dtype="float32")[y] + np.random.normal(scale=0.7, size=(64, 3)).astype("float32"), y)


def build(momentum=0.9):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.2), keras.layers.Dense(3)])
    optimizer = keras.optimizers.SGD(0.3, momentum=0.9, use_ema=momentum is not None, ema_momentum=momentum or 0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    return model


class Record(keras.callbacks.Callback):
    """Keeps the weights after every step, and the history."""

    def __init__(self):
        super().__init__()
        self.kernels = []

    def on_train_batch_end(self, batch, logs=None):
        self.kernels.append(self.model.layers[-1].get_weights()[0])


def run(examples, folder, epochs, model=None):
    model, record = model or build(), Record()
    # A batch is all there is, so that every step is an execution of its own, and seen by `Record`.
    state = fit(model, examples, examples, folder, epochs=epochs, batch_size=64, monitor="val_loss", callbacks=[record])
    return model, state, record.kernels


def test_validates_and_keeps_the_average(examples, tmp_path):
    model, state, kernels = run(examples, tmp_path, 6)
    averages = [kernels[0]]  # Keras's average begins with the weights after the first step
    for kernel in kernels[1:]:
        averages.append(0.9 * averages[-1] + 0.1 * kernel)
    best = averages[state["best_epoch"] - 1]
    np.testing.assert_allclose(model.layers[-1].get_weights()[0], best, rtol=1e-5)
    assert not np.allclose(best, kernels[state["best_epoch"] - 1], rtol=1e-3)
    loss, _ = model.evaluate(*examples, verbose=0)
    assert loss == pytest.approx(state["best"], rel=1e-5)


def test_training_goes_on_with_the_last_weights(examples, tmp_path):
    averaged = run(examples, tmp_path / "averaged", 3)[2]
    plain = run(examples, tmp_path / "plain", 3, build(momentum=None))[2]
    np.testing.assert_array_equal(averaged, plain)


def test_two_parts_are_one_run(examples, tmp_path):
    whole, state, kernels = run(examples, tmp_path / "whole", 4)
    run(examples, tmp_path / "parts", 2)
    parts, resumed, later = run(examples, tmp_path / "parts", 4)
    np.testing.assert_array_equal(later, kernels[2:])
    np.testing.assert_array_equal(parts.get_weights()[0], whole.get_weights()[0])
    assert [row["val_loss"] for row in resumed["history"]] == [row["val_loss"] for row in state["history"]]


def test_writes_the_best_anew(examples, tmp_path):
    """As after a `kill -9` between the state and the best weights."""
    model, state, _ = run(examples, tmp_path, 1)
    (tmp_path / "model.weights.h5").unlink()
    again, _, _ = run(examples, tmp_path, 1)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    assert state["best_epoch"] == 1


def test_gives_the_last_weights_back_after_an_error(examples):
    model = build()
    for _ in range(2):
        model.train_on_batch(*examples)
    before = model.get_weights()[0]
    with pytest.raises(RuntimeError), averaged_weights(model):
        assert not np.array_equal(model.get_weights()[0], before)
        raise RuntimeError
    np.testing.assert_array_equal(model.get_weights()[0], before)
