"""Answers averaged: of one classifier over ten crops of a picture, and of several classifiers.

Both give the logarithm of the mean probability. Those are logits whose softmax is the mean, so that an ensemble stands
wherever a classifier does.
"""

import copy

import keras
from keras import ops

from dlkeras.ops.probabilities import log_mean_probability


def ten_crop(pictures, size):
    """Cuts the four corners and the centre out of pictures, and mirrors them.

    Args:
        pictures: Tensor `(batch, height, width, channels)`, at least `size` high and wide; these may be unknown.
        size: Height and width of a crop, in pixels.

    Returns:
        Tensor `(batch, 10, *size, channels)`: top left, top right, bottom left, bottom right, centre; these mirrored.

    Raises:
        ValueError: The pictures are known to be smaller than `size`.

    Source: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", section 4.1.
    """
    shape = tuple(pictures.shape)
    if any(side is not None and side < crop for side, crop in zip(shape[1:3], size, strict=True)):
        raise ValueError(f"`pictures` must be at least {size[0]} x {size[1]}. Received: shape={shape}")
    bottom, right = (side - crop for side, crop in zip(ops.shape(pictures)[1:3], size, strict=True))
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    crops = ops.stack([pictures[:, y : y + size[0], x : x + size[1]] for y, x in corners], axis=1)
    crops = ops.concatenate([crops, ops.flip(crops, axis=3)], axis=1)
    return ops.reshape(crops, (-1, 10, *size, shape[-1]))  # slices lose the sizes where they are unknown


@keras.saving.register_keras_serializable(package="dlkeras")
class TenCrop(keras.Model):
    """A classifier that looks at ten crops of a picture, in one pass, and averages the probabilities.

    Takes pictures `(batch, height, width, channels)` of any size from `size` on; gives logits `(batch, num_classes)`.

    Args:
        model: Classifier of pictures `(batch, *size, channels)` that gives logits.
        size: Height and width of a crop, in pixels; those that `model` was trained with.
        **kwargs: Of `keras.Model`, such as `name`.
    """

    def __init__(self, model, size, **kwargs):
        super().__init__(**kwargs)
        self.model = model
        self.size = tuple(size)
        self.built = True  # as the model is; weights can be loaded before the first call

    def call(self, inputs, training=False):
        crops = ten_crop(inputs, self.size)  # (batch, 10, *size, channels)
        logits = self.model(ops.reshape(crops, (-1, *crops.shape[2:])), training=training)
        return log_mean_probability(ops.reshape(logits, (-1, 10, logits.shape[-1])), axis=1)

    def get_config(self):
        return {
            **super().get_config(),
            "model": keras.saving.serialize_keras_object(self.model),
            "size": self.size,
        }

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "model": _read_model(config["model"])})


@keras.saving.register_keras_serializable(package="dlkeras")
class Ensemble(keras.Model):
    """Several classifiers that look at the same input, their probabilities averaged.

    Gives logits `(batch, num_classes)`.

    Args:
        models: Classifiers with the same input and the same classes that give logits; at least one.
        **kwargs: Of `keras.Model`, such as `name`.

    Raises:
        ValueError: There is no model.
    """

    def __init__(self, models, **kwargs):
        if not models:
            raise ValueError("`models` must be at least one. Received: models=[]")
        super().__init__(**kwargs)
        self.models = list(models)
        self.built = True  # as the models are; weights can be loaded before the first call

    def call(self, inputs, training=False):
        logits = ops.stack([model(inputs, training=training) for model in self.models], axis=1)
        return log_mean_probability(logits, axis=1)  # of (batch, models, num_classes)

    def get_config(self):
        models = [keras.saving.serialize_keras_object(model) for model in self.models]
        return {**super().get_config(), "models": models}

    @classmethod
    def from_config(cls, config):
        models = [_read_model(model) for model in config["models"]]
        return cls(**{**config, "models": models})


def _read_model(config):
    return keras.saving.deserialize_keras_object(copy.deepcopy(config))  # Keras empties a functional model's config
