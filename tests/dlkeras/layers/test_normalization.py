import keras
import numpy as np
import pytest
from keras import ops

from dlkeras.layers import BatchNormalization

PICTURES = np.random.default_rng(0).normal(3, 2, (6, 5, 7, 4)).astype("float32")
ON_TENSORFLOW = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere it is Keras's own layer")


def test_harness(harness):
    harness(BatchNormalization, {}, inputs=PICTURES, output_shape=PICTURES.shape)


def test_is_keras_layer_in_training_and_after():
    ours, keras_layer = (
        kind(momentum=0.9, epsilon=1e-5) for kind in (BatchNormalization, keras.layers.BatchNormalization)
    )
    for scale in (1.0, 2.0, 0.5):
        np.testing.assert_allclose(
            ops.convert_to_numpy(ours(PICTURES * scale, training=True)),
            ops.convert_to_numpy(keras_layer(PICTURES * scale, training=True)),
            atol=1e-5,
        )
    for left, right in zip(ours.get_weights(), keras_layer.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(PICTURES)), ops.convert_to_numpy(keras_layer(PICTURES)), atol=1e-5
    )


@ON_TENSORFLOW
def test_gradients_are_those_of_keras():
    import tensorflow as tf

    gradients = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        layer = kind()
        layer.build(PICTURES.shape)
        inputs = tf.constant(PICTURES)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_mean(layer(inputs, training=True) ** 3)
        gradients.append(tape.gradient(loss, [inputs, layer.gamma.value, layer.beta.value]))
    for ours, keras_gradient in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, keras_gradient, rtol=1e-4, atol=1e-5)


@ON_TENSORFLOW
@pytest.mark.parametrize(
    ("arguments", "inputs", "fused"),
    [
        ({}, PICTURES, True),
        ({"axis": 3}, PICTURES, True),
        ({"axis": 1}, PICTURES, False),
        ({"scale": False}, PICTURES, False),
        ({"center": False}, PICTURES, False),
        ({}, PICTURES[0], False),
        ({"trainable": False}, PICTURES, False),
    ],
)
def test_only_what_the_kernel_can_do_goes_to_it(arguments, inputs, fused, monkeypatch):
    taken = []
    original = BatchNormalization._fused
    monkeypatch.setattr(BatchNormalization, "_fused", lambda self, x: taken.append(1) or original(self, x))
    layer = BatchNormalization(**arguments)
    outputs = layer(inputs, training=True)
    assert bool(taken) == fused
    expected = keras.layers.BatchNormalization(**arguments)(inputs, training=True)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_weights_files_of_keras_layer_fit(tmp_path):
    models = [
        keras.Sequential([keras.Input((5, 7, 4)), kind()])
        for kind in (keras.layers.BatchNormalization, BatchNormalization)
    ]
    models[0].layers[0].set_weights([np.full(4, value, "float32") for value in (2, 3, 4, 5)])
    models[0].save_weights(tmp_path / "model.weights.h5")
    models[1].load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(
        ops.convert_to_numpy(models[1](PICTURES)), ops.convert_to_numpy(models[0](PICTURES)), atol=1e-5
    )
