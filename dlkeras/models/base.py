"""What the models share: a functional model that is rebuilt from its arguments, and the checks of those."""

import keras


class ConfiguredModel(keras.Model):
    """A functional model whose config is the arguments that it was made with.

    Args:
        inputs: A `keras.Input`, or several.
        outputs: What the graph gives for them.
        arguments: The arguments of the subclass, by name; plain values.
        **kwargs: Of `keras.Model`, such as `name`.
    """

    def __init__(self, inputs, outputs, *, arguments, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self._arguments = dict(arguments)

    @property
    def features(self):
        """What the last layer sees, symbolic: `(batch, features)`, or `(batch, height, width, features)`."""
        return self.get_layer("logits").input

    def get_config(self):
        return {**self._arguments, "name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def scaled(filters, width):
    """Returns a number of channels times a factor, at least 8."""
    return max(int(filters * width), 8)


def check_num_classes(num_classes):
    """Refuses a number of classes below 1."""
    if num_classes < 1:
        raise ValueError(f"`num_classes` must be at least 1. Received: num_classes={num_classes}")


def check_choice(name, value, choices):
    """Refuses a value that is not among the choices."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(map(str, choices))}. Received: {name}={value!r}")


def check_positive(name, value):
    """Refuses a number that is not above 0."""
    if not value > 0:
        raise ValueError(f"`{name}` must be above 0. Received: {name}={value}")


def check_rate(name, value):
    """Refuses a dropout rate, or the like, outside of [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={value}")


def check_least_size(input_shape, least):
    """Refuses pictures that are smaller than `least` in height or width."""
    if min(input_shape[:2]) < least:
        raise ValueError(
            f"`input_shape` must be at least {least} x {least}. Received: input_shape={tuple(input_shape)}"
        )
