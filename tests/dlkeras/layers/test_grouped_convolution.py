import keras
import numpy as np
import pytest

from dlkeras.layers import GroupedConv2D


@pytest.mark.parametrize("groups", [1, 3])
def test_harness_of_grouped_convolutions(harness, groups):
    inputs = np.random.normal(size=(4, 5, 6, 6)).astype("float32")
    arguments = {"filters": 12, "kernel_size": 3, "strides": 2, "padding": "same", "groups": groups}
    harness(GroupedConv2D, arguments, inputs=inputs, output_shape=(4, 3, 3, 12))


def test_grouped_convolutions_train_as_those_of_keras():
    inputs, targets = (np.random.normal(size=(4, 5, 6, width)).astype("float32") for width in (6, 12))
    trained = []
    for kind in (GroupedConv2D, keras.layers.Conv2D):
        model = keras.Sequential([keras.Input((5, 6, 6)), kind(12, 3, padding="same", groups=3)])
        model.set_weights(trained[0][0] if trained else model.get_weights())
        before = model.get_weights()
        model.compile(keras.optimizers.SGD(1.0), "mse")
        model.fit(inputs, targets, epochs=1, batch_size=4, verbose=0)
        trained.append((before, model.get_weights()))
    (before, ours), (_, theirs) = trained
    assert np.abs(ours[0] - before[0]).max() > 1e-3
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)
