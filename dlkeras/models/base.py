"""What the models share: a functional model that is rebuilt from its arguments, and numbers of channels."""

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


def divisible(filters, divisor=8):
    """Rounds a number of channels to a multiple of `divisor`, never down by more than a tenth."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded
