import keras
import numpy as np
import pytest
from keras import ops

from dlkeras.models.text.seq2seq import VARIANTS, Seq2Seq

TENSORFLOW = keras.backend.backend() == "tensorflow"
SMALL = {"vocabulary_size": 20, "embedding_dim": 5, "units": 6}
FORMS = [
    {"depth": 2},
    {"attention": "bahdanau", "cell": "lstm", "depth": 2},
    {"attention": "luong", "bidirectional": False},
]
# JAX compiles every operation anew for every shape: there one form is enough.
COMPARED = FORMS if TENSORFLOW else [{"attention": "bahdanau"}]


@pytest.fixture
def ids():
    """Four pairs: long and long, long and short, short and long, and of one token each."""
    ids = np.random.default_rng(0).integers(1, 20, (4, 2, 6)).astype("int32")
    for row, lengths in enumerate(((6, 6), (5, 2), (3, 6), (1, 1))):
        for side, length in enumerate(lengths):
            ids[row, side, length:] = 0
    return ids


def _model(**arguments):
    """Returns a model all of whose weights, and so its answers, are far apart."""
    model = Seq2Seq(**SMALL, **arguments)
    random = np.random.default_rng(1)
    model.set_weights([random.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def _steps(model, ids):
    """Yields the logits and the state after each token of a translation, and the state before it."""
    memory, state = model.start(ids[:, 0])
    for place in range(ids.shape[2]):
        before = state
        logits, state = model.step(ids[:, 1, place : place + 1], memory, state)
        yield ops.convert_to_numpy(logits)[:, 0], state["layers"], before["layers"]


@pytest.mark.parametrize("form", FORMS)
def test_harness(harness, ids, form):
    harness(Seq2Seq, {**SMALL, **form}, inputs=ids, output_shape=(4, 6, 20), learning_rate=10.0)


@pytest.mark.parametrize("form", COMPARED)
def test_token_by_token_and_padding(ids, form):
    model = _model(**form)
    expected = ops.convert_to_numpy(model(ids))
    assert expected.std() > 1
    stepped = np.stack([logits for logits, *_ in _steps(model, ids)], axis=1)
    np.testing.assert_allclose(stepped, expected, rtol=1e-5, atol=1e-5)
    if not TENSORFLOW:
        return
    padded = ops.convert_to_numpy(model(np.pad(ids, ((0, 0), (0, 0), (0, 3)))))
    np.testing.assert_allclose(padded[:, :6], expected, rtol=1e-5, atol=1e-5)
    # A source as short as it can be; a target may be of another length when it is decoded.
    memory, state = model.start(ids[2:3, 0, :3])
    logits, _ = model.step(ids[2:3, 1, :1], memory, state)
    np.testing.assert_allclose(ops.convert_to_numpy(logits)[:, 0], expected[2:3, 0], rtol=1e-5, atol=1e-5)


def test_beams_of_a_row_share_its_memory(ids):
    model = _model(**COMPARED[-1])
    memory, state = model.start(ids[:, 0])
    tiled = keras.tree.map_structure(lambda leaf: ops.repeat(leaf, 3, axis=1), state)
    tokens = np.random.default_rng(2).integers(1, 20, (4, 3)).astype("int32")
    logits, after = model.step(tokens, memory, tiled)
    assert {tuple(leaf.shape) for leaf in keras.tree.flatten(after)} == {(4, 3, 6)}
    for beam in range(3):
        alone, _ = model.step(tokens[:, beam : beam + 1], memory, state)
        np.testing.assert_allclose(
            ops.convert_to_numpy(logits)[:, beam], ops.convert_to_numpy(alone)[:, 0], rtol=1e-5, atol=1e-5
        )


def _softmax(scores, keep):
    scores = np.where(keep, np.exp(scores - scores.max()), 0)
    return scores / scores.sum()


@pytest.mark.parametrize("attention", ["bahdanau", "luong"] if TENSORFLOW else ["luong"])
def test_attention_weights_by_hand(ids, attention):
    model = _model(attention=attention, depth=2, bidirectional=attention == "bahdanau")
    weights = ops.convert_to_numpy(model.attention_weights(ids))
    assert weights.shape == (4, 6, 6) and weights.dtype == "float32"
    np.testing.assert_allclose(weights.sum(-1), ids[:, 1] != 0, rtol=1e-5, atol=1e-6)
    keys = ops.convert_to_numpy(model.start(ids[:, 0])[0]["keys"])
    for place, (_, after, before) in enumerate(_steps(model, ids)):
        # Bahdanau asks with the first layer's state before the token, Luong with the last one's after it.
        query = ops.convert_to_numpy(before[0][0] if attention == "bahdanau" else after[1][0])[:, 0]
        if attention == "bahdanau":
            layer = model.get_layer("decoder1").attention
            projection, vector = (ops.convert_to_numpy(weight) for weight in (layer.projection.kernel, layer.vector))
            scores = np.tanh((query @ projection)[:, None] + keys) @ vector[:, 0]
        else:
            scores = np.einsum("bsu,bu->bs", keys, query)
        for row, source in enumerate(ids[:, 0]):
            expected = _softmax(scores[row], source != 0) * (ids[row, 1, place] != 0)
            np.testing.assert_allclose(weights[row, place], expected, rtol=1e-3, atol=1e-5)
            assert (weights[row, place][source == 0] == 0).all()


@pytest.mark.skipif(not TENSORFLOW, reason="it is the same on JAX, and slow to compile")
def test_dropout_acts_in_training_only(ids):
    model = Seq2Seq(**SMALL, attention="luong", dropout=0.5)
    np.testing.assert_array_equal(ops.convert_to_numpy(model(ids)), ops.convert_to_numpy(model(ids)))
    assert not np.allclose(ops.convert_to_numpy(model(ids)), ops.convert_to_numpy(model(ids, training=True)))
    stepped = np.stack([logits for logits, *_ in _steps(model, ids)], axis=1)
    np.testing.assert_allclose(stepped, ops.convert_to_numpy(model(ids)), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not TENSORFLOW, reason="a graph is TensorFlow's")
def test_in_a_graph_of_any_size_and_in_mixed_precision(ids):
    import tensorflow as tf

    keras.config.set_dtype_policy("mixed_bfloat16")
    model = Seq2Seq(**SMALL, **FORMS[1])
    source = tf.TensorSpec((None, None), "int32")

    @tf.function(input_signature=[source, source])
    def decode(source, tokens):
        memory, state = model.start(source)
        beams = tf.shape(tokens)[1]
        state = tf.nest.map_structure(lambda leaf: tf.repeat(leaf, beams, axis=1), state)
        return model.step(tokens, memory, state)

    tokens = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], "int32")
    logits, state = decode(ids[:, 0], tokens)
    assert logits.dtype == tf.float32 and logits.shape == (4, 2, 20)
    assert {tuple(leaf.shape) for leaf in tf.nest.flatten(state)} == {(4, 2, 6)}
    whole = model(np.stack([ids[:, 0], np.pad(tokens[:, 1:], ((0, 0), (0, 5)))], axis=1))
    np.testing.assert_allclose(logits[:, 1].numpy(), whole[:, 0].numpy(), atol=1e-3)


@pytest.mark.skipif(not TENSORFLOW, reason="it is the same on JAX, and slow to compile")
def test_sizes_by_name():
    for name, (kind, arguments) in VARIANTS.items():
        model = kind(name=name, vocabulary_size=30, **arguments)
        assert model.output_shape == (None, None, 30) and arguments.items() <= model.get_config().items()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": "rnn"}, "`cell` must be one of gru, lstm. Received: cell='rnn'"),
        ({"attention": "self"}, "`attention` must be one of none, bahdanau, luong. Received: attention='self'"),
        ({"depth": 0}, "`depth` must be above 0. Received: depth=0"),
        ({"units": 5}, "`units` must be even where the encoder is bidirectional. Received: units=5"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Seq2Seq(**{**SMALL, **arguments})


def test_without_attention_there_are_no_weights(ids):
    with pytest.raises(ValueError, match="`attention_weights` needs a model with attention bahdanau or luong"):
        Seq2Seq(**SMALL).attention_weights(ids)
