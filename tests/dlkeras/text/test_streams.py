import functools
import shutil

import keras
import numpy as np
import pytest

from dlkeras.losses.sequences import MaskedCrossEntropy
from dlkeras.models.text.recurrent_language import RecurrentLanguageModel
from dlkeras.text.streams import StreamBatches, WindowBatches, cut_blocks, evaluate_stream, join_blocks
from dlkeras.training import fit

BLOCK = 8


@pytest.fixture
def ids():
    """A text of which each id tells its place: no two are the same."""
    return np.arange(1, 204, dtype="int32")


@pytest.fixture
def text():
    """A text of five letters, each of which says a little of the next."""
    random = np.random.default_rng(0)
    return (np.cumsum(random.integers(1, 3, 400)) % 5 + 1).astype("int32")


def _batches(batches):
    return [batches[index] for index in range(len(batches))]


def _model(**arguments):
    keras.utils.set_random_seed(1)
    model = RecurrentLanguageModel(vocabulary_size=6, embedding_dim=4, units=6, depth=1, **arguments)
    model.compile(keras.optimizers.Adam(0.02), MaskedCrossEntropy(), jit_compile=False)
    return model


def test_blocks_predict_each_id_once(ids):
    examples = cut_blocks(ids, BLOCK)
    assert examples.x.shape == examples.y.shape == (26, BLOCK) and examples.x.dtype == examples.y.dtype == "int32"
    np.testing.assert_array_equal(examples.x.ravel()[:202], ids[:-1])
    np.testing.assert_array_equal(examples.y.ravel()[:202], ids[1:])
    assert not examples.x.ravel()[202:].any() and not examples.y.ravel()[202:].any()
    np.testing.assert_array_equal(join_blocks(examples), ids)
    assert cut_blocks(ids[:9], BLOCK).x.shape == (1, BLOCK)


def test_windows_are_anywhere_and_those_of_the_seed(ids):
    examples = cut_blocks(ids, BLOCK)
    batches = _batches(WindowBatches(examples, 4, seed=1, steps=600))
    assert len(batches) == 600
    begins = np.concatenate([x[:, 0] for x, _ in batches])
    for x, y in batches:
        assert x.shape == (4, BLOCK)
        np.testing.assert_array_equal(x, x[:, :1] + np.arange(BLOCK))
        np.testing.assert_array_equal(y, x + 1)
    # Each of the 195 windows of the text, about 12 times.
    assert set(begins.tolist()) == {*range(1, 196)}
    assert np.bincount(begins).max() < 40
    # An epoch follows from seed and number alone, and is not the one before.
    second = WindowBatches(examples, 4, seed=1, epoch=1, steps=600)
    again = WindowBatches(examples, 4, seed=1, steps=600)
    again.begin_epoch(1)
    np.testing.assert_array_equal(second[7], again[7])
    assert not np.array_equal(second[7], batches[7])
    assert len(WindowBatches(examples, 4, seed=1)) == 26 // 4


def test_lanes_are_read_in_order(ids):
    examples = cut_blocks(ids, BLOCK)
    offsets = set()
    for epoch in range(5):
        batches = _batches(StreamBatches(examples, 4, seed=1, epoch=epoch))
        assert len(batches) == 6
        lanes = np.concatenate([x for x, _ in batches], axis=1)
        following = np.concatenate([y for _, y in batches], axis=1)
        # The text's beginning follows its end.
        np.testing.assert_array_equal(lanes[:, 1:], lanes[:, :-1] % len(ids) + 1)
        np.testing.assert_array_equal(following, lanes % len(ids) + 1)
        assert set(np.diff(lanes[:, 0])) <= {50, 50 - len(ids)} and len(np.unique(lanes)) == 4 * 6 * BLOCK
        offsets.add(lanes[0, 0])
    assert len(offsets) == 5
    short = _batches(StreamBatches(examples, 4, seed=1, epoch=4, steps=2))
    np.testing.assert_array_equal(short, batches[:2])


def test_batches_are_transformed_by_random_numbers_of_their_own(ids):
    def transform(x, y, random):
        return x, np.full_like(y, random.integers(1000))

    batches = StreamBatches(cut_blocks(ids, BLOCK), 4, seed=1, transform=transform)
    assert batches[0][1][0, 0] == batches[0][1][0, 0] != batches[1][1][0, 0]


def test_a_run_with_carried_states_goes_on_as_if_unbroken(text, tmp_path):
    train, validation = cut_blocks(text[:300], BLOCK), cut_blocks(text[300:], BLOCK)
    carried = []

    def run(folder, **watching):
        model = _model(cell="rnn", dropout=0.1)
        options = {"batch_size": 4, "seed": 3, "monitor": "val_loss", "epochs": 2}
        watch = keras.callbacks.LambdaCallback(**watching)
        batches = functools.partial(StreamBatches, model=model)
        fit(model, train, validation, folder, batches=batches, callbacks=[watch], **options)
        carried.append(_carried(model))
        return model

    def leave(epoch, logs):
        if epoch == 1:  # as a run is left that is killed then
            shutil.copytree(tmp_path / "whole", tmp_path / "broken")

    whole = run(tmp_path / "whole", on_epoch_begin=leave)
    again = run(tmp_path / "broken")
    for weight, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    np.testing.assert_array_equal(*carried)
    assert np.abs(carried).min() > 0


def _carried(model):
    return np.stack(
        [state.numpy() for layer in model.layers if layer.name == "rnn1" for state in layer._carried.states]
    )


def test_a_stream_is_measured_in_one_go(text):
    model = _model(cell="rnn")
    lanes, lane = 3, 133
    losses = []
    for begin in range(0, len(text) - 1, lane):
        part = text[begin : begin + lane + 1]
        logits = np.array(model(part[None, :-1]), "float64")[0]
        losses += [np.log(np.exp(row).sum()) - row[token] for row, token in zip(logits, part[1:], strict=True)]
    assert len(losses) == len(text) - 1
    assert evaluate_stream(model, text, block=50, lanes=lanes) == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cut_blocks([1], BLOCK), r"`ids` must be two at least, each above 0. Received: 1 ids, \[1\]"),
        (
            lambda: cut_blocks([1, 0, 2], BLOCK),
            r"`ids` must be two at least, each above 0. Received: 3 ids, \[1, 0, 2\]",
        ),
        (lambda: cut_blocks([1, 2], 0), "`block` must be above 0. Received: block=0"),
        (
            lambda: WindowBatches(cut_blocks(range(1, 9), BLOCK), 4, seed=0),
            "`examples` must be a text of more than 8 ids, the length of a window. Received: 8 ids",
        ),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
