import keras
import numpy as np
import pytest
from scipy.special import softmax

from dlkeras.models.ensembles import Ensemble, TenCrop, ten_crop


def classifier(shape=(4, 5, 2)):
    inputs = keras.Input(shape)
    x = keras.layers.Conv2D(3, 3, activation="relu")(inputs)
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Flatten()(x)))


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_ten_crop_by_hand():
    pictures = np.arange(2 * 6 * 8 * 2, dtype="float32").reshape(2, 6, 8, 2)
    crops = array(ten_crop(pictures, (3, 5)))
    plain = [pictures[:, y : y + 3, x : x + 5] for y, x in ((0, 0), (0, 3), (3, 0), (3, 3), (1, 1))]
    assert crops.shape == (2, 10, 3, 5, 2)
    for index, crop in enumerate([*plain, *(crop[:, :, ::-1] for crop in plain)]):
        np.testing.assert_array_equal(crops[:, index], crop)


def test_ten_crop_refuses_small_pictures():
    with pytest.raises(ValueError) as error:
        ten_crop(np.zeros((1, 4, 8, 3)), (5, 5))
    assert str(error.value) == "`pictures` must be at least 5 x 5. Received: shape=(1, 4, 8, 3)"


def test_harness_of_ten_crop(harness):
    inputs = np.random.uniform(-1, 1, (3, 6, 7, 2)).astype("float32")
    harness(TenCrop, {"model": classifier(), "size": (4, 5)}, inputs=inputs, output_shape=(3, 4))


def test_harness_of_ensemble(harness):
    inputs = np.random.uniform(-1, 1, (3, 4, 5, 2)).astype("float32")
    harness(Ensemble, {"models": [classifier(), classifier()]}, inputs=inputs, output_shape=(3, 4))


def test_ten_crop_averages_probabilities_at_any_size():
    model = classifier()
    averaging = TenCrop(model, (4, 5))
    for height, width in ((4, 5), (7, 9)):
        pictures = np.random.normal(size=(2, height, width, 2)).astype("float32")
        crops = array(ten_crop(pictures, (4, 5)))
        each = [softmax(model.predict(crops[:, index], verbose=0), axis=-1) for index in range(10)]
        logits = averaging.predict(pictures, verbose=0)
        np.testing.assert_allclose(softmax(logits, axis=-1), np.mean(each, axis=0), rtol=1e-4)
        np.testing.assert_allclose(np.exp(logits).sum(axis=-1), 1, rtol=1e-5)


def test_ensemble_averages_probabilities():
    models = [classifier() for _ in range(3)]
    pictures = 9 * np.random.normal(size=(2, 4, 5, 2)).astype("float32")
    each = [softmax(array(model(pictures)), axis=-1) for model in models]
    mirrored = softmax(array(models[2](pictures[:, :, ::-1])), axis=-1)
    each[2] = (each[2] + mirrored) / 2  # ten crops of pictures of just the crops' size
    logits = array(Ensemble([*models[:2], TenCrop(models[2], (4, 5))])(pictures))
    np.testing.assert_allclose(softmax(logits, axis=-1), np.mean(each, axis=0), rtol=1e-4)


def test_ensemble_refuses():
    with pytest.raises(ValueError) as error:
        Ensemble([])
    assert str(error.value) == "`models` must be at least one. Received: models=[]"


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's")
@pytest.mark.parametrize("kind", ["crops", "models"])
def test_is_exported(tmp_path, kind):
    import tensorflow as tf

    if kind == "crops":
        model, shape = TenCrop(classifier(), (4, 5)), (None, None, None, 2)
    else:
        model, shape = Ensemble([classifier(), classifier()]), (None, 4, 5, 2)
    pictures = np.random.normal(size=(2, *(side or 8 for side in shape[1:]))).astype("float32")
    model.export(tmp_path, input_signature=[keras.InputSpec(shape=shape, dtype="float32")], verbose=False)
    loaded = tf.saved_model.load(tmp_path)
    np.testing.assert_allclose(loaded.serve(pictures), array(model(pictures)), rtol=1e-5)
