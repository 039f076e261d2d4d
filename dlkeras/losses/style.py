"""Losses of style transfer: what a picture shows, and how it is painted, by the feature maps of a network.

Source: Gatys et al. 2016, "Image style transfer using convolutional neural networks"; Huang and Belongie 2017,
"Arbitrary style transfer in real-time with adaptive instance normalization"; Johnson et al. 2016, "Perceptual losses
for real-time style transfer and super-resolution".
"""

from typing import NamedTuple

import keras
from keras import ops

from dlkeras.checks import check_choice, check_positive

STATISTICS = ("gram", "moments")
# Maps that are next to nothing everywhere, such as the pixels of a grey picture, must not be divided by it.
_SMALL = 0.1


def gram_matrix(maps):
    """Returns how channels go together: `(batch, height, width, channels)` to `(batch, channels, channels)`, a mean."""
    _, height, width, channels = ops.shape(maps)
    flat = ops.reshape(maps, (-1, height * width, channels))
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / ops.cast(height * width, maps.dtype)


def moments(maps):
    """Returns means and deviations of channels: `(batch, height, width, channels)` to `(batch, 2 * channels)`."""
    mean, variance = ops.moments(maps, axes=(1, 2))
    # A little more than 0, where the root has no gradient.
    return ops.concatenate([mean, ops.sqrt(variance + 1e-5)], axis=-1)


def content_loss(maps, target):
    """Returns the squared distance of two feature maps, relative to the variance of the target: `(batch,)`.

    Args:
        maps: Of the picture that is made, `(batch, height, width, channels)`.
        target: Of the content picture, likewise.
    """
    return _mean(ops.square(maps - target)) / (
        _mean(ops.square(target - _spatial_mean(target))) + keras.config.epsilon()
    )


def style_loss(statistics, target):
    """Returns the squared distance of two Gram matrices or moments, relative to the target's own size: `(batch,)`.

    Args:
        statistics: Of the picture that is made, `(batch, ...)`.
        target: Of the style picture, likewise.
    """
    return _sum(ops.square(statistics - target)) / (_sum(ops.square(target)) + _SMALL)


def total_variation(pictures):
    """Returns the mean squared difference of neighbouring pixels: `(batch, height, width, channels)` to `(batch,)`."""
    down, right = pictures[:, 1:] - pictures[:, :-1], pictures[:, :, 1:] - pictures[:, :, :-1]
    return _mean(ops.square(down)) + _mean(ops.square(right))


class Targets(NamedTuple):
    """What a picture is compared with.

    Attributes:
        content: List of feature maps of the content picture.
        style: List of statistics of the style picture, those of every scale.
    """

    content: list
    style: list


class StyleTransferLoss(keras.losses.Loss):
    """Content loss, style loss and total variation of a picture, each weighted.

    As a loss of a model it takes pairs `(batch, 2, height, width, 3)` of content and style, and the pictures that were
    made of them, `(batch, height, width, 3)`, all in [0, 255]. Of a content picture that is its own style the picture
    itself is wanted: there the squared distance of pixels counts too.

    Maps are those of pictures with a reflected margin, which is cut off again: zeros that a network pads with would
    leave their mark along the borders.

    Args:
        features: `keras.Model` from pictures in [0, 255] to a list of maps; see
            `dlkeras.models.style.features.picture_features`.
        content: Indices of the maps that the content is compared by.
        content_weight: What the content loss is multiplied by, at least 0.
        style_weight: Likewise.
        variation_weight: Likewise; of pixels in [-1, 1].
        identity_weight: Likewise, of the distance of pixels of contents that are their own style.
        statistic: `"gram"` or `"moments"`.
        scales: At how many sizes the style is compared, each half of the one before.
        margin: Pixels; divisible by the stride of the coarsest map, and by that once more for each further scale.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        features,
        content=(-1,),
        content_weight=0.05,
        style_weight=1.0,
        variation_weight=0.1,
        identity_weight=0.0,
        statistic="gram",
        scales=2,
        margin=8,
        name="style_transfer_loss",
        **kwargs,
    ):
        weights = {
            "content": content_weight,
            "style": style_weight,
            "variation": variation_weight,
            "identity": identity_weight,
        }
        for key, weight in weights.items():
            if not weight >= 0:
                raise ValueError(f"`{key}_weight` must be at least 0. Received: {key}_weight={weight}")
        check_choice("statistic", statistic, STATISTICS)
        check_positive("scales", scales)
        super().__init__(name=name, **kwargs)
        self.features = features
        self.content = tuple(content)
        self.weights = weights
        self.scales = scales
        self.margin = margin
        self._statistics = gram_matrix if statistic == "gram" else moments
        self._strides = _strides(features)

    def targets(self, content, style):
        """Returns the `Targets` of contents and styles, each `(batch, height, width, 3)` in [0, 255]."""
        maps = self._maps(_padded(content, self.margin), self.margin)
        return Targets([maps[index] for index in self.content], self._style(_padded(style, self.margin)))

    def parts(self, pictures, targets):
        """Returns the parts of the loss of each picture, not weighted: `{name: (batch,)}`.

        Args:
            pictures: `(batch, height, width, 3)` in [0, 255].
            targets: `Targets`.
        """
        padded = _padded(pictures, self.margin)
        maps = self._maps(padded, self.margin)
        contents = [
            content_loss(maps[index], target) for index, target in zip(self.content, targets.content, strict=True)
        ]
        styles = self._style(padded, maps)
        styles = [style_loss(statistics, target) for statistics, target in zip(styles, targets.style, strict=True)]
        return {
            "content": sum(contents) / len(contents),
            "style": sum(styles) / len(styles),
            "variation": total_variation(pictures / 127.5),
        }

    def total(self, parts):
        """Returns the weighted sum of parts, `(batch,)`."""
        return sum(self.weights[name] * part for name, part in parts.items())

    def call(self, y_true, y_pred):
        """Gives the loss of each picture, `(batch,)`."""
        content, style = (ops.cast(y_true[:, index], y_pred.dtype) for index in range(2))
        targets = keras.tree.map_structure(ops.stop_gradient, self.targets(content, style))
        parts = self.parts(y_pred, targets)
        if self.weights["identity"]:
            is_same = ops.cast(ops.all(content == style, axis=(1, 2, 3)), y_pred.dtype)
            parts["identity"] = is_same * _mean(ops.square((y_pred - content) / 127.5))
        return self.total(parts)

    def _maps(self, padded, margin):
        """Returns the feature maps without the margin."""
        maps = self.features(padded, training=False)
        return [_without(part, margin // stride) for part, stride in zip(maps, self._strides, strict=True)]

    def _style(self, padded, maps=None):
        """Returns the statistics at every scale, from the maps at the first where they are known."""
        margin, found = self.margin, []
        for scale in range(self.scales):
            if scale:
                padded, margin, maps = ops.average_pool(padded, 2, strides=2, padding="valid"), margin // 2, None
            found += [self._statistics(part) for part in maps or self._maps(padded, margin)]
        return found


def _strides(features):
    """Returns how many times smaller than the picture each map is."""
    side = 256
    return [side // shape[1] for shape in features.compute_output_shape((1, side, side, 3))]


def _padded(pictures, margin):
    return ops.pad(pictures, [[0, 0], [margin, margin], [margin, margin], [0, 0]], mode="reflect")


def _without(maps, margin):
    return maps[:, margin:-margin, margin:-margin] if margin else maps


def _spatial_mean(maps):
    return ops.mean(maps, axis=(1, 2), keepdims=True)


def _mean(values):
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def _sum(values):
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))
