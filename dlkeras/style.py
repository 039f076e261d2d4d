"""Style transfer by optimization: the pixels are what is trained.

Source: Gatys et al. 2016, "Image style transfer using convolutional neural networks";
Adam here, where they have L-BFGS.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from dlkeras.checks import check_positive


class Painted(NamedTuple):
    """A picture on its way.

    Attributes:
        step: Steps that were taken.
        picture: `float32` `(height, width, 3)` in [0, 255].
        loss: What the picture's loss is.
    """

    step: int
    picture: np.ndarray
    loss: float


class _Canvas(keras.layers.Layer):
    """Gives its weights, a picture, whatever it is called on."""

    def __init__(self, picture):
        super().__init__(name="canvas")
        inside = keras.constraints.get(lambda pixels: ops.clip(pixels, 0.0, 255.0))
        self.picture = self.add_weight(shape=picture.shape, initializer="zeros", constraint=inside, name="picture")
        self.picture.assign(picture)

    def call(self, inputs):
        return self.picture[None] + 0.0 * inputs


class _ToTargets(keras.losses.Loss):
    """The loss to targets that are known once and for all."""

    def __init__(self, loss, targets):
        super().__init__(name="to_targets")
        self._loss = loss
        self._targets = targets

    def call(self, y_true, y_pred):
        return self._loss.total(self._loss.parts(y_pred, self._targets))


def paint_by_steps(loss, content, style, *, steps=200, learning_rate=8.0, start=None):
    """Paints a content in a style, a step at a time; whoever asks for no more steps ends it, and may go on from there.

    Args:
        loss: `dlkeras.losses.StyleTransferLoss`.
        content: Picture `(height, width, 3)` in [0, 255].
        style: Picture likewise, of any size.
        steps: Most steps to take.
        learning_rate: Of Adam, in steps of 255; it falls to a tenth along a cosine.
        start: Picture to begin with, of the content's size; by default the content.

    Yields:
        `Painted` before the first step, and after each.

    Raises:
        ValueError: An argument is out of its range, or `start` has another size than the content.
    """
    check_positive("steps", steps)
    check_positive("learning_rate", learning_rate)
    content, style = (np.asarray(picture, "float32") for picture in (content, style))
    start = content if start is None else np.asarray(start, "float32")
    if start.shape != content.shape:
        raise ValueError(f"`start` must have the content's shape, {content.shape}. Received: {start.shape}")
    targets = loss.targets(ops.convert_to_tensor(content[None]), ops.convert_to_tensor(style[None]))
    canvas = _Canvas(start)
    inputs = keras.Input((1, 1, 1))
    model = keras.Model(inputs, canvas(inputs))
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=0.1)
    model.compile(keras.optimizers.Adam(rate), _ToTargets(loss, targets))
    nothing = np.zeros((1, 1, 1, 1), "float32")
    for step in range(steps):
        before = ops.convert_to_numpy(canvas.picture)
        model.reset_metrics()
        # The loss is that of the picture before the step.
        yield Painted(step, before, float(model.train_on_batch(nothing, nothing)))
    after = canvas.picture[None]
    yield Painted(steps, ops.convert_to_numpy(after)[0], float(loss.total(loss.parts(after, targets))[0]))
