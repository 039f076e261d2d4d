"""The loss of histories is the loss without penalties, over all users of all batches."""

import keras
import numpy as np
from keras import layers

from dlkeras.losses import MultinomialLoss
from dlkeras.metrics import HistoryLoss


def test_it_is_the_loss_without_penalties():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.5))])
    model.compile("sgd", MultinomialLoss(), metrics=[HistoryLoss()])
    seen = np.random.default_rng(0).integers(0, 2, (5, 4)).astype("float32")
    figures = model.evaluate(seen, seen, batch_size=2, verbose=0, return_dict=True)
    probabilities = np.exp(model.predict(seen, verbose=0))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    expected = -(seen * np.log(probabilities)).sum(axis=1).mean()
    np.testing.assert_allclose(figures["history_loss"], expected, rtol=1e-5)
    assert figures["loss"] > figures["history_loss"] + 0.01


def test_it_comes_back_from_its_config():
    metric = HistoryLoss(name="chosen")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    again.update_state(np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]]))
    np.testing.assert_allclose(float(again.result()), np.log(2), rtol=1e-5)
    assert again.name == "chosen"
