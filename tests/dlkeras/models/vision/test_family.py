"""Every classifier keeps the same promises, whatever it is made of."""

import keras
import numpy as np
import pytest

from dlkeras import models

# Of each file the size that is quickest to run.
FAMILY = [
    *("mlp", "lenet", "alexnet_mini", "vgg11_mini", "nin_mini", "googlenet_mini", "resnet8", "densenet_mini"),
    *("regnet_mini", "mobilenet_v1_mini", "mobilenet_v2_mini", "efficientnet_mini", "vit_mini"),
]
# Those with every layer of ours among them; what the others are made of is Keras's, and saved as theirs is.
OF_OWN_LAYERS = ["regnet_mini", "efficientnet_mini", "vit_mini"]
TENSORFLOW = keras.backend.backend() == "tensorflow"
# Neither shapes nor rows depend on the backend, and JAX compiles every operation anew for another size of either.
BOOKKEEPING = pytest.mark.skipif(not TENSORFLOW, reason="the same on every backend")
# The harness is given every class on TensorFlow, and none of them elsewhere.
HARNESSED = pytest.mark.skipif(TENSORFLOW, reason="the harness has done it on TensorFlow")
SAVED_MODEL = pytest.mark.skipif(not TENSORFLOW, reason="a graph for a SavedModel is TensorFlow's")


@pytest.fixture(scope="module", params=FAMILY)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    keras.utils.set_random_seed(0)
    return models.create(name, num_classes=4, input_shape=(28, 28, 1))


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).uniform(-1, 1, (8, 28, 28, 1)).astype("float32")


def _logits(model, pictures):
    return keras.ops.convert_to_numpy(model(pictures, training=False))


def test_every_file_is_in_the_family():
    variants = models._variants(["vision"])
    assert {kind for kind, _ in variants.values()} == {variants[name][0] for name in FAMILY}


@BOOKKEEPING
def test_other_sizes_and_colours(name):
    model = models.create(name, num_classes=7, input_shape=(32, 32, 3))
    assert model.output_shape == (None, 7)
    assert model.get_layer("logits").output.dtype == "float32"


@BOOKKEEPING
def test_answers_rows_alone_as_together(model, pictures):
    together = _logits(model, pictures)
    assert together.shape == (8, 4)
    np.testing.assert_allclose(_logits(model, pictures[:1]), together[:1], rtol=1e-4, atol=1e-4)


@HARNESSED
def test_keras_round_trip(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    # Not by its answers, for which JAX would compile every operation of every size.
    for weight, expected in zip(loaded.weights, model.weights, strict=True):
        assert weight.path == expected.path
        np.testing.assert_array_equal(weight.numpy(), expected.numpy())


@HARNESSED
def test_a_training_step_lowers_the_loss(model, pictures):
    # Without dropout, which would make the loss of a step a matter of luck, and heads that this loss does not reach.
    config = model.get_config()
    still = {key: 0 for key in ("dropout", "stochastic_depth", "auxiliary_heads") if key in config}
    model = type(model).from_config({**config, **still})
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0003), loss, jit_compile=True)
    labels = np.arange(8) % 4
    first, second = (float(model.train_on_batch(pictures, labels)) for _ in range(2))
    assert second < first


def _endpoint(model, pictures):
    from dlkeras.export import Endpoint

    def classify(image):
        return {"logits": model(image, training=False)}

    return Endpoint("serving_default", classify, {"image": ((None, 28, 28, 1), "float32")}, {"image": pictures[:2]})


@SAVED_MODEL
def test_answers_alike_in_a_graph(model, pictures):
    answer = _endpoint(model, pictures)({"image": pictures})["logits"]
    np.testing.assert_allclose(answer, _logits(model, pictures), rtol=1e-4, atol=1e-5)


@SAVED_MODEL
@pytest.mark.parametrize("name", OF_OWN_LAYERS, scope="module")
def test_exports(model, pictures, tmp_path):
    import tensorflow as tf

    from dlkeras.export import export

    path = export(model, [_endpoint(model, pictures)], tmp_path / "model")
    served = tf.saved_model.load(path).signatures["serving_default"]
    answer = served(image=tf.constant(pictures))["logits"].numpy()
    np.testing.assert_allclose(answer, _logits(model, pictures), rtol=1e-4, atol=1e-5)
