"""DeepFM (Guo et al. 2017, "DeepFM: A factorization-machine based neural network for CTR prediction").

Rows of categories, one a field, `(batch, fields)` in, logits of a click `(batch,)` out. The first field is the user,
the second the item; the others say what is known of the item.
"""

import keras
from keras import layers, ops

from dlkeras.checks import check_rate
from dlkeras.models.recommend.factorization_machine import pair_products
from dlkeras.models.recommend.fields import FieldEmbedding, FieldModel, check_fields
from dlkeras.models.recommend.parts import check_decay, check_sizes


@keras.saving.register_keras_serializable(package="dlkeras")
class DeepFM(FieldModel):
    """A factorization machine and a perceptron on the same vectors, their logits added up.

    Args:
        sizes: Number of categories of each field: users, items, and more.
        factors: Length of the vectors.
        widths: Of the perceptron's layers.
        decay: Weight of the squares of a row's vectors in its loss, at least 0; see `lookup`.
        dropout: Rate after each layer of the perceptron, in [0, 1).

    Raises:
        ValueError: A number is out of its range, or there are fewer than two fields.
    """

    def __init__(self, *, sizes=(943, 1682), factors=16, widths=(64, 64), decay=0.0, dropout=0.0, **kwargs):
        check_fields(sizes)
        check_sizes(factors=factors, **{f"widths[{number}]": width for number, width in enumerate(widths)})
        check_decay("decay", decay)
        check_rate("dropout", dropout)
        rows = keras.Input((len(sizes),), dtype="int32", name="rows")
        # Larger than of a factorization machine alone: the perceptron would see next to nothing.
        vectors = FieldEmbedding(sizes, factors, decay, stddev=0.1, name="vectors")(rows)
        biases = FieldEmbedding(sizes, 1, decay, stddev=0, name="biases")(rows)
        x = layers.Flatten(name="flatten")(vectors)
        for number, width in enumerate(widths, start=1):
            x = layers.Dense(width, "relu", name=f"dense{number}")(x)
            x = layers.Dropout(dropout, name=f"dropout{number}")(x)
        deep = layers.Dense(1, name="deep")(x)[:, 0]
        logits = ops.sum(biases, axis=(1, 2)) + pair_products(vectors) + deep
        outputs = layers.Activation("linear", dtype="float32", name="logits")(logits)
        arguments = {
            "sizes": list(sizes),
            "factors": factors,
            "widths": list(widths),
            "decay": decay,
            "dropout": dropout,
        }
        super().__init__(rows, outputs, arguments=arguments, **kwargs)


VARIANTS = {"deepfm": (DeepFM, {})}
