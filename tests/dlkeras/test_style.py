"""Style transfer by optimization."""

import itertools

import keras
import numpy as np
import pytest

from dlkeras.losses import StyleTransferLoss
from dlkeras.style import paint_by_steps


@pytest.fixture
def loss():
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    maps = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    return StyleTransferLoss(keras.Model(inputs, [x, maps]), scales=1, margin=4)


def _pictures():
    random = np.random.default_rng(0)
    return random.uniform(0, 100, (20, 24, 3)).astype("float32"), random.uniform(100, 255, (16, 16, 3))


def test_each_step_tells_the_loss_of_its_picture_and_lowers_it(loss):
    content, style = _pictures()
    steps = list(paint_by_steps(loss, content, style, steps=8))
    assert [painted.step for painted in steps] == list(range(9))
    np.testing.assert_array_equal(steps[0].picture, content)
    assert steps[-1].loss < 0.7 * steps[0].loss
    last = steps[-1].picture
    assert last.shape == content.shape
    assert 0 <= last.min() < last.max() <= 255
    targets = loss.targets(content[None], style[None].astype("float32"))
    total = float(loss.total(loss.parts(steps[3].picture[None], targets))[0])
    assert steps[3].loss == pytest.approx(total, rel=1e-4)


def test_it_goes_on_from_a_picture_and_ends_when_nobody_asks(loss):
    content, style = _pictures()
    first = list(itertools.islice(paint_by_steps(loss, content, style, steps=8), 5))
    again = next(paint_by_steps(loss, content, style, steps=8, start=first[-1].picture))
    np.testing.assert_array_equal(again.picture, first[-1].picture)
    assert again.loss == pytest.approx(first[-1].loss, rel=1e-4)


def test_wrong_arguments_are_named(loss):
    content, style = _pictures()
    with pytest.raises(ValueError, match=r"`steps` must be above 0. Received: steps=0"):
        next(paint_by_steps(loss, content, style, steps=0))
    with pytest.raises(ValueError, match=r"`start` must have the content's shape.*Received: \(16, 16, 3\)"):
        next(paint_by_steps(loss, content, style, start=style))
