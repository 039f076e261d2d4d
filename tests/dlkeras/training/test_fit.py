import json

import keras
import numpy as np
import pytest
from PIL import Image

from dlkeras.data import Examples
from dlkeras.files import write_atomically
from dlkeras.training import fit, strategy_scope
from dlkeras.training.batches import Batches
from dlkeras.training.checkpoint import Checkpoint, read_state
from dlkeras.training.curves import plot_history
from dlkeras.training.randomness import seed_epoch


@pytest.fixture
def examples():
    """90 points of 3 separable classes."""
    y = np.arange(90, dtype="int32") % 3
    x = np.eye(3, dtype="float32")[y] + np.random.default_rng(0).normal(scale=0.3, size=(90, 3)).astype("float32")
    return Examples(x, y)


def build(learning_rate=0.1):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.2), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=["accuracy"], jit_compile=False)
    return model


class Script(keras.callbacks.Callback):
    """Replaces the monitored value by one from a list, and keeps the weights of every epoch."""

    def __init__(self, values):
        super().__init__()
        self.values, self.kernels = values, []

    def on_epoch_end(self, epoch, logs=None):
        logs["val_accuracy"] = self.values[epoch]
        self.kernels.append(self.model.layers[-1].get_weights()[0])


def run(examples, folder, epochs, model=None, **arguments):
    model = model or build()
    return model, fit(model, examples, examples, folder, epochs=epochs, batch_size=16, **arguments)


def test_writes_its_files(examples, tmp_path, capsys):
    _, state = run(examples, tmp_path / "a" / "run", 3)
    folder = tmp_path / "a" / "run"
    names = ["curve.png", "history.csv", "last-3.weights.h5", "model.weights.h5", "state.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert json.loads((folder / "state.json").read_text()) == state == read_state(folder)
    assert [row["epoch"] for row in state["history"]] == [1, 2, 3]
    assert state["history"][-1]["loss"] < state["history"][0]["loss"]
    assert state["seconds"] > 0 and state["cpu_seconds"] > 0
    lines = (folder / "history.csv").read_text().splitlines()
    assert lines[0] == "epoch,accuracy,loss,val_accuracy,val_loss" and len(lines) == 4 and lines[1].startswith("1,")
    # A line an epoch in a log, no bar.
    assert capsys.readouterr().out.count("\n") == 6


def test_gives_the_best_epoch(examples, tmp_path):
    script = Script([0.1, 0.9, 0.9, 0.5])
    model, state = run(examples, tmp_path, 4, callbacks=[script])
    assert state["best"] == 0.9 and state["best_epoch"] == 2 and state["epochs"] == 4
    np.testing.assert_array_equal(model.layers[-1].get_weights()[0], script.kernels[1])
    loaded = build()
    optimizer = loaded.optimizer
    loaded.optimizer = None
    loaded.load_weights(tmp_path / "model.weights.h5")
    loaded.optimizer = optimizer
    np.testing.assert_array_equal(loaded.layers[-1].get_weights()[0], script.kernels[1])


@pytest.mark.parametrize("monitor", ["val_loss", "val_error", "val_rmse", "val_perplexity"])
def test_losses_and_errors_are_minimised(examples, tmp_path, monitor):
    class Lower(Script):
        def on_epoch_end(self, epoch, logs=None):
            logs[monitor] = self.values[epoch]

    _, state = run(examples, tmp_path, 3, callbacks=[Lower([0.5, 0.2, 0.7])], monitor=monitor)
    assert state["best"] == 0.2 and state["best_epoch"] == 2


def test_a_value_that_is_no_number_is_not_the_best(examples, tmp_path):
    nan = float("nan")
    _, state = run(examples, tmp_path, 4, callbacks=[Script([nan, 0.3, nan, 0.2])])
    assert state["best"] == 0.3 and state["best_epoch"] == 2


def test_patience(examples, tmp_path):
    values = [0.1, 0.5, 0.4, 0.4, 0.9, 0.9]
    _, state = run(examples, tmp_path, 6, patience=2, callbacks=[Script(values)])
    assert state["epochs"] == 4 and state["best_epoch"] == 2
    _, state = run(examples, tmp_path, 6, patience=2, callbacks=[Script(values)])
    assert state["epochs"] == 4  # what has been stopped stays so
    _, state = run(examples, tmp_path, 6, patience=3, callbacks=[Script(values)])
    assert state["epochs"] == 6 and state["best_epoch"] == 5


def test_goes_on_where_it_was(examples, tmp_path):
    whole, _ = run(examples, tmp_path / "whole", 4)
    run(examples, tmp_path / "broken", 2)
    again, state = run(examples, tmp_path / "broken", 4)
    for one, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert state["epochs"] == 4 and len(state["history"]) == 4
    before = (tmp_path / "broken" / "last-4.weights.h5").read_bytes()
    done, state = run(examples, tmp_path / "broken", 4, model=build())
    np.testing.assert_array_equal(done.layers[-1].get_weights()[0], again.layers[-1].get_weights()[0])
    assert (tmp_path / "broken" / "last-4.weights.h5").read_bytes() == before


def test_another_seed_is_another_run(examples, tmp_path):
    one, other = (run(examples, tmp_path / str(seed), 2, seed=seed)[0] for seed in (0, 1))
    assert not np.array_equal(one.layers[-1].get_weights()[0], other.layers[-1].get_weights()[0])


def test_killed_between_its_files(examples, tmp_path):
    """After the state there are the best weights, the history, and the old weights to remove."""
    model, _ = run(examples, tmp_path, 2, callbacks=[Script([0.1, 0.9])])
    best = model.get_weights()
    for name in ("model.weights.h5", "history.csv"):
        (tmp_path / name).unlink()
    for name in ("last-1.weights.h5", "last-3.weights.h5", ".99-model.weights.h5", ".99-state.json"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("somebody's own")
    again, _ = run(examples, tmp_path, 2, model=build(), callbacks=[Script([0.1, 0.9])])
    np.testing.assert_array_equal(again.get_weights()[0], best[0])
    names = ["curve.png", "history.csv", "last-2.weights.h5", "model.weights.h5", "notes.txt", "state.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_feeds_every_example_once_an_epoch_in_the_order_of_the_seed(examples, tmp_path, monkeypatch):
    seen, epoch = {}, []
    original = Batches.__getitem__

    def spy(self, index):
        x, y = original(self, index)
        if epoch:
            seen.setdefault(epoch[-1], {})[index] = x
        return x, y

    class Epochs(keras.callbacks.Callback):
        def on_epoch_begin(self, number, logs=None):
            epoch.append(number)

        def on_epoch_end(self, number, logs=None):
            epoch.append("validation")

    monkeypatch.setattr(Batches, "__getitem__", spy)
    run(examples, tmp_path, 2, callbacks=[Epochs()], seed=5)
    for number in (0, 1):
        order = np.random.default_rng((5, number)).permutation(90)
        assert list(seen[number]) == [0, 1, 2, 3, 4]  # Keras does not shuffle once more
        np.testing.assert_array_equal(np.concatenate(list(seen[number].values())), examples.x[order[:80]])


def test_batches(examples):
    batches = Batches(Examples(np.arange(90), np.arange(90)), 20, seed=3, epoch=4)
    assert len(batches) == 4
    fourth = np.concatenate([batches[index][0] for index in range(4)])
    assert len(set(fourth)) == 80
    batches.begin_epoch(0)
    assert not np.array_equal(batches[0][0], fourth[:20])
    batches.begin_epoch(4)
    np.testing.assert_array_equal(batches[0][0], fourth[:20])
    assert not np.array_equal(Batches(examples, 20, seed=4, epoch=4)[0][0], examples.x[fourth[:20]])
    whole = Batches(examples, 1000, seed=0)
    assert len(whole) == 1 and sorted(whole[0][1]) == sorted(examples.y)


def test_seed_epoch_sets_every_random_layer():
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.RandomFlip(), keras.layers.Dropout(0.5)])

    def states():
        return [keras.ops.convert_to_numpy(variable) for variable in model.variables]

    seed_epoch(model, 1, 2)
    first = states()
    assert len(first) == 2 and not np.array_equal(*first)
    model(np.ones((2, 4, 4, 1), "float32"), training=True)
    assert not np.array_equal(states()[0], first[0])
    seed_epoch(model, 1, 2)
    np.testing.assert_array_equal(states(), first)
    seed_epoch(model, 1, 3)
    assert not np.array_equal(states(), first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "`epochs` must be at least 1. Received: epochs=0"),
        ({"epochs": 1, "batch_size": 0}, "`batch_size` must be at least 1. Received: batch_size=0"),
        (
            {"epochs": 1, "monitor": "val_f1"},
            "`monitor` must be one of accuracy, loss, val_accuracy, val_loss. Received: monitor='val_f1'",
        ),
    ],
)
def test_refuses(examples, tmp_path, arguments, message):
    with pytest.raises(ValueError) as error:
        fit(build(), examples, examples, tmp_path, **arguments)
    assert str(error.value) == message


def test_write_atomically(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, lambda beside: beside.write_text("first"))

    def fail(beside):
        beside.write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]


def test_checkpoint_starts_from_nothing(tmp_path):
    assert read_state(tmp_path) is None
    assert Checkpoint(tmp_path, "val_accuracy").state["epochs"] == 0


@pytest.mark.parametrize("epochs", [1, 3])
def test_plots(tmp_path, epochs):
    history = [
        {"epoch": epoch, "loss": 1 / epoch, "accuracy": 0.5, "val_loss": float("nan"), "learning_rate": 0.1}
        for epoch in range(1, epochs + 1)
    ]
    plot_history(history, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.format == "PNG" and picture.size == (1200, 432)  # two plots: loss and accuracy
        assert len(picture.convert("RGB").getcolors(100_000)) > 10


def test_strategies():
    import tensorflow as tf

    for name in ("auto", "none"):
        if not tf.config.list_logical_devices("GPU") or name == "none":
            with strategy_scope(name):
                assert not tf.distribute.has_strategy()
    with strategy_scope("mirrored"):
        assert isinstance(tf.distribute.get_strategy(), tf.distribute.MirroredStrategy)
    with pytest.raises(ValueError) as error:
        strategy_scope("tpu")
    assert str(error.value) == "`strategy` must be one of auto, none, mirrored. Received: strategy='tpu'"


def test_mirrored_needs_tensorflow(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError) as error:
        strategy_scope("mirrored")
    assert "needs the TensorFlow backend. Received: strategy='mirrored' on jax" in str(error.value)
    with strategy_scope("auto"):
        pass
