"""What models of rows of fields share: rows of one category a field, and how they are made of users and items."""

import keras
import numpy as np
from keras import layers, ops

from dlkeras.models.base import ConfiguredModel
from dlkeras.models.recommend.parts import lookup


@keras.saving.register_keras_serializable(package="dlkeras")
class FieldEmbedding(layers.Layer):
    """Looks up the categories of all fields in one table; `(batch, fields)` in, `(batch, fields, width)` out.

    Args:
        sizes: Number of categories of each field.
        width: Length of a vector.
        decay: See `lookup`.
        stddev: See `lookup`.
    """

    def __init__(self, sizes, width, decay=0.0, stddev=0.01, **kwargs):
        super().__init__(**kwargs)
        self.sizes, self.width, self.decay, self.stddev = list(sizes), width, decay, stddev
        self.table = lookup(sum(sizes), width, decay, stddev, name="table")
        self.offsets = np.cumsum([0, *sizes[:-1]]).astype("int32")

    def build(self, input_shape):
        self.table.build(input_shape)

    def call(self, rows):
        return self.table(rows + self.offsets)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.width)

    def get_config(self):
        config = {"sizes": self.sizes, "width": self.width, "decay": self.decay, "stddev": self.stddev}
        return {**super().get_config(), **config}


class FieldModel(ConfiguredModel):
    """A model of rows `[user, item, what is known of the item...]`, one number `(batch,)` a row.

    Args:
        inputs: Of the graph, `(batch, fields)`.
        outputs: Of the graph, `(batch,)`.
        arguments: With `sizes`, the number of categories of each field.
        **kwargs: Of `ConfiguredModel`.
    """

    def __init__(self, inputs, outputs, *, arguments, **kwargs):
        super().__init__(inputs, outputs, arguments=arguments, **kwargs)
        self.items = ItemFields(arguments["sizes"][1], len(arguments["sizes"]) - 1, name="item_fields")
        self.items.build()

    def read(self, fields):
        """Takes what is known of every item, for `score_all`; needed where there are more fields than two.

        Args:
            fields: int32 `(items, fields - 2)`: the categories of each item, in the order of the fields.
        """
        items = np.arange(len(fields), dtype="int32")[:, None]
        self.items.rows.assign(np.concatenate([items, fields], axis=1))

    def score_all(self, users):
        """Returns what the model says of every item, float32 `(batch, items)`, by users `(batch,)`."""
        rows, batch = self.items.rows, ops.shape(users)[0]
        count = rows.shape[0]
        users = ops.repeat(ops.cast(users, "int32"), count)[:, None]
        pairs = ops.concatenate([users, ops.tile(rows, (batch, 1))], axis=1)
        return ops.reshape(self(pairs, training=False), (batch, count))

    def item_vectors(self):
        """Returns the items' vectors, `(items, factors)`: the sums of those of all their fields."""
        layer = self.get_layer("vectors")
        return ops.sum(ops.take(layer.table.embeddings, self.items.rows + layer.offsets[1:], axis=0), axis=1)


@keras.saving.register_keras_serializable(package="dlkeras")
class ItemFields(layers.Layer):
    """Keeps the fields of every item, `rows` `(items, fields)`, of which the first is the item's number.

    Args:
        num_items: Number of items.
        fields: Number of fields.
    """

    def __init__(self, num_items, fields, **kwargs):
        super().__init__(**kwargs)
        self.num_items, self.fields = num_items, fields

    def build(self, input_shape=None):
        shape = (self.num_items, self.fields)
        self.rows = self.add_weight(shape, "zeros", dtype="int32", trainable=False, name="rows")
        self.rows.assign(np.arange(self.num_items, dtype="int32")[:, None] * (np.arange(self.fields) == 0))

    def get_config(self):
        return {**super().get_config(), "num_items": self.num_items, "fields": self.fields}


def check_fields(sizes):
    """Refuses sizes of fields that are fewer than two, for users and items, or not above 0."""
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"`sizes` must be numbers above 0, two or more. Received: sizes={list(sizes)}")
