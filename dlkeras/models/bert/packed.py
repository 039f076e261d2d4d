"""What all networks on a BERT backbone begin with: texts as one array, `(batch, 2, length)`."""

import keras
from keras import ops

PADDING = 0


class OnBackbone(keras.Model):
    """A functional model on a `keras_hub.models.BertBackbone`, which is rebuilt from its arguments.

    Args:
        backbone: The backbone; shared, not copied.
        inputs: A `keras.Input`.
        outputs: What the graph gives for it.
        arguments: The other arguments of the subclass, by name; plain values.
        **kwargs: Of `keras.Model`, such as `name`.
    """

    def __init__(self, backbone, inputs, outputs, *, arguments, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.backbone = backbone
        self._arguments = dict(arguments)

    def get_config(self):
        backbone = keras.saving.serialize_keras_object(self.backbone)
        return {"backbone": backbone, **self._arguments, "name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "backbone": keras.saving.deserialize_keras_object(config["backbone"])})


def inputs_of(packed):
    """Returns the inputs of KerasHub's models for `(batch, 2 or more, length)`: ids, segments, and rows left out."""
    ids = packed[:, 0]
    return {
        "token_ids": ids,
        "segment_ids": packed[:, 1],
        "padding_mask": ops.cast(ops.not_equal(ids, PADDING), "int32"),
    }


def sequence_of(backbone, packed):
    """Calls a backbone on what `inputs_of` takes, for the vectors of all tokens: `(batch, length, width)`.

    Its pooling, which then has no part in any loss, is no longer trained.
    """
    backbone.pooled_dense.trainable = False
    return backbone(inputs_of(packed))["sequence_output"]


def read(backbone, packed):
    """Calls a backbone on what `inputs_of` takes.

    Returns:
        `(sequence, pooled)`: `(batch, length, width)`, and `(batch, width)` of the first token.
    """
    found = backbone(inputs_of(packed))
    return found["sequence_output"], found["pooled_output"]
