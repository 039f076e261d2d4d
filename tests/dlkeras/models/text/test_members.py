"""Members learn each by itself, and answer together."""

import keras
import numpy as np

from dlkeras.models.text.bag_of_words import BagOfWords
from dlkeras.models.text.members import Members, members_of

TENSORFLOW = keras.backend.backend() == "tensorflow"
IDS = np.array([[2, 3, 0], [4, 5, 6], [7, 2, 1]], "int32")
CLASSES = np.array([0, 1, 1])


def _alone(seed):
    keras.utils.set_random_seed(seed)
    return BagOfWords(vocabulary_size=8, embedding_dim=3)


def _compile(model, rate):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), loss, metrics=["accuracy"], jit_compile=not TENSORFLOW)


def test_each_learns_as_if_it_were_alone():
    together = Members([_alone(0), _alone(1)])
    _compile(together, 2.0)
    for _ in range(3):
        history = together.train_on_batch(IDS, CLASSES, return_dict=True)
    for seed, member in enumerate(members_of(together)):
        alone = _alone(seed)
        _compile(alone, 1.0)  # the loss is the mean of two
        for _ in range(3):
            alone.train_on_batch(IDS, CLASSES)
        for weight, expected in zip(member.get_weights(), alone.get_weights(), strict=True):
            np.testing.assert_allclose(weight, expected, atol=1e-6)
    assert {"loss", "accuracy"} <= history.keys()


def test_the_answer_is_the_mean_probability():
    models = [_alone(0), _alone(1)]
    together = Members(models)
    softmax = lambda model: keras.ops.convert_to_numpy(keras.ops.softmax(model(IDS)))  # noqa: E731
    np.testing.assert_allclose(softmax(together), np.mean([softmax(model) for model in models], axis=0), atol=1e-6)
    _compile(together, 0.1)
    loss, _ = together.evaluate(IDS, CLASSES, verbose=0)
    np.testing.assert_allclose(loss, -np.log(softmax(together)[np.arange(3), CLASSES]).mean(), rtol=1e-5)
    assert members_of(models[0]) == [models[0]]


def test_saved_as_keras_it_is_the_same(tmp_path):
    together = Members([_alone(0), _alone(1)])
    together.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is Members
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(IDS)), keras.ops.convert_to_numpy(together(IDS)))
