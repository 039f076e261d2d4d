import keras
import numpy as np
import pytest
from keras import ops

from dlkeras.losses import MaskedCrossEntropy
from dlkeras.metrics.sequences import Perplexity, TokenAccuracy, TokenLoss

LOGITS = np.random.default_rng(0).normal(size=(2, 3, 5)).astype("float32")
IDS = np.array([[1, 4, 2], [3, 0, 0]], "int32")
LOGS = LOGITS - np.log(np.exp(LOGITS).sum(axis=-1, keepdims=True))
RIGHT = [LOGS[0, 0, 1], LOGS[0, 1, 4], LOGS[0, 2, 2], LOGS[1, 0, 3]]


def test_padding_does_not_count():
    np.testing.assert_allclose(MaskedCrossEntropy()(IDS, LOGITS), -np.mean(RIGHT), rtol=1e-6)
    assert float(MaskedCrossEntropy()(np.zeros_like(IDS), LOGITS)) == 0.0


def test_smoothing_by_hand():
    spread = LOGS[[0, 0, 0, 1], [0, 1, 2, 0]].mean(axis=-1)
    expected = -np.mean(0.9 * np.array(RIGHT) + 0.1 * spread)
    np.testing.assert_allclose(MaskedCrossEntropy(0.1)(IDS, LOGITS), expected, rtol=1e-6)


def test_smoothing_is_that_of_keras_where_nothing_is_padding():
    ids = np.maximum(IDS, 1)
    keras_loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    expected = keras_loss(ops.one_hot(ids, 5), LOGITS)
    np.testing.assert_allclose(MaskedCrossEntropy(0.2)(ids, LOGITS), expected, rtol=1e-6)


def test_metrics_weigh_tokens_not_batches():
    loss, perplexity, accuracy = TokenLoss(), Perplexity(), TokenAccuracy()
    for metric in (loss, perplexity, accuracy):
        for row in range(2):
            metric.update_state(IDS[row : row + 1], LOGITS[row : row + 1])
    np.testing.assert_allclose(loss.result(), -np.mean(RIGHT), rtol=1e-6)
    np.testing.assert_allclose(perplexity.result(), np.exp(-np.mean(RIGHT)), rtol=1e-6)
    right = LOGITS.argmax(axis=-1) == IDS
    np.testing.assert_allclose(accuracy.result(), right[IDS > 0].mean(), rtol=1e-6)


def test_config_and_refusal():
    loss = keras.losses.deserialize(keras.losses.serialize(MaskedCrossEntropy(0.1)))
    assert loss.label_smoothing == 0.1
    with pytest.raises(ValueError, match=r"`label_smoothing` must be in \[0, 1\). Received: label_smoothing=1"):
        MaskedCrossEntropy(1)
