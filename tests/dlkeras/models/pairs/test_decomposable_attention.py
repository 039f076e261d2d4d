import keras
import numpy as np
import pytest

from dlkeras import models
from dlkeras.models.pairs.decomposable_attention import DecomposableAttention, DistanceBias, with_alignment

TENSORFLOW = keras.backend.backend() == "tensorflow"
SMALL = {"vocabulary_size": 20, "embedding_dim": 6, "units": 5, "dropout": 0.0}
FORMS = [
    {},
    {"within": True},
    {"exact_match": False, "differences": False},
]


@pytest.fixture
def ids():
    """Four pairs of texts of several lengths; the last premise has no word."""
    ids = np.random.default_rng(0).integers(1, 20, (4, 2, 6)).astype("int32")
    ids[0, 1, :3] = ids[0, 0, :3]
    for row, lengths in enumerate(((6, 4), (2, 6), (1, 1), (0, 3))):
        for text, length in enumerate(lengths):
            ids[row, text, length:] = 0
    return ids


def _filled(model, seed=1):
    """Gives a model weights of which every one can be seen."""
    random = np.random.default_rng(seed)
    model.set_weights([random.normal(0, 0.5, weight.shape).astype("float32") for weight in model.get_weights()])
    return model


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("arguments", FORMS)
def test_harness(harness, ids, arguments):
    harness(DecomposableAttention, {**SMALL, **arguments}, inputs=ids, output_shape=(4, 3), learning_rate=0.1)


@pytest.mark.parametrize("arguments", FORMS[:2])
def test_padding_changes_nothing(ids, arguments):
    model = _filled(DecomposableAttention(**SMALL, **arguments))
    expected = _array(model(ids, training=False))
    assert np.isfinite(expected).all() and len(np.unique(expected)) == expected.size
    wider = _array(model(np.pad(ids, ((0, 0), (0, 0), (0, 7))), training=False))
    np.testing.assert_allclose(wider, expected, rtol=1e-4, atol=1e-5)
    alone = _array(model(ids[2:3, :, :1], training=False))
    np.testing.assert_allclose(alone, expected[2:3], rtol=1e-4, atol=1e-5)


def _by_hand(ids, weights, within):
    """The paper's three steps for one pair, text by text and without padding."""
    weights = iter(weights)
    vectors, projection = next(weights), next(weights)
    texts = [vectors[row[row != 0]] @ projection for row in ids]

    def dense(kernel, bias, *more):
        first = lambda x: np.maximum(x @ kernel + bias, 0)  # noqa: E731 - a layer
        return (lambda x: dense(*more)(first(x))) if more else first

    def softmax(x):
        x = np.exp(x - x.max(axis=1, keepdims=True))
        return x / x.sum(axis=1, keepdims=True)

    if within:
        inner = dense(*(next(weights) for _ in range(4)))
        bias = next(weights)
        beside = []
        for x in texts:
            places = np.arange(len(x))
            distances = np.clip(places[:, None] - places[None], -10, 10) + 10
            beside.append(np.concatenate([x, softmax(inner(x) @ inner(x).T + bias[distances]) @ x], axis=1))
        texts = beside
    attend, compare, aggregate = (dense(*(next(weights) for _ in range(4))) for _ in range(3))
    scores = attend(texts[0]) @ attend(texts[1]).T
    to_hypothesis, to_premise = softmax(scores), softmax(scores.T)
    sums = []
    for x, found, own, other in zip(
        texts, (to_hypothesis @ texts[1], to_premise @ texts[0]), ids, ids[::-1], strict=True
    ):
        known = np.array([number > 1 and number in other for number in own if number])[:, None]
        sums.append(compare(np.concatenate([x, found, x - found, x * found, known], axis=1)).sum(axis=0))
    kernel, bias = next(weights), next(weights)
    return aggregate(np.concatenate(sums)) @ kernel + bias, to_hypothesis, to_premise


@pytest.mark.parametrize("within", [False, True])
def test_by_hand(ids, within):
    model = _filled(DecomposableAttention(**SMALL, within=within))
    answer = {name: _array(value) for name, value in with_alignment(model)(ids, training=False).items()}
    np.testing.assert_allclose(answer["logits"], _array(model(ids, training=False)), rtol=1e-5)
    weights = [_array(weight) for weight in model.weights]
    for row in range(3):
        logits, to_hypothesis, to_premise = _by_hand(ids[row], weights, within)
        premise, hypothesis = to_hypothesis.shape
        np.testing.assert_allclose(answer["logits"][row], logits, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            answer["premise_to_hypothesis"][row, :premise, :hypothesis], to_hypothesis, atol=1e-5
        )
        np.testing.assert_allclose(answer["hypothesis_to_premise"][row, :hypothesis, :premise], to_premise, atol=1e-5)
        assert not answer["premise_to_hypothesis"][row, :, hypothesis:].any()


def test_distance_bias(harness):
    layer = harness(DistanceBias, {"farthest": 2}, inputs=np.zeros((2, 4, 4), "float32"), output_shape=(2, 4, 4))
    layer.bias.assign([1, 2, 3, 4, 5])
    added = _array(layer(np.ones((1, 4, 4), "float32")))[0] - 1
    np.testing.assert_array_equal(added, [[3, 2, 1, 1], [4, 3, 2, 1], [5, 4, 3, 2], [5, 5, 4, 3]])
    with pytest.raises(ValueError, match=r"`farthest` must be above 0. Received: farthest=0"):
        DistanceBias(0)


def test_the_papers_parameters():
    """382,000 beside the word vectors, which the paper does not train (its table 1)."""
    model = DecomposableAttention(vocabulary_size=2, embedding_dim=300, units=200, exact_match=False, differences=False)
    assert model.count_params() - 2 * 300 == 381_803


def test_sizes_by_name():
    for name in models.list("pairs"):
        assert models.create(name, vocabulary_size=30).output_shape == (None, 3)
    assert models.create("decomposable_attention", vocabulary_size=30, units=10).get_config()["units"] == 10


def test_dropout_acts_in_training_only(ids):
    model = DecomposableAttention(**{**SMALL, "dropout": 0.5}, embedding_dropout=0.5, word_dropout=0.5)
    expected = _array(model(ids, training=False))
    np.testing.assert_array_equal(_array(model(ids, training=False)), expected)
    assert not np.allclose(_array(model(ids, training=True)), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "`num_classes` must be at least 1"),
        ({"vocabulary_size": 1}, "`vocabulary_size` must be at least 2"),
        ({"units": 0}, "`units` must be above 0. Received: units=0"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: dropout=1.0"),
        ({"embedding_dropout": -0.1}, r"`embedding_dropout` must be in \[0, 1\)"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        DecomposableAttention(**arguments)


@pytest.mark.skipif(not TENSORFLOW, reason="a SavedModel is TensorFlow's")
def test_exports_with_any_length(ids, tmp_path):
    import tensorflow as tf

    from dlkeras.export import Endpoint, export

    model = models.create("decomposable_attention_mini", vocabulary_size=20, within=True)
    function = lambda ids: {"logits": model(ids, training=False)}  # noqa: E731 - an endpoint's
    endpoint = Endpoint("serving_default", function, {"ids": ((None, 2, None), "int32")}, {"ids": ids[:2]})
    served = tf.saved_model.load(export(model, [endpoint], tmp_path / "model")).signatures["serving_default"]
    for array in (ids, ids[2:3, :, :1]):
        logits = served(ids=tf.constant(array))["logits"].numpy()
        np.testing.assert_allclose(logits, _array(model(array, training=False)), rtol=1e-4, atol=1e-5)
