import keras
import numpy as np
import pytest

from dlkeras.losses import SmoothedSparseCrossEntropy


@pytest.fixture
def batch():
    return np.arange(6, dtype="int32") % 4, np.random.normal(scale=3, size=(6, 4)).astype("float32")


def number(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", None])
def test_equals_keras_on_one_hot(batch, smoothing, reduction):
    y, logits = batch
    reference = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction=reduction)
    ours = SmoothedSparseCrossEntropy(smoothing, reduction=reduction)
    weight = np.linspace(0, 1, 6).astype("float32")
    for arguments in ({}, {"sample_weight": weight}):
        expected = number(reference(keras.ops.one_hot(y, 4), logits, **arguments))
        np.testing.assert_allclose(number(ours(y, logits, **arguments)), expected, rtol=1e-5)
        np.testing.assert_allclose(number(ours(y[:, None], logits, **arguments)), expected, rtol=1e-5)


def test_without_smoothing_equals_the_sparse_one(batch):
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(*batch)
    np.testing.assert_allclose(number(SmoothedSparseCrossEntropy()(*batch)), number(expected), rtol=1e-6)


def test_by_hand():
    # Logits 0, 0, ln 2: probabilities 1/4, 1/4, 1/2; a tenth of the target is spread over three classes.
    loss = SmoothedSparseCrossEntropy(0.1)(np.array([2]), np.log([[1.0, 1.0, 2.0]]).astype("float32"))
    by_hand = 0.9 * np.log(2) + 0.1 * (2 * np.log(4) + np.log(2)) / 3
    np.testing.assert_allclose(number(loss), by_hand, rtol=1e-6)


def test_a_class_a_token(batch):
    y, logits = batch
    loss = SmoothedSparseCrossEntropy(0.1, reduction=None)
    tokens = number(loss(y.reshape(2, 3), logits.reshape(2, 3, 4)))
    np.testing.assert_allclose(tokens, number(loss(y, logits)).reshape(2, 3), rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_takes_probabilities(batch, smoothing):
    _, logits = batch
    targets = np.random.dirichlet(np.ones(4), 6).astype("float32")
    reference = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    loss = SmoothedSparseCrossEntropy(smoothing)
    np.testing.assert_allclose(number(loss(targets, logits)), number(reference(targets, logits)), rtol=1e-5)
    tokens = loss(targets.reshape(2, 3, 4), logits.reshape(2, 3, 4))
    np.testing.assert_allclose(number(tokens), number(loss(targets, logits)), rtol=1e-6)


def test_as_many_tokens_as_classes_are_class_numbers():
    logits = np.random.normal(size=(2, 4, 4)).astype("float32")
    y = np.array([[0, 1, 2, 3], [3, 0, 0, 1]])
    reference = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(number(SmoothedSparseCrossEntropy()(y, logits)), number(reference(y, logits)), rtol=1e-6)


def test_a_single_class_has_no_loss():
    assert number(SmoothedSparseCrossEntropy()(np.zeros((3, 1)), np.ones((3, 1), "float32"))) == 0


def test_large_logits_stay_finite():
    logits = np.array([[1e4, -1e4]], "float32")
    assert np.isfinite(number(SmoothedSparseCrossEntropy(0.1)(np.array([1]), logits)))


def test_is_saved_with_the_model(tmp_path, batch):
    loss = SmoothedSparseCrossEntropy(0.2, name="other", reduction="sum")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is SmoothedSparseCrossEntropy and again.get_config() == loss.get_config()

    y, logits = batch
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile("sgd", SmoothedSparseCrossEntropy(0.2), jit_compile=keras.backend.backend() != "tensorflow")
    first = model.fit(logits, y, epochs=20, verbose=0).history["loss"]
    assert first[-1] < first[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.evaluate(logits, y, verbose=0), model.evaluate(logits, y, verbose=0), rtol=1e-5)


@pytest.mark.parametrize("smoothing", [-0.1, 1, 1.5, float("nan")])
def test_refuses(smoothing):
    with pytest.raises(ValueError) as error:
        SmoothedSparseCrossEntropy(smoothing)
    assert str(error.value) == f"`label_smoothing` must be in [0, 1). Received: label_smoothing={smoothing}"
