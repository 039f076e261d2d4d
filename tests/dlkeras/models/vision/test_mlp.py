import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.models.vision.mlp import MLP


def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (4, 6, 5, 2)).astype("float32")
    arguments = {"num_classes": 5, "input_shape": (6, 5, 2), "hidden_units": (16, 8), "dropout": 0.0}
    harness(MLP, arguments, inputs=inputs, output_shape=(4, 5))


def test_has_the_textbook_parameters():
    by_hand = (784 + 1) * 256 + (256 + 1) * 256 + (256 + 1) * 10
    assert models.create("mlp").count_params() == by_hand == 269_322


def test_agrees_with_numpy():
    model = MLP(num_classes=3, input_shape=(4, 5, 2), hidden_units=(8, 6, 7), activation="tanh", dropout=0.3)
    weights = [np.random.normal(size=weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    pictures = np.random.normal(size=(2, 4, 5, 2)).astype("float32")

    x = pictures.reshape(2, -1)
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = np.tanh(x @ kernel + bias)
    logits = keras.ops.convert_to_numpy(model(pictures, training=False))
    np.testing.assert_allclose(logits, x @ weights[-2] + weights[-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("dropout", "rates"), [((0.2, 0.5), [0.2, 0.5]), (0.3, [0.3, 0.3]), ((0.0, 0.4), [0.4]), (0, [])]
)
def test_dropout_follows_each_hidden_layer(dropout, rates):
    model = MLP.from_config(MLP(dropout=dropout).get_config())
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == rates


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"hidden_units": (8, 0)}, "`hidden_units` must be above 0. Received: hidden_units=0"),
        ({"dropout": 1}, "`dropout` must be in [0, 1). Received: dropout=1"),
        ({"dropout": (0.1, -0.5)}, "`dropout` must be in [0, 1). Received: dropout=-0.5"),
        (
            {"dropout": (0.1, 0.2, 0.3)},
            "`dropout` must be one rate, or one for each of `hidden_units`. "
            "Received: dropout=(0.1, 0.2, 0.3), hidden_units=(256, 256)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        MLP(**arguments)
    assert str(error.value) == message
