import keras
import numpy as np
import pytest

from dlkeras.data import Examples
from dlkeras.losses import SmoothedSparseCrossEntropy
from dlkeras.metrics import Accuracy
from dlkeras.training import fit
from dlkeras.training.batches import Batches
from dlkeras.training.mixing import Mixing


@pytest.fixture
def examples():
    """48 pictures of 3 classes, each wholly of its class's colour."""
    y = np.arange(48, dtype="int32") % 3
    return Examples(np.tile(np.eye(3, dtype="uint8")[y][:, None, None] * 200, (1, 16, 16, 1)), y)


@pytest.mark.parametrize(("kind", "rounding"), [("mixup", 1e-4), ("cutmix", 0.2)])  # of 16 pixels, one at each side
def test_targets_are_the_pictures_shares(examples, kind, rounding):
    x, y = Mixing(kind, 3, alpha=1.0)(*examples, np.random.default_rng(0))
    assert x.dtype == y.dtype == "float32" and x.shape == (48, 16, 16, 3)
    shares = x.mean((1, 2)) / 200
    np.testing.assert_allclose(y, shares, atol=rounding)
    np.testing.assert_allclose((y - shares).mean(), 0, atol=0.01)
    np.testing.assert_allclose(y.sum(1), 1, rtol=1e-5)
    assert np.sum(y.max(1) < 0.9) > 10
    pixels_are_of_one_picture = np.isin(x, (0, 200)).all()
    assert pixels_are_of_one_picture == (kind == "cutmix")


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_batches_depend_on_seed_epoch_and_number_alone(examples, kind):
    used = Batches(examples, 16, seed=1, transform=Mixing(kind, 3, 0.5))
    _ = used[0], used[2]
    used.begin_epoch(2)
    fresh = Batches(examples, 16, seed=1, epoch=2, transform=Mixing(kind, 3, 0.5))
    for one, other in zip(used[1], fresh[1], strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_batch_is_mixed_in_its_own_way():
    def state(x, y, random):
        return random.integers(2**32), None

    examples = Examples(np.zeros(8), np.zeros(8))
    batches = [Batches(examples, 4, seed, epoch, state) for seed in (0, 1) for epoch in (0, 1)]
    assert len({batch[index][0] for batch in batches for index in (0, 1)}) == 8


def build():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(1e-4), SmoothedSparseCrossEntropy(), metrics=[Accuracy()], jit_compile=False)
    return model


def test_two_parts_are_one_run(examples, tmp_path):
    """Training has probabilities as targets, and validation class numbers."""

    def run(folder, epochs):
        model = build()
        mixing = Mixing("cutmix", 3, 1.0)
        state = fit(model, examples, examples, tmp_path / folder, epochs=epochs, batch_size=16, transform=mixing)
        return model.get_weights()[0], state["history"]

    whole, history = run("whole", 3)
    run("parts", 1)
    parts, _ = run("parts", 3)
    np.testing.assert_array_equal(parts, whole)
    assert history[-1]["val_accuracy"] == 1.0 and history[-1]["val_loss"] < history[-1]["loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cutup", 3, 1.0), "`kind` must be one of mixup, cutmix. Received: kind='cutup'"),
        (("mixup", 0, 1.0), "`num_classes` must be at least 1. Received: num_classes=0"),
        (("mixup", 3, 0), "`alpha` must be in (0, 1]. Received: alpha=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        Mixing(*arguments)
    assert str(error.value) == message
