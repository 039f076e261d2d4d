import keras
import numpy as np
import pytest
from scipy.signal import correlate

from dlkeras import models
from dlkeras.models.vision.resnet import ResNet

TINY = {"stage_blocks": (1, 1), "stage_filters": (8, 16), "stem_filters": 8, "num_classes": 5}
# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")


@pytest.mark.parametrize(
    "form",
    [
        {"input_shape": (8, 12, 3)},
        {"input_shape": (16, 24, 3), "stem": "large", "block": "bottleneck"},
    ],
)
def test_harness(harness, form):
    inputs = np.random.uniform(-1, 1, (4, *form["input_shape"])).astype("float32")
    harness(ResNet, {**TINY, **form}, inputs=inputs, output_shape=(4, 5))


@COUNTS
@pytest.mark.parametrize(("depth", "paper"), [(20, 0.27e6), (32, 0.46e6), (56, 0.85e6)])
def test_has_the_papers_parameters_on_cifar(depth, paper):
    blocks = (depth - 2) // 6  # in each of three stages
    convolutions = 9 * 3 * 16  # the stem
    convolutions += 9 * 16 * 16 * 2 * blocks
    convolutions += 9 * 16 * 32 + 9 * 32 * 32 * (2 * blocks - 1)
    convolutions += 9 * 32 * 64 + 9 * 64 * 64 * (2 * blocks - 1)
    normalizations = 2 * (16 + 2 * blocks * (16 + 32 + 64))
    by_hand = convolutions + normalizations + 64 * 10 + 10
    assert by_hand == pytest.approx(paper, abs=0.5e4)

    # The paper's CIFAR networks have no projection (option A); ours have two (option B).
    projections = (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)
    assert _trainable(models.create(f"resnet{depth}")) == by_hand + projections


@COUNTS
@pytest.mark.parametrize(("depth", "torchvision"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)])
def test_has_torchvisions_parameters_on_imagenet(depth, torchvision):
    assert _trainable(models.create(f"resnet{depth}", num_classes=1000)) == torchvision


def _trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


def test_agrees_with_scipy():
    model = ResNet(**TINY, input_shape=(7, 10, 3))  # odd and even: padding must be alike on both sides
    _randomize(model)
    picture = np.random.normal(size=(7, 10, 3)).astype("float32")

    x = np.maximum(_normalize(model, "stem_bn", _convolve(model, "stem", picture, 1)), 0)
    for name, strides in (("stage1_block1", 1), ("stage2_block1", 2)):
        y = np.maximum(
            _normalize(model, f"{name}_conv1_bn", _convolve(model, f"{name}_conv1", x, strides)),
            0,
        )
        y = _normalize(model, f"{name}_bn", _convolve(model, f"{name}_conv2", y, 1))
        if strides > 1:
            x = _normalize(model, f"{name}_shortcut_bn", _convolve(model, f"{name}_shortcut", x, strides))
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


def _convolve(model, name, x, strides):
    (kernel,) = model.get_layer(name).get_weights()
    margin = kernel.shape[0] // 2
    x = np.pad(x, ((margin, margin), (margin, margin), (0, 0)))
    maps = [correlate(x, kernel[..., index], mode="valid")[..., 0] for index in range(kernel.shape[-1])]
    return np.stack(maps, axis=-1)[::strides, ::strides]


def _normalize(model, name, x):
    gamma, beta, mean, variance = model.get_layer(name).get_weights()
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_agrees_with_keras_hub(block):
    keras_hub = pytest.importorskip("keras_hub")
    blocks, filters = (2, 1), (64, 128)
    reference = keras_hub.models.ResNetBackbone(
        [64], [7], filters, blocks, [1, 2], f"{block}_block", image_shape=(48, 40, 3)
    )
    factor = 4 if block == "bottleneck" else 1
    model = ResNet(
        stage_blocks=blocks,
        stage_filters=[factor * count for count in filters],
        block=block,
        stem="large",
        stem_filters=64,
        input_shape=(48, 40, 3),
    )
    _randomize(reference)
    for layer in model.layers:
        if layer.weights and layer.name != "logits":
            layer.set_weights(reference.get_layer(_name_in_keras_hub(layer.name, block)).get_weights())

    features = keras.Model(model.input, model.get_layer("pool").input)
    pictures = np.random.uniform(-1, 1, (2, 48, 40, 3)).astype("float32")
    ours, theirs = (keras.ops.convert_to_numpy(net(pictures, training=False)) for net in (features, reference))
    assert ours.shape == (2, 6, 5, factor * 128)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3 * theirs.max())


def _name_in_keras_hub(name, block):
    """`stage2_block1_conv1_bn` is `stack1_block0_1_bn` there, a shortcut is number 0, and the stem is `conv1`."""
    kind = "bn" if name.endswith("_bn") else "conv"
    parts = name.removesuffix("_bn").split("_")
    if parts == ["stem"]:
        return f"conv1_{kind}"
    last = 3 if block == "bottleneck" else 2
    part = parts[2] if len(parts) > 2 else f"conv{last}"
    number = 0 if part == "shortcut" else int(part.removeprefix("conv"))
    stack, index = (int(part[5:]) - 1 for part in parts[:2])
    return f"stack{stack}_block{index}_{number}_{kind}"


def test_a_block_starts_as_the_identity():
    model = ResNet(**{**TINY, "stage_blocks": (2,), "stage_filters": (8,)}, input_shape=(8, 8, 3))
    pictures = np.random.uniform(-1, 1, (2, 8, 8, 3)).astype("float32")
    ends = keras.Model(model.input, [model.get_layer("stem_relu").output, model.get_layer("stage1_block2").output])
    before, after = (keras.ops.convert_to_numpy(x) for x in ends(pictures, training=True))
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block": "wide"}, "`block` must be one of basic, bottleneck. Received: block='wide'"),
        ({"stem": "huge"}, "`stem` must be one of small, large. Received: stem='huge'"),
        (
            {"stage_blocks": (1, 1), "stage_filters": (8,)},
            "`stage_blocks` and `stage_filters` must have one entry a stage. "
            "Received: stage_blocks=(1, 1), stage_filters=(8,)",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        ResNet(**arguments)
    assert str(error.value) == message
