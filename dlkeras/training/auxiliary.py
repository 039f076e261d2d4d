"""Training with losses at several depths of a network."""

import copy

import keras


@keras.saving.register_keras_serializable(package="dlkeras")
class DeeplySupervised(keras.Model):
    """Trains a network by its logits and by those of auxiliary heads, and answers with its logits alone.

    The compiled loss is that of the logits plus `weight` times that of each auxiliary output, all to the same targets.
    Out of training there is the loss of the logits alone, and metrics see nothing else at any time. The call gives the
    logits; with `training=True`, everything that the network gives.

    Args:
        network: Functional `keras.Model` that gives `[logits, *auxiliary logits]`, of which all have one shape.
        weight: Factor on the loss of each auxiliary output, at least 0.
        **kwargs: Of `keras.Model`, such as `name`.

    Raises:
        ValueError: `network` has a single output, or `weight` is below 0.

    Source: Szegedy et al. 2014, "Going deeper with convolutions", section 5; Lee et al. 2014, "Deeply-supervised nets".
    """

    def __init__(self, network, weight=0.3, **kwargs):
        if len(network.outputs) < 2:
            raise ValueError(
                f"`network` must have auxiliary outputs after its logits. Received: {len(network.outputs)} output"
            )
        if weight < 0:
            raise ValueError(f"`weight` must be at least 0. Received: weight={weight}")
        super().__init__(**kwargs)
        self.network = network
        self.weight = weight
        self.built = True  # as the network is; weights can be loaded before the first call

    def call(self, inputs, training=False):
        outputs = self.network(inputs, training=training)
        return outputs if training else outputs[0]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        logits, auxiliary = _split(y_pred)
        loss = super().compute_loss(x, y, logits, sample_weight, training)
        # Not by `compute_loss` again, which adds the penalties on weights each time.
        return loss + sum(self.weight * self._compile_loss(y, output, sample_weight) for output in auxiliary)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        logits, _ = _split(y_pred)
        return super().compute_metrics(x, y, logits, sample_weight)

    def get_config(self):
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "weight": self.weight,
        }

    @classmethod
    def from_config(cls, config):
        # Keras empties the config of a functional model as it reads it.
        network = keras.saving.deserialize_keras_object(copy.deepcopy(config["network"]))
        return cls(**{**config, "network": network})


def _split(outputs):
    """Returns the logits and a list of auxiliary outputs, which is empty out of training."""
    return (outputs[0], outputs[1:]) if isinstance(outputs, list | tuple) else (outputs, [])
