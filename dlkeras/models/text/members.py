"""Several classifiers that learn side by side, each by itself, and answer together (Hansen and Salamon, 1990)."""

import keras
from keras import ops

from dlkeras.checks import check_rate
from dlkeras.models.ensembles import Ensemble
from dlkeras.ops.probabilities import log_mean_probability


@keras.saving.register_keras_serializable(package="dlkeras")
class Members(Ensemble):
    """An `Ensemble` that is trained as one model: the loss is the mean of what it is for each member.

    The loss of the mean would teach each only what the others do not know yet, and they would be no better together.
    In training the logits are those of each member, `(batch, members, num_classes)`; else `(batch, num_classes)`.

    Args:
        models: Classifiers with the same input and the same classes that give logits; at least one.
        wide: Layer such as `NaiveBayes` that says of each word what it speaks for, or `None`. It has no part in the
            loss: beside what knows the training texts by their counts no member would learn much.
        share: Weight of `wide` in the answer, in [0, 1): a geometric mean of its probabilities and the members'.
        **kwargs: Of `keras.Model`, such as `name`.

    Raises:
        ValueError: There is no model, or `share` is out of its range.

    Source: Hansen and Salamon 1990, "Neural network ensembles".
    """

    def __init__(self, models, wide=None, share=0.0, **kwargs):
        check_rate("share", share)
        super().__init__(models, **kwargs)
        self.wide = wide
        self.share = share

    def call(self, inputs, training=False):
        logits = [model(inputs, training=training) for model in self.models]
        if training:
            return ops.stack(logits, axis=1)
        return self.join(logits, None if self.wide is None else self.wide(inputs))

    def join(self, logits, scores):
        """Joins what there is to an answer.

        Args:
            logits: A tensor `(batch, num_classes)` for each member.
            scores: What `wide` gives, `(batch, length, num_classes)`, or `None`.

        Returns:
            Logits `(batch, num_classes)`.
        """
        mean = log_mean_probability(ops.stack(logits, axis=1), axis=1)
        if scores is None:
            return mean
        return (1 - self.share) * mean + self.share * ops.cast(ops.sum(scores, axis=1), mean.dtype)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if len(y_pred.shape) == 2:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        members = ops.unstack(y_pred, axis=1)
        losses = [super(Members, self).compute_loss(x, y, member, sample_weight, training) for member in members]
        return sum(losses) / len(losses)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        y_pred = log_mean_probability(y_pred, axis=1) if len(y_pred.shape) == 3 else y_pred
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def get_config(self):
        wide = self.wide and keras.saving.serialize_keras_object(self.wide)
        return {**super().get_config(), "wide": wide, "share": self.share}

    @classmethod
    def from_config(cls, config):
        wide = config["wide"] and keras.saving.deserialize_keras_object(config["wide"])
        return super().from_config({**config, "wide": wide})


def members_of(model):
    """Returns the classifiers that a model consists of: its members, or itself."""
    return model.models if isinstance(model, Members) else [model]
