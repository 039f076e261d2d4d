import keras
import numpy as np
import pytest

from dlkeras.models.segmentation.unet import VARIANTS, UNet

SMALL = {"num_classes": 3, "input_shape": (10, 13, 3), "depth": 2, "width": 0.125}


def test_keeps_its_promises(harness):
    pictures = np.random.uniform(-1, 1, (2, 10, 13, 3)).astype("float32")
    arguments = {**SMALL, "batch_normalization": True}
    harness(UNet, arguments, inputs=pictures, output_shape=(2, 10, 13, 3), learning_rate=0.1)


def test_sides_of_any_length():
    """As if the picture had been padded with zeros by hand, and the answer cut."""
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 9, 13, 3)).astype("float32")
    model, padded = (UNet(**{**SMALL, "depth": 1, "input_shape": shape}) for shape in ((9, 13, 3), (10, 14, 3)))
    padded.set_weights(model.get_weights())
    expected = padded.predict(np.pad(picture, ((0, 0), (0, 1), (0, 1), (0, 0))), verbose=0)[:, :-1, :-1]
    np.testing.assert_allclose(model.predict(picture, verbose=0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX compiles every shape; nothing here is its own")
def test_as_large_as_the_papers():
    """23 convolutions, those of figure 1, with their biases."""
    down = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    up = [(1024, 512), (512, 512), (512, 256), (256, 256), (256, 128), (128, 128), (128, 64), (64, 64)]
    windows = [(9, *pair) for pair in [*down, (512, 1024), (1024, 1024), *up]]
    windows += [(4, 1024, 512), (4, 512, 256), (4, 256, 128), (4, 128, 64), (1, 64, 2)]
    kind, defaults = VARIANTS["unet"]
    model = kind(**defaults, num_classes=2, input_shape=(16, 16, 1))
    assert len(windows) == 23
    assert model.count_params() == sum((pixels * before + 1) * after for pixels, before, after in windows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"depth": 0}, "`depth` must be above 0. Received: depth=0"),
        ({"width": -1}, "`width` must be above 0. Received: width=-1"),
        ({"dropout": 1}, r"`dropout` must be in \[0, 1\). Received: dropout=1"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        UNet(**{**SMALL, **arguments})
