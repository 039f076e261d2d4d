"""What every test of dlkeras shares: the harness that a layer or model is put through in one call."""

import json

import keras
import numpy as np
import pytest
from keras import tree

from dlkeras.models.base import ConfiguredModel

# The rooms of dlkeras that are written for TensorFlow; on another backend the rest is tested.
if keras.backend.backend() != "tensorflow":
    collect_ignore = ["data", "text", "training", "test_export.py"]
if keras.backend.backend() == "jax":
    import jax

    # Nearly all of the time goes into compiling what is run once.
    jax.config.update("jax_disable_most_optimizations", True)


@pytest.fixture(autouse=True)
def fresh_state():
    """Gives every test the same random numbers, and takes its dtype policy away after it."""
    keras.utils.set_random_seed(0)
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def harness(tmp_path):
    """Puts a layer or a model through everything that all of them must do.

    It is built and called; its config goes through JSON and back; it is saved as `.keras` and answers the same after
    loading; two training steps move every trainable weight, and the first lowers the loss; it runs in mixed precision.

    Args of the function given:
        kind: The class.
        arguments: Its keyword arguments. No dropout: it would make the loss of a step a matter of luck.
        inputs: An array, or a list or dict of arrays, with the batch axis.
        output_shape: Expected shape with the batch axis; a list or dict of them where there are several outputs.
        learning_rate: Of plain gradient descent on the mean squared error to random targets.
        output_dtype: Expected dtype of the outputs in float32.

    Returns what was built, called on `inputs`.
    """

    def check(kind, arguments, *, inputs, output_shape, learning_rate=0.01, output_dtype="float32"):
        if issubclass(kind, ConfiguredModel) and keras.backend.backend() != "tensorflow":
            pytest.skip("models/vision/test_family.py runs every model here; compiling them once takes long enough")
        layer = kind(**arguments)
        outputs = layer(inputs, training=False)
        _check_outputs(outputs, output_shape, output_dtype)
        _check_config(layer, kind)
        _check_saving(layer, inputs, outputs, tmp_path / "model.keras")
        if layer.trainable_variables:
            _check_training(kind(**arguments), inputs, outputs, learning_rate)
        # Not on JAX, which would compile every operation anew for it.
        if output_dtype == "float32" and keras.backend.backend() == "tensorflow":
            _check_mixed_precision(kind, arguments, inputs, output_shape)
        return layer

    return check


def _shapes(outputs):
    return tree.map_structure(lambda output: tuple(output.shape), outputs)


def _check_outputs(outputs, shape, dtype):
    assert _shapes(outputs) == shape
    for output in tree.flatten(outputs):
        assert keras.backend.standardize_dtype(output.dtype) == dtype
        assert np.isfinite(_array(output)).all()


def _check_config(layer, kind):
    assert keras.saving.get_registered_name(kind) == f"dlkeras>{kind.__name__}"
    # Through text, as in a `.keras` file: tuples become lists there, and objects must be serialised.
    config = json.dumps(keras.saving.serialize_keras_object(layer))
    again = keras.saving.deserialize_keras_object(json.loads(config))
    assert type(again) is kind
    assert json.dumps(keras.saving.serialize_keras_object(again)) == config


def _check_saving(layer, inputs, outputs, path):
    model = _as_model(layer, inputs)
    model.save(path)
    loaded = keras.saving.load_model(path)
    for again, output in zip(tree.flatten(loaded(inputs, training=False)), tree.flatten(outputs), strict=True):
        np.testing.assert_allclose(_array(again), _array(output), rtol=1e-5, atol=1e-6)


def _check_training(layer, inputs, outputs, learning_rate):
    model = _as_model(layer, inputs)
    targets = tree.map_structure(lambda output: np.random.normal(size=output.shape).astype("float32"), outputs)
    before = [_array(weight).copy() for weight in model.trainable_variables]
    # XLA takes longer to compile the step on TensorFlow than the whole test; on JAX nothing goes without it. The graph
    # of a whole model takes longer than two steps too: test_exports of test_family.py makes one of each.
    tensorflow = keras.backend.backend() == "tensorflow"
    eagerly = tensorflow and isinstance(layer, ConfiguredModel)
    model.compile(keras.optimizers.SGD(learning_rate), "mse", jit_compile=not tensorflow, run_eagerly=eagerly)
    history = model.fit(inputs, targets, batch_size=1000, epochs=2, shuffle=False, verbose=0).history["loss"]
    assert history[1] < history[0]
    still = [
        weight.path
        for weight, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(_array(weight), old)
    ]
    assert not still, f"no gradient reaches {still}"


def _check_mixed_precision(kind, arguments, inputs, output_shape):
    keras.config.set_dtype_policy("mixed_bfloat16")
    layer = kind(**arguments)
    outputs = layer(inputs, training=False)
    assert _shapes(outputs) == output_shape
    assert all(np.isfinite(_array(output)).all() for output in tree.flatten(outputs))
    assert all(weight.dtype == "float32" for weight in layer.trainable_variables)
    keras.config.set_dtype_policy("float32")


def _as_model(layer, inputs):
    if isinstance(layer, keras.Model):
        return layer
    symbols = tree.map_structure(lambda array: keras.Input(array.shape[1:], dtype=array.dtype), inputs)
    return keras.Model(symbols, layer(symbols))


def _array(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
