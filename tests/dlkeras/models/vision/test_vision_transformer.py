import keras
import numpy as np
import pytest

from dlkeras.models.vision.vision_transformer import VARIANTS, VisionTransformer

TINY = {"input_shape": (8, 12, 3), "width": 8, "depth": 2, "heads": 2, "hidden_width": 16, "num_classes": 5}
# Counting is the same everywhere, and JAX takes its time to make so many weights.
COUNTS = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts do not depend on the backend")


@pytest.mark.parametrize("pooling", ["token", "average"])
def test_harness(harness, pooling):
    inputs = np.random.uniform(-1, 1, (4, 8, 12, 3)).astype("float32")
    arguments = {**TINY, "pooling": pooling}
    harness(VisionTransformer, arguments, inputs=inputs, output_shape=(4, 5), learning_rate=0.02)


@pytest.mark.parametrize(
    ("name", "parameters"),
    # torchvision's for B/16, timm's for the others.
    [("vit_ti16", 5_717_416), ("vit_s16", 22_050_664), ("vit_b16", 86_567_656)],
)
def test_has_the_published_parameters(name, parameters):
    kind, arguments = VARIANTS[name]
    assert kind is VisionTransformer
    assert _count(**arguments, num_classes=1000) == parameters


@COUNTS
@pytest.mark.parametrize("arguments", [{**TINY, "patch_size": 4}, {**VARIANTS["vit_ti16"][1], "depth": 1}])
def test_parameters_are_counted_right(arguments):
    arguments = {"num_classes": 7, **arguments}
    assert VisionTransformer(**arguments).count_params() == _count(**arguments)


def _count(input_shape, patch_size, width, depth, hidden_width, num_classes, heads):
    """Counts by hand: an affine map of m to n numbers has (m + 1) n parameters, however many heads read it."""
    patches = input_shape[0] // patch_size * input_shape[1] // patch_size
    embedding = (patch_size**2 * input_shape[2] + 1) * width + width + (patches + 1) * width
    attention = 4 * (width + 1) * width
    dense = (width + 1) * hidden_width + (hidden_width + 1) * width
    norm = 2 * width
    return embedding + depth * (attention + dense + 2 * norm) + norm + (width + 1) * num_classes


@pytest.mark.parametrize("pooling", ["token", "average"])
def test_agrees_with_keras_hub(pooling):
    keras_hub = pytest.importorskip("keras_hub")
    reference = keras_hub.models.ViTBackbone(
        image_shape=(8, 12, 3),
        patch_size=4,
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=16,
        use_class_token=pooling == "token",
    )
    reference.set_weights([np.random.normal(scale=0.5, size=weight.shape) for weight in reference.get_weights()])
    model = VisionTransformer(**TINY, pooling=pooling)
    for layer, source in _pairs_with_keras_hub(model, reference):
        layer.set_weights(source)

    features = keras.Model(model.input, model.get_layer("norm").output)
    pictures = np.random.uniform(-1, 1, (3, 8, 12, 3)).astype("float32")
    ours, theirs = (keras.ops.convert_to_numpy(net(pictures, training=False)) for net in (features, reference))
    assert ours.shape == (3, 7 if pooling == "token" else 6, 8)
    assert theirs.std() > 0.1
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)

    # What is classified is their first token, or the mean of all.
    kernel, bias = model.get_layer("logits").get_weights()
    pooled = theirs[:, 0] if pooling == "token" else theirs.mean(axis=1)
    logits = keras.ops.convert_to_numpy(model(pictures, training=False))
    np.testing.assert_allclose(logits, pooled @ kernel + bias, rtol=1e-4, atol=1e-4)


def _pairs_with_keras_hub(model, reference):
    """Yields layers of ours, each with the weights of theirs."""
    embedding = reference.get_layer("vit_patching_and_embedding")
    yield model.get_layer("patches"), embedding.patch_embedding.get_weights()
    yield model.get_layer("positions"), [embedding.position_embedding.get_weights()[0][None]]
    if embedding.use_class_token:
        yield model.get_layer("class_token"), [embedding.class_token]
    encoder = reference.get_layer("vit_encoder")
    for index, block in enumerate(encoder.encoder_layers, start=1):
        sources = {
            "attention_norm": block.layer_norm_1,
            "attention": block.mha,
            "norm": block.layer_norm_2,
            "dense1": block.mlp.dense_1,
            "dense2": block.mlp.dense_2,
        }
        for name, source in sources.items():
            yield model.get_layer(f"block{index}_{name}"), source.get_weights()
    yield model.get_layer("norm"), encoder.layer_norm.get_weights()


@COUNTS
def test_attention_starts_at_glorots_scale():
    model = VisionTransformer(depth=1)
    kernels = [weight.reshape(-1) for weight in model.get_layer("block1_attention").get_weights() if weight.ndim == 3]
    assert [kernel.std() for kernel in kernels] == pytest.approx([64**-0.5] * 4, rel=0.1)
    # Each has random numbers of its own.
    assert np.abs(np.corrcoef(kernels) - np.eye(4)).max() < 0.1


def test_dropout_is_in_the_config_and_acts_in_training_only():
    model = VisionTransformer(**{**TINY, "depth": 1}, dropout=0.5)
    again = VisionTransformer.from_config(model.get_config())
    dropouts = [layer.rate for layer in again.layers if isinstance(layer, keras.layers.Dropout)]
    assert dropouts == [0.5] * 4
    pictures = np.random.uniform(-1, 1, (2, 8, 12, 3)).astype("float32")
    once, later, training = (keras.ops.convert_to_numpy(model(pictures, training=mode)) for mode in (0, 0, 1))
    np.testing.assert_array_equal(once, later)
    assert not np.allclose(once, training)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1. Received: num_classes=0"),
        ({"pooling": "max"}, "`pooling` must be one of token, average. Received: pooling='max'"),
        ({"dropout": 1.0}, "`dropout` must be in [0, 1). Received: dropout=1.0"),
        ({"heads": 5}, "`width` must be a multiple of `heads`. Received: width=64, heads=5"),
        (
            {"input_shape": (28, 30, 1)},
            "Height and width of `input_shape` must be multiples of `patch_size`. "
            "Received: input_shape=(28, 30, 1), patch_size=4",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        VisionTransformer(**arguments)
    assert str(error.value) == message
