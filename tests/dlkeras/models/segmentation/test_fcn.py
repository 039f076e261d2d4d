import keras
import numpy as np
import pytest
from keras import layers

from dlkeras.models.segmentation.fcn import FCN, VARIANTS, BilinearInitializer

NAMES = ["an_eighth", "a_sixteenth", "a_32nd"]


def backbone(shape=(20, 40, 3), filters=8, padding="same"):
    """Maps of an eighth, a 16th and a 32nd of the picture."""
    x = inputs = keras.Input(shape)
    for name, strides in zip(NAMES, (8, 2, 2), strict=True):
        x = layers.Conv2D(filters, strides, strides=strides, padding=padding, activation="relu", name=name)(x)
    return keras.Model(inputs, x)


def arguments(**others):
    return {"num_classes": 4, "input_shape": (20, 40, 3), "backbone": backbone(), "levels": NAMES, **others}


@pytest.mark.parametrize("factor", [2, 8])
def test_starts_as_bilinear_resizing(factor):
    maps = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    enlarge = layers.Conv2DTranspose(
        3, 2 * factor, strides=factor, padding="same", kernel_initializer=BilinearInitializer()
    )
    expected = keras.ops.image.resize(maps, (5 * factor, 6 * factor), "bilinear", data_format="channels_last")
    inside = slice(factor, -factor)
    found = keras.ops.convert_to_numpy(enlarge(maps))
    assert found.shape == expected.shape
    np.testing.assert_allclose(
        found[:, inside, inside], keras.ops.convert_to_numpy(expected)[:, inside, inside], rtol=1e-4, atol=1e-5
    )


def test_keeps_its_promises(harness):
    pictures = np.random.uniform(-1, 1, (2, 20, 40, 3)).astype("float32")
    harness(FCN, arguments(head_filters=(8, 8)), inputs=pictures, output_shape=(2, 20, 40, 4), learning_rate=0.1)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_answers_lie_where_the_picture_says(levels):
    """A picture of sides that no map divides, dark to the left of column 32 and above row 32, bright elsewhere."""
    shape = (84, 120, 1)
    x = inputs = keras.Input(shape)
    for name in ("a_half", "a_fourth", *NAMES):
        x = layers.AveragePooling2D(2, padding="same", name=name)(x)
    model = FCN(num_classes=1, input_shape=shape, backbone=keras.Model(inputs, x), levels=NAMES[3 - levels :])
    for layer in model.layers:
        if layer.name.startswith("logits"):
            layer.set_weights([np.full((1, 1, 1, 1), 1 / levels), np.zeros(1)])
    pictures = np.ones((2, *shape), "float32")
    pictures[0, :32] = pictures[0, :, :32] = 0
    answer, all_bright = keras.ops.convert_to_numpy(model(pictures))[..., 0]
    assert answer.shape == shape[:2]
    answer /= all_bright  # scores fall off at the picture's border, beyond which is nothing
    assert answer[70, 31] < 0.5 < answer[70, 32] and answer[31, 100] < 0.5 < answer[32, 100]
    np.testing.assert_allclose([answer[70, 31] + answer[70, 32], answer[31, 100] + answer[32, 100]], 1, atol=1e-3)
    assert answer[4, 4] == pytest.approx(0, abs=1e-4) and answer[70, 100] == pytest.approx(1)


def test_only_finer_levels_add_scores():
    x = np.random.default_rng(0).uniform(-1, 1, (1, 20, 40, 3)).astype("float32")
    model = FCN(**arguments())
    before = keras.ops.convert_to_numpy(model(x))
    model.get_layer("logits_0").set_weights([np.ones((1, 1, 8, 4)), np.zeros(4)])
    assert np.abs(keras.ops.convert_to_numpy(model(x)) - before).max() > 0.01
    assert not [layer.name for layer in FCN(**arguments(levels=NAMES[2:])).layers if layer.name.startswith("logits_")]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX compiles every shape; nothing here is its own")
def test_named_sizes():
    kind, defaults = VARIANTS["fcn16s_mini"]
    model = kind(**defaults, num_classes=3, input_shape=(48, 72, 3))
    assert model.output_shape == (None, 48, 72, 3) and len(model.get_config()["levels"]) == 2
    assert {name[:5] for name in VARIANTS} == {"fcn32", "fcn16", "fcn8s"} and len(VARIANTS) == 9


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"dropout": 1}, r"`dropout` must be in \[0, 1\). Received: dropout=1"),
        ({"levels": ["no"]}, r"`levels` must be names of feature maps of .*Received: \['no'\]"),
    ],
)
def test_refuses(others, message):
    with pytest.raises(ValueError, match=message):
        FCN(**arguments(**others))


def test_refuses_maps_that_leave_part_of_the_picture_out():
    with pytest.raises(ValueError, match=r"power of two and rounded up. Received: 2 x 3 after 5 x 7"):
        FCN(**arguments(input_shape=(40, 56, 3), backbone=backbone((40, 56, 3), padding="valid")))
