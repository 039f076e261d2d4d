"""Loss of what users will choose, by itself: without the penalties on weights that Keras adds to a loss it shows."""

import keras

from dlkeras.losses.ranking import MultinomialLoss


@keras.saving.register_keras_serializable(package="dlkeras")
class HistoryLoss(keras.metrics.MeanMetricWrapper):
    """Mean of `dlkeras.losses.MultinomialLoss` over users; counts and logits `(batch, items)`."""

    def __init__(self, name="history_loss", dtype=None):
        super().__init__(MultinomialLoss().call, name=name, dtype=dtype)

    def get_config(self):
        return {"name": self.name, "dtype": self.dtype}
