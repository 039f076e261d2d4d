"""Recurrent language models: whole texts, single steps, and states that are carried from batch to batch."""

import keras
import numpy as np
import pytest

from dlkeras.models.text.recurrent_language import VARIANTS, RecurrentLanguageModel

TENSORFLOW = keras.backend.backend() == "tensorflow"
ON_TENSORFLOW = pytest.mark.skipif(not TENSORFLOW, reason="JAX compiles each loop and each size for seconds")
SMALL = {"vocabulary_size": 9, "embedding_dim": 4, "units": 5}
FORMS = [{"cell": "rnn", "depth": 1}, {"cell": "gru"}, {"cell": "lstm", "tied": True, "embedding_dim": 5}]


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def ids():
    """Three texts: a long one, a shorter one, one of one id; padding after them."""
    ids = np.random.default_rng(0).integers(1, 9, (3, 6)).astype("int32")
    ids[1, 4:] = ids[2, 1:] = 0
    return ids


def _model(**arguments):
    """Builds a model all of whose weights are something."""
    model = RecurrentLanguageModel(**{**SMALL, **arguments})
    model.set_weights([np.random.default_rng(1).normal(size=weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("arguments", FORMS)
def test_harness(harness, ids, arguments):
    harness(RecurrentLanguageModel, {**SMALL, **arguments}, inputs=ids + 1, output_shape=(3, 6, 9), learning_rate=0.1)


@pytest.mark.parametrize("arguments", FORMS if TENSORFLOW else FORMS[2:])
def test_steps_give_what_the_whole_text_gives(ids, arguments):
    model = _model(**arguments)
    expected = _array(model(ids, training=False))
    # A prompt of 2 ids, of fewer, of none; then the rest, a step a time, in two beams that are alike.
    prompts = np.array([ids[0, :2], [0, ids[1, 0]], [0, 0]])
    memory, state = model.start(prompts)
    assert memory == {}
    for row, read in ((0, 2), (1, 1), (2, 0)):
        rest = [keras.ops.repeat(leaf[row : row + 1], 2, axis=1) for leaf in keras.tree.flatten(state)]
        beams = keras.tree.pack_sequence_as(state, rest)
        for place in range(read, np.count_nonzero(ids[row])):
            logits, beams = model.step(np.full((1, 2), ids[row, place], "int32"), {}, beams)
            assert logits.shape == (1, 2, 9)
            for beam in range(2):
                np.testing.assert_allclose(_array(logits)[0, beam], expected[row, place], rtol=1e-5, atol=1e-5)


@ON_TENSORFLOW
def test_padding_before_a_prompt_leaves_the_state_at_zero(ids):
    model = _model()
    for prompt in (np.zeros((2, 0), "int32"), np.zeros((2, 3), "int32")):
        _, state = model.start(prompt)
        for leaf in keras.tree.flatten(state):
            assert leaf.shape == (2, 1, 5) and not _array(leaf).any()
    alone, padded = (model.start(prompt)[1] for prompt in (ids[:1], np.pad(ids[:1], ((0, 0), (4, 0)))))
    for leaf, other in zip(keras.tree.flatten(alone), keras.tree.flatten(padded), strict=True):
        assert _array(leaf).any()
        np.testing.assert_allclose(_array(leaf), _array(other), atol=1e-6)


def test_reads_on_from_a_state(ids):
    model = _model()
    whole, _ = model.read(ids[:1])
    state = model.zero_state(1)
    for part in np.split(ids[:1], 2, axis=1):
        logits, state = model.read(part, state)
    np.testing.assert_allclose(_array(logits), _array(whole)[:, 3:], rtol=1e-5, atol=1e-5)


@ON_TENSORFLOW
def test_sizes_by_name():
    for kind, arguments in VARIANTS.values():
        model = kind(vocabulary_size=30, **arguments)
        assert model.output_shape == (None, None, 30)
    # Each of an LSTM's four gates has a bias and looks at what comes in and at the state.
    expected = 66 * 64 + 4 * 256 * (64 + 256 + 1) + 4 * 256 * (256 + 256 + 1) + 257 * 66
    assert RecurrentLanguageModel().count_params() == expected


@ON_TENSORFLOW
def test_dropout_acts_in_training_only(ids):
    model = _model(dropout=0.5)
    np.testing.assert_array_equal(_array(model(ids)), _array(model(ids)))
    assert not np.allclose(_array(model(ids)), _array(model(ids, training=True)))


@pytest.mark.skipif(not TENSORFLOW, reason="states are carried by TensorFlow")
def test_carries_states_through_a_trained_graph(ids, tmp_path):
    text = np.random.default_rng(2).integers(1, 9, (3, 17)).astype("int32")
    models = [_model(cell="gru") for _ in range(2)]
    for model in models:
        # No step at all, so that losses can be compared.
        model.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    whole, carrying = models
    carrying.train_on_batch(text[:, :4], text[:, 1:5])  # traced before it carries
    carrying.carry(3)
    expected = float(whole.train_on_batch(text[:, :16], text[:, 1:]))
    parts = [(text[:, begin : begin + 4], text[:, begin + 1 : begin + 5]) for begin in range(0, 16, 4)]
    for _ in range(2):
        losses = [float(carrying.train_on_batch(x, y)) for x, y in parts]
        assert np.mean(losses) == pytest.approx(expected, rel=1e-5)
        carrying.forget()
    # Nothing of it is in what is saved.
    carrying.save(tmp_path / "model.keras")
    carrying.save_weights(tmp_path / "model.weights.h5")
    whole.load_weights(tmp_path / "model.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for model in (whole, loaded):
        np.testing.assert_allclose(_array(model(ids)), _array(carrying(ids)), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(TENSORFLOW, reason="states are carried by TensorFlow")
def test_another_backend_refuses_to_carry():
    with pytest.raises(
        ValueError, match="States are carried from batch to batch by the TensorFlow backend on one device"
    ):
        _model().carry(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": "elman"}, "`cell` must be one of rnn, gru, lstm. Received: cell='elman'"),
        ({"depth": 0}, "`depth` must be above 0. Received: depth=0"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: dropout=1.0"),
        (
            {"tied": True},
            "`embedding_dim` must be `units` where the output is tied. Received: embedding_dim=4, units=5",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        RecurrentLanguageModel(**{**SMALL, **arguments})
