import keras
import numpy as np
import pytest

from dlkeras.models.segmentation.light import MobileUNet
from dlkeras.models.vision.mobilenet import MobileNetV1

SMALL = {"num_classes": 3, "input_shape": (32, 42, 3), "width": 0.125, "decoder_filters": (8, 8)}


def test_keeps_its_promises(harness):
    pictures = np.random.uniform(-1, 1, (2, 32, 42, 3)).astype("float32")
    harness(MobileUNet, SMALL, inputs=pictures, output_shape=(2, 32, 42, 3))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX compiles every shape; nothing here is its own")
def test_weights_of_a_classifier_fit_by_name():
    classifier = MobileNetV1(num_classes=5, input_shape=(64, 64, 3), width=0.125, stem="large")
    encoder = MobileUNet(**SMALL).get_layer("backbone")
    with_weights = [layer for layer in encoder.layers if layer.weights]
    names = [layer.name for layer in classifier.layers if layer.weights]
    assert [layer.name for layer in with_weights] == names[:-1] and names[-1] == "logits"
    for layer in with_weights:
        layer.set_weights(classifier.get_layer(layer.name).get_weights())


def test_five_steps_end_at_the_picture_itself():
    model = MobileUNet(**{**SMALL, "decoder_filters": (8, 8, 8, 8, 8)})
    shapes = [model.get_layer(f"up{step}_join").output.shape[1:3] for step in range(5)]
    assert shapes == [(2, 3), (4, 6), (8, 11), (16, 21), (32, 42)]
    assert model.get_layer("up4_join").output.shape[-1] == 8 + 3
    answer = model.predict(np.zeros((1, 32, 42, 3), "float32"), verbose=0)
    assert answer.shape == (1, 32, 42, 3) and np.isfinite(answer).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"width": 0}, "`width` must be above 0. Received: width=0"),
        ({"dropout": 1}, r"`dropout` must be in \[0, 1\). Received: dropout=1"),
        ({"input_shape": (31, 64, 3)}, r"`input_shape` must be at least 32 x 32. Received: input_shape=\(31, 64, 3\)"),
        ({"decoder_filters": ()}, r"`decoder_filters` must have 1 to 5 entries. Received: decoder_filters=\(\)"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        MobileUNet(**{**SMALL, **arguments})
