import keras
import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from dlkeras.losses import SmoothedSparseCrossEntropy
from dlkeras.metrics import Accuracy, expected_calibration_error, reliability_curve


def test_by_hand():
    # Two bins. In (0, 0.5]: confidence 0.5, once right. In (0.5, 1]: 0.6, 0.8 and 1.0, right, wrong, right.
    probabilities = np.array([[0.5, 0.3, 0.2], [0.6, 0.4, 0.0], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]])
    labels = np.array([0, 0, 0, 2])
    confidence, accuracy, weight = reliability_curve(probabilities, labels, bins=2)
    np.testing.assert_allclose(confidence, [0.5, 0.8])
    np.testing.assert_allclose(accuracy, [1.0, 2 / 3])
    np.testing.assert_allclose(weight, [0.25, 0.75])
    # 1/4 * 0.5 + 3/4 * (0.8 - 2/3) = 0.125 + 0.1
    assert expected_calibration_error(probabilities, labels, bins=2) == pytest.approx(0.225)


def test_extremes():
    sure = np.eye(3)[[0, 1, 2, 0]]
    assert expected_calibration_error(sure, [0, 1, 2, 0]) == 0
    assert expected_calibration_error(sure, [1, 2, 0, 1]) == 1
    # Says 0.75, and is right three times in four.
    assert expected_calibration_error(np.tile([0.75, 0.25], (4, 1)), [0, 0, 1, 0]) == pytest.approx(0)


def test_empty_bins_are_nan_and_do_not_count():
    confidence, accuracy, weight = reliability_curve([[0.9, 0.1]], [1], bins=10)
    assert np.flatnonzero(weight).tolist() == [8]  # (0.8, 0.9]
    assert np.isnan(accuracy).sum() == np.isnan(confidence).sum() == 9
    assert expected_calibration_error([[0.9, 0.1]], [1], bins=10) == pytest.approx(0.9)


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_agrees_with_scikit_learn_and_with_a_loop(bins):
    random = np.random.default_rng(0)
    logits = random.normal(size=(500, 4)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = random.integers(0, 4, 500)

    confidence, accuracy, weight = reliability_curve(probabilities, labels, bins)
    right = probabilities.argmax(1) == labels
    sklearn_accuracy, sklearn_confidence = calibration_curve(right, probabilities.max(1), n_bins=bins)
    filled = weight > 0
    np.testing.assert_allclose(accuracy[filled], sklearn_accuracy)
    np.testing.assert_allclose(confidence[filled], sklearn_confidence)
    assert weight.sum() == pytest.approx(1)

    # Equation 3 rearranged: each bin's gap is a sum over its examples.
    error = 0.0
    for low in range(bins):
        inside = [
            (row.max(), row.argmax() == label)
            for row, label in zip(probabilities, labels, strict=True)
            if low / bins < row.max() <= (low + 1) / bins
        ]
        error += abs(sum(hit - sure for sure, hit in inside)) / len(labels)
    assert expected_calibration_error(probabilities, labels, bins) == pytest.approx(error)


def test_takes_half_precision():
    probabilities = np.array([[0.3, 0.7], [0.9, 0.1]], "float16")
    assert expected_calibration_error(probabilities, np.array([1, 0], "uint8")) == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize(
    ("probabilities", "labels", "bins", "message"),
    [
        ([[0.5, 0.5]], [0, 1], 15, "`probabilities` must have shape"),
        ([0.5, 0.5], [0, 1], 15, "`probabilities` must have shape"),
        (np.zeros((0, 3)), [], 15, "with at least one example"),
        ([[2.0, -1.0]], [0], 15, "apply the softmax first"),
        ([[2.0, 1.0]], [0], 15, "row sums from 3 to 3"),
        ([[np.nan, 1.0]], [0], 15, "apply the softmax first"),
        ([[0.5, 0.5]], [0], 0, "`bins` must be at least 1. Received: bins=0"),
    ],
)
def test_refuses(probabilities, labels, bins, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        expected_calibration_error(probabilities, labels, bins)


def test_accuracy_takes_class_numbers_and_probabilities():
    logits = np.array([[3, 1, 2], [0, 1, 5], [0, 2, 1], [9, 8, 7]], "float32")  # 0, 2, 1, 0
    y = np.array([0, 1, 1, 0])
    targets = np.array([[0.4, 0.3, 0.3], [0, 0.6, 0.4], [0, 1, 0], [0.1, 0.7, 0.2]], "float32")  # 0, 1, 1, 1
    accuracy = Accuracy()
    for classes, expected in ((y, 0.75), (y[:, None], 0.75), (targets, 0.5)):
        accuracy.reset_state()
        accuracy.update_state(classes, logits)
        assert float(accuracy.result()) == expected
    accuracy.update_state(y, logits, sample_weight=[0, 4, 0, 0])
    assert float(accuracy.result()) == 0.25  # 2 of 8
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(accuracy))
    assert type(again) is Accuracy and again.get_config() == accuracy.get_config()


def test_one_compiled_model_takes_both():
    x = np.eye(3, dtype="float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, kernel_initializer="identity")])
    jit_compile = keras.backend.backend() != "tensorflow"
    model.compile(loss=SmoothedSparseCrossEntropy(), metrics=[Accuracy()], jit_compile=jit_compile)
    history = model.fit(x, x, validation_data=(x, np.array([0, 1, 0])), epochs=1, verbose=0).history
    assert history["accuracy"] == [1.0] and history["val_accuracy"] == pytest.approx([2 / 3])
