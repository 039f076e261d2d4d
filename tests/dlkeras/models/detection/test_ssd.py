import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.models.detection.ssd import SSD, anchor_sizes, feature_levels, geometric_anchor_sizes, levels_at
from dlkeras.models.vision.mobilenet import MobileNetV1

TENSORFLOW = keras.backend.backend() == "tensorflow"


def made_backbone():
    return MobileNetV1(num_classes=1, input_shape=(64, 64, 3), width=0.125, stem="large")


def small(backbone=None, **arguments):
    backbone = backbone or made_backbone()
    return {
        "num_classes": 2,
        "input_shape": (64, 64, 3),
        "backbone": backbone,
        "levels": levels_at(backbone),
        "extras": ((16, 2),),
        "sizes": anchor_sizes(4),
        "ratios": ((1.0, 2.0, 0.5),) * 4,
        **arguments,
    }


@pytest.fixture(scope="module")
def backbone():
    """One for tests that neither train nor save what is built on it."""
    return made_backbone()


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype("float32")


@pytest.mark.parametrize("arguments", [{"pyramid_filters": 8}, {"head": "ssd"}], ids=["ssdlite", "ssd"])
def test_keeps_its_promises(arguments, pictures, tmp_path):
    model = SSD(**small(**arguments))
    assert model.output_shape == (None, len(model.anchors), 7) == (None, 4 * (64 + 16 + 4 + 1), 7)
    answer = keras.ops.convert_to_numpy(model(pictures, training=False))
    assert np.isfinite(answer).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is SSD and loaded.get_config() == model.get_config()
    np.testing.assert_allclose(loaded(pictures, training=False), answer, rtol=1e-4, atol=1e-5)


def test_a_training_step_reaches_every_weight():
    # Eight of them: batch normalization of a single pixel of two pictures is a matter of luck.
    pictures = np.random.default_rng(0).uniform(-1, 1, (8, 64, 64, 3)).astype("float32")
    model = SSD(**small(pyramid_filters=8))
    model.compile(keras.optimizers.SGD(0.003), "mse", run_eagerly=TENSORFLOW, jit_compile=not TENSORFLOW)
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_variables]
    targets = np.random.default_rng(1).normal(size=(8, *model.output_shape[1:])).astype("float32")
    losses = [float(model.train_on_batch(pictures, targets)) for _ in range(4)]
    assert losses[-1] < losses[0]
    pairs = zip(model.trainable_variables, before, strict=True)
    assert not [weight.path for weight, old in pairs if np.array_equal(keras.ops.convert_to_numpy(weight), old)]


def test_only_the_layers_below_the_levels_are_in_it():
    """VGG's dense layers are 80 % of its weights, and nothing here is on top of them."""
    model = models.create("ssd300_vgg16", num_classes=20)
    assert model.output_shape == (None, 8732, 25)  # as many anchors as in the paper's table 1
    convolutions = 14_714_688  # of VGG-16 without its top, as keras.applications publishes it
    backbone = model.get_layer("backbone")
    assert backbone.count_params() == convolutions < model.count_params() < 1.5 * convolutions


def test_a_backbone_of_keras_hub(pictures):
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 8, 8, 8],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(64, 64, 3),
    )
    model = SSD(**small(backbone=backbone, levels=["P3", "P4", "P5"]))
    by_stride = SSD(**small(backbone=backbone, levels=levels_at(backbone)))
    assert model.output_shape == by_stride.output_shape == (None, 340, 7)
    assert np.isfinite(keras.ops.convert_to_numpy(model(pictures, training=False))).all()


def test_levels_by_stride():
    backbone = MobileNetV1(num_classes=1, input_shape=(300, 300, 3), width=0.125, stem="large")
    assert levels_at(backbone) == ["conv_pw_5_relu", "conv_pw_11_relu", "conv_pw_13_relu"]
    maps = feature_levels(backbone, levels_at(backbone)).output_shape
    assert [shape[1:3] for shape in maps] == [(38, 38), (19, 19), (10, 10)]
    with pytest.raises(ValueError, match=r"has no feature map of \(2, 2\), a 150th of its pictures \(300, 300\)"):
        levels_at(backbone, (150,))


def test_anchor_sizes_of_the_paper():
    """From 0.2 to 0.9 in even steps, each with the mean of itself and the next: section 2.2."""
    sizes = anchor_sizes(6)
    np.testing.assert_allclose([first for first, _ in sizes], [0.2, 0.34, 0.48, 0.62, 0.76, 0.9])
    np.testing.assert_allclose([second for _, second in sizes[:-1]], np.sqrt([0.068, 0.1632, 0.2976, 0.4712, 0.684]))


def test_geometric_anchor_sizes():
    np.testing.assert_allclose(
        geometric_anchor_sizes(3, 0.1, 0.9), [[0.1, 0.1 * 3**0.5], [0.3, 0.3 * 3**0.5], [0.9, 0.9 * 3**0.5]]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"levels": ["no", "no", "no"]}, r"`levels` must be names of feature maps of .*Received: \['no', 'no', 'no'\]"),
        ({"levels": []}, r"`sizes` must hold numbers above 0 for each of the 1 feature maps"),
        ({"pyramid_filters": -1}, r"`pyramid_filters` must be at least 0. Received: pyramid_filters=-1"),
        ({"head": "heavy"}, r"`head` must be one of ssd, ssdlite. Received: head='heavy'"),
    ],
)
def test_refuses(backbone, arguments, message):
    with pytest.raises(ValueError, match=message):
        SSD(**small(backbone, **arguments))
