"""Losses of recommendation: of pairs of items, of one item among drawn ones, and of ratings that are partly unknown.

Those of pairs and of drawn items take scores `(batch, candidates)`: of an item that the user has seen, in the first
column, and of others that were drawn. The targets, 0 for the place of the seen item, are not looked at.
"""

import keras
from keras import ops

from dlkeras.checks import check_positive


@keras.saving.register_keras_serializable(package="dlkeras")
class BPRLoss(keras.losses.Loss):
    """Minus the log of the probability that the seen item is before a drawn one, the mean over the drawn ones.

    Source: Rendle et al. 2009, "BPR: Bayesian personalized ranking from implicit feedback".
    """

    def __init__(self, name="bpr_loss", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Gives the loss of each row, `(batch,)`."""
        return ops.mean(ops.softplus(-_leads(y_pred)), axis=-1)


@keras.saving.register_keras_serializable(package="dlkeras")
class RankingHingeLoss(keras.losses.Loss):
    """How much of a margin the seen item's score lacks over a drawn one's, the mean over the drawn ones.

    Args:
        margin: By how much the seen item must lead, above 0.

    Raises:
        ValueError: `margin` is not above 0.

    Source: Herbrich et al. 2000, "Large margin rank boundaries for ordinal regression".
    """

    def __init__(self, margin=1.0, name="ranking_hinge_loss", **kwargs):
        check_positive("margin", margin)
        super().__init__(name=name, **kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        """Gives the loss of each row, `(batch,)`."""
        return ops.mean(ops.relu(self.margin - _leads(y_pred)), axis=-1)

    def get_config(self):
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="dlkeras")
class SampledSoftmaxLoss(keras.losses.Loss):
    """Cross-entropy of the seen item among the drawn ones.

    Args:
        num_items: Number of items that the others are drawn from, each as likely. Each drawn one then stands for its
            share of all the items but the seen one, so that the loss is an estimate of the softmax over all of them.
            `None` for the softmax over the candidates alone.

    Raises:
        ValueError: `num_items` is below 2.

    Source: Jean et al. 2015, "On using very large target vocabulary for neural machine translation".
    """

    def __init__(self, num_items=None, name="sampled_softmax_loss", **kwargs):
        if num_items is not None and num_items < 2:
            raise ValueError(f"`num_items` must be at least 2, or None. Received: num_items={num_items}")
        super().__init__(name=name, **kwargs)
        self.num_items = num_items

    def call(self, y_true, y_pred):
        """Gives the loss of each row, `(batch,)`."""
        leads = _leads(y_pred)
        if self.num_items is not None:
            leads = leads - ops.log((self.num_items - 1) / ops.cast(ops.shape(leads)[1], leads.dtype))
        return ops.softplus(ops.logsumexp(-leads, axis=-1))

    def get_config(self):
        return {**super().get_config(), "num_items": self.num_items}


@keras.saving.register_keras_serializable(package="dlkeras")
class MultinomialLoss(keras.losses.Loss):
    """Minus the log of the probabilities of all items that were seen, the sum over them.

    Takes counts `(batch, items)`, 0 for what was not seen, and logits of the same shape. Keras's categorical
    cross-entropy is not this: on TensorFlow its gradient is right only where the targets of a row sum up to 1.

    Source: Liang et al. 2018, "Variational autoencoders for collaborative filtering", section 2.2.
    """

    def __init__(self, name="multinomial_loss", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Gives the loss of each row, `(batch,)`."""
        return -ops.sum(y_true * ops.log_softmax(ops.cast(y_pred, "float32")), axis=-1)


@keras.saving.register_keras_serializable(package="dlkeras")
class KnownRatingsLoss(keras.losses.Loss):
    """Squared error of the ratings that are known, the mean over those of a batch.

    Takes ratings `(batch, width)`, above 0 where they are known, and what was predicted, of the same shape.

    Source: Sedhain et al. 2015, "AutoRec: Autoencoders meet collaborative filtering".
    """

    def __init__(self, name="known_ratings_loss", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        """Gives what has the mean over the known ratings as its mean, `(batch, width)`."""
        known = ops.cast(ops.greater(y_true, 0), y_pred.dtype)
        # Keras takes the mean of all places, so those that count are made to weigh for the others.
        return ops.square(y_pred - y_true) * known / ops.maximum(ops.mean(known), keras.config.epsilon())


def _leads(scores):
    """Returns by how much the seen item's score is above each drawn one's, float32 `(batch, candidates - 1)`."""
    scores = ops.cast(scores, "float32")
    return scores[:, :1] - scores[:, 1:]
