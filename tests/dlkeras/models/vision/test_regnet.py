import warnings

import keras
import numpy as np
import pytest
from scipy.signal import correlate
from scipy.special import expit

from dlkeras import models
from dlkeras.models.vision.regnet import VARIANTS, AnyNet, quantized_stages

TINY = {"stage_depths": (1, 2), "stage_widths": (8, 16), "group_widths": (4, 4), "stem_filters": 8, "num_classes": 5}
LARGE = {"stem": "large", "bottleneck_ratio": 2.0, "squeeze_ratio": 1.0}
# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")


@pytest.mark.parametrize("form", [{"input_shape": (8, 12, 3)}, {"input_shape": (16, 24, 3), **LARGE}])
def test_harness(harness, form):
    inputs = np.random.uniform(-1, 1, (4, *form["input_shape"])).astype("float32")
    harness(AnyNet, {**TINY, **form}, inputs=inputs, output_shape=(4, 5))


@pytest.mark.parametrize(
    ("name", "depths", "widths"),
    # As the paper's lists of its best models have them.
    [
        ("regnet_x_800mf", (1, 3, 7, 5), (64, 128, 288, 672)),
        ("regnet_x_1_6gf", (2, 4, 10, 2), (72, 168, 408, 912)),
        ("regnet_y_400mf", (1, 3, 6, 6), (48, 104, 208, 440)),
    ],
)
def test_widths_follow_the_papers_rule(name, depths, widths):
    arguments = VARIANTS[name][1]
    assert (arguments["stage_depths"], arguments["stage_widths"]) == (depths, widths)


def test_a_stage_narrower_than_a_group_is_one_group():
    assert quantized_stages(3, 8, 0.1, 2.0, 16) == {"stage_depths": (3,), "stage_widths": (8,), "group_widths": (8,)}


@pytest.mark.parametrize(
    ("name", "torchvision"),
    [
        ("regnet_x_400mf", 5_495_976),
        ("regnet_x_800mf", 7_259_656),
        ("regnet_x_1_6gf", 9_190_136),
        ("regnet_y_400mf", 4_344_144),
        ("regnet_y_800mf", 6_432_512),
        ("regnet_y_1_6gf", 11_202_430),
    ],
)
def test_has_torchvisions_parameters(name, torchvision):
    assert _count(**VARIANTS[name][1], num_classes=1000) == torchvision


@COUNTS
@pytest.mark.parametrize("form", [{}, {"squeeze_ratio": 0.25, "stem": "large"}])
def test_parameters_are_counted_right(form):
    arguments = {**TINY, **form, "input_shape": (32, 32, 3)}
    trainable = AnyNet(**arguments).trainable_variables
    assert sum(int(np.prod(weight.shape)) for weight in trainable) == _count(**arguments)


def _count(
    input_shape, stage_depths, stage_widths, group_widths, stem_filters, num_classes, squeeze_ratio=0.0, stem="small"
):
    """Counts by hand, with a scale and a shift for each channel that is normalized."""
    channels = stem_filters
    count = (9 * input_shape[2] + 2) * stem_filters
    for stage, (depth, width, group_width) in enumerate(zip(stage_depths, stage_widths, group_widths, strict=True)):
        for block in range(depth):
            strided = block == 0 and (stage > 0 or stem == "large")
            count += (channels + 2) * width + (9 * group_width + 2) * width + (width + 2) * width
            squeezed = round(squeeze_ratio * channels)
            count += (width + 1) * squeezed + (squeezed + 1) * width if squeezed else 0
            count += (channels + 2) * width if strided or channels != width else 0
            channels = width
    return count + (channels + 1) * num_classes


def test_agrees_with_scipy():
    model = AnyNet(**TINY, input_shape=(7, 10, 3), squeeze_ratio=0.5)  # padding must be alike on both sides
    _randomize(model)
    picture = np.random.normal(size=(7, 10, 3)).astype("float32")

    x = _unit(model, "stem", picture)
    for name, groups, strides in (("stage1_block1", 2, 1), ("stage2_block1", 4, 2), ("stage2_block2", 4, 1)):
        y = _unit(model, f"{name}_conv2", _unit(model, f"{name}_conv1", x), groups, strides)
        y = _squeeze(model, f"{name}_se", y)
        y = _normalize(model, f"{name}_bn", _convolve(model, f"{name}_conv3", y))
        if strides > 1:
            x = _normalize(model, f"{name}_shortcut_bn", _convolve(model, f"{name}_shortcut", x, 1, strides))
        x = np.maximum(x + y, 0)
    kernel, bias = model.get_layer("logits").get_weights()
    logits = keras.ops.convert_to_numpy(model(picture[None], training=False))[0]
    np.testing.assert_allclose(logits, x.mean((0, 1)) @ kernel + bias, rtol=1e-3, atol=1e-4)


def _randomize(model):
    # Positive everywhere, for variances; kernels do not mind after the normalisation.
    model.set_weights([np.random.uniform(0.5, 1.5, weight.shape) for weight in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.set_weights([np.random.normal(scale=0.3, size=weight.shape) for weight in layer.get_weights()])


def _unit(model, name, x, groups=1, strides=1):
    return np.maximum(_normalize(model, f"{name}_bn", _convolve(model, name, x, groups, strides)), 0)


def _convolve(model, name, x, groups=1, strides=1):
    (kernel,) = model.get_layer(name).get_weights()
    margin, filters = kernel.shape[0] // 2, kernel.shape[-1]
    x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
    parts = np.split(x, groups, axis=-1)
    maps = [
        correlate(parts[index * groups // filters], kernel[..., index], mode="valid")[..., 0]
        for index in range(filters)
    ]
    return np.stack(maps, axis=-1)[::strides, ::strides]


def _normalize(model, name, x):
    gamma, beta, mean, variance = model.get_layer(name).get_weights()
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def _squeeze(model, name, x):
    reduce, reduce_bias, expand, expand_bias = model.get_layer(name).get_weights()
    return x * expit(np.maximum(x.mean((0, 1)) @ reduce + reduce_bias, 0) @ expand + expand_bias)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="KerasCV is tested on TensorFlow")
def test_agrees_with_keras_cv():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        legacy = pytest.importorskip("keras_cv.src.models.legacy.regnet", reason="KerasCV is an extra")
    # Odd at every stride, where its padding is the paper's.
    shape, depths, widths = (33, 65, 3), (1, 2, 1, 1), (16, 32, 32, 48)
    reference = legacy.RegNet(
        depths,
        widths,
        group_width=16,
        block_type="X",
        include_rescaling=False,
        include_top=True,
        num_classes=5,
        classifier_activation=None,
        input_shape=shape,
    )
    model = AnyNet(
        stage_depths=depths,
        stage_widths=widths,
        group_widths=(16,) * 4,
        stem="large",
        stem_filters=32,
        num_classes=5,
        input_shape=shape,
    )
    _randomize(reference)
    for layer in model.layers:
        if layer.weights:
            source = _layer_of_keras_cv(reference, layer.name)
            layer.set_weights(source.get_weights())
    pictures = np.random.uniform(-1, 1, (2, *shape)).astype("float32")
    ours, theirs = (keras.ops.convert_to_numpy(net(pictures, training=False)) for net in (model, reference))
    assert theirs.std() > 0.01
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())


def _layer_of_keras_cv(reference, name):
    """`stage2_block1_conv2_bn` is `regnet_Stage_1_XBlock_0_conv_3x3_bn` there."""
    if name == "logits":
        return reference.layers[-1]
    kind = "_bn" if name.endswith("_bn") else ""
    parts = name.removesuffix("_bn").split("_")
    if parts == ["stem"]:
        return reference.get_layer(f"regnet_stem_conv{kind}")
    stage, block = (int(part[5:]) - 1 for part in parts[:2])
    part = parts[2] if len(parts) > 2 else "conv3"
    theirs = {"conv1": "conv_1x1_1", "conv2": "conv_3x3", "conv3": "conv_1x1_2", "shortcut": "skip_1x1"}[part]
    return reference.get_layer(f"regnet_Stage_{stage}_XBlock_{block}_{theirs}{kind}")


@COUNTS
def test_small_stem_leaves_four_by_four_of_thirty_two():
    assert AnyNet().get_layer("pool").input.shape[1:3] == (4, 4)
    assert AnyNet(stem="large", input_shape=(224, 224, 3)).get_layer("pool").input.shape[1:3] == (7, 7)
    # The textbook's, for Fashion-MNIST at 96 px.
    assert models.create("regnet_x_32").get_layer("pool").input.shape == (None, 12, 12, 80)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        ({"bottleneck_ratio": 0}, "`bottleneck_ratio` must be above 0. Received: bottleneck_ratio=0"),
        ({"squeeze_ratio": -0.5}, "`squeeze_ratio` must be at least 0. Received: squeeze_ratio=-0.5"),
        (
            {"stage_depths": (1,), "stage_widths": (8, 16), "group_widths": (8, 8)},
            "`stage_depths`, `stage_widths` and `group_widths` must have one entry a stage. "
            "Received: stage_depths=(1,), stage_widths=(8, 16), group_widths=(8, 8)",
        ),
        (
            {"stage_depths": (1,), "stage_widths": (24,), "group_widths": (16,), "bottleneck_ratio": 1.0},
            "`stage_widths` divided by `bottleneck_ratio` must be multiples of `group_widths`. "
            "Received: stage_widths=(24,), bottleneck_ratio=1.0, group_widths=(16,)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        AnyNet(**arguments)
    assert str(error.value) == message
