"""Factorization machine (Rendle 2010, "Factorization machines").

Rows of categories, one a field, `(batch, fields)` in, ratings `(batch,)` out. The first field is the user, the second
the item; the others say what is known of the item.
"""

import keras
import numpy as np
from keras import ops

from dlkeras.models.recommend.fields import FieldEmbedding, FieldModel, check_fields
from dlkeras.models.recommend.matrix_factorization import Mean
from dlkeras.models.recommend.parts import check_decay, check_sizes


def pair_products(vectors):
    """Returns the sum of the products of every two fields' vectors, as half of `(sum)^2 - sum of squares`.

    Args:
        vectors: `(batch, fields, factors)`.

    Returns:
        `(batch,)`, in a time that grows with the number of fields, not of pairs.

    Source: Rendle 2010, "Factorization machines", lemma 3.1.
    """
    squares = ops.square(ops.sum(vectors, axis=1)) - ops.sum(ops.square(vectors), axis=1)
    return 0.5 * ops.sum(squares, axis=-1)


@keras.saving.register_keras_serializable(package="dlkeras")
class FactorizationMachine(FieldModel):
    """Rates by the mean, a bias of each category and the products of every two categories' vectors.

    Args:
        sizes: Number of categories of each field: users, items, and more.
        factors: Length of the vectors.
        decay: Weight of the squares of a row's vectors in its loss, at least 0; see `lookup`.
        bias_decay: The same of biases.

    Raises:
        ValueError: A number is out of its range, or there are fewer than two fields.
    """

    def __init__(self, *, sizes=(943, 1682), factors=64, decay=0.0, bias_decay=0.0, **kwargs):
        check_fields(sizes)
        check_sizes(factors=factors)
        check_decay("decay", decay)
        check_decay("bias_decay", bias_decay)
        rows = keras.Input((len(sizes),), dtype="int32", name="rows")
        vectors = FieldEmbedding(sizes, factors, decay, name="vectors")(rows)
        biases = FieldEmbedding(sizes, 1, bias_decay, stddev=0, name="biases")(rows)
        ratings = ops.sum(biases, axis=(1, 2)) + pair_products(vectors)
        outputs = Mean(dtype="float32", name="mean")(ratings)
        arguments = {"sizes": list(sizes), "factors": factors, "decay": decay, "bias_decay": bias_decay}
        super().__init__(rows, outputs, arguments=arguments, **kwargs)

    def center(self, ratings):
        """Takes the mean of ratings, array `(ratings,)`, which is not trained; before training."""
        self.get_layer("mean").mean.assign(float(np.mean(ratings)))


VARIANTS = {"factorization_machine": (FactorizationMachine, {})}
