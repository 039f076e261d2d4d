"""A long text as training batches: windows at random places, or lanes that are read in order."""

import keras
import numpy as np
from keras import ops

from dlkeras.checks import check_positive
from dlkeras.data.splits import Examples
from dlkeras.losses.sequences import token_losses
from dlkeras.training.batches import Batches


def cut_blocks(ids, block):
    """Cuts a text into rows that do not overlap, each id but the first to be predicted once.

    Args:
        ids: Array `(ids,)`, two at least, none of them 0.
        block: Ids a row.

    Returns:
        `Examples` of `int32` `(rows, block)`, `y` the ids that come next; the last row is filled up with 0, which is
        padding.

    Raises:
        ValueError: There are fewer than two ids, an id is below 1, or `block` is.
    """
    check_positive("block", block)
    ids = np.asarray(ids, "int32")
    if len(ids) < 2 or ids.min() < 1:
        raise ValueError(f"`ids` must be two at least, each above 0. Received: {len(ids)} ids, {ids[:8].tolist()}")
    size = -(-(len(ids) - 1) // block) * block
    rows = [np.pad(part, (0, size - len(part))).reshape(-1, block) for part in (ids[:-1], ids[1:])]
    return Examples(*rows)


def join_blocks(examples):
    """Returns the ids `(ids,)` that `cut_blocks` made rows of."""
    y = examples.y.ravel()
    return np.concatenate([examples.x[0, :1], y[y != 0]])


class _TextBatches(Batches):
    """Batches of windows of a text: ids `(batch, block)` and the ids that come next, at `_places` of them."""

    def __init__(self, examples, batch_size, seed, epoch=0, transform=None, *, steps=0):
        self._ids = join_blocks(examples)
        self._block = examples.x.shape[1]
        self._steps = steps
        super().__init__(examples, batch_size, seed, epoch, transform)

    def __len__(self):
        return self._steps or super().__len__()

    def begin_epoch(self, epoch):
        self._epoch = epoch

    def __getitem__(self, index):
        random = np.random.default_rng((self._seed, self._epoch, index))
        places = self._places(index, random)[:, None] + np.arange(self._block + 1)
        windows = self._ids.take(places, mode="wrap")  # only lanes go over the end
        x, y = windows[:, :-1], windows[:, 1:]
        return (x, y) if self._transform is None else self._transform(x, y, random)

    def _places(self, index, random):
        """Returns where each row of a batch begins: `(batch,)`."""
        raise NotImplementedError


class WindowBatches(_TextBatches):
    """Windows of a text at random places, which may overlap.

    Args:
        examples: What `cut_blocks` made of the text; its blocks give the windows' length.
        batch_size: Windows a batch.
        seed: Seed of the places.
        epoch: Epoch to begin with.
        transform: As of `Batches`.
        steps: Batches an epoch; 0 for as many as make up the text's length.

    Raises:
        ValueError: The text is no longer than a window.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if len(self._ids) <= self._block:
            raise ValueError(
                f"`examples` must be a text of more than {self._block} ids, the length of a window. "
                f"Received: {len(self._ids)} ids"
            )

    def _places(self, index, random):
        return random.integers(0, len(self._ids) - self._block, self._batch_size)


class StreamBatches(_TextBatches):
    """A text in `batch_size` lanes side by side, each read in order: a batch has the next block of every lane.

    A model that keeps its state from batch to batch so reads on where it was (truncated backpropagation through time).
    Each epoch the lanes begin at other places of the text, whose end is followed by its beginning. Only then does a
    model see how texts begin: before it has begun a second time, it may do badly where it has read nothing.

    Args:
        examples: What `cut_blocks` made of the text; its blocks give the length that gradients go back.
        batch_size: Lanes.
        seed: Seed of the places.
        epoch: Epoch to begin with.
        transform: As of `Batches`.
        steps: Batches an epoch; 0 for as many as make up the text's length.
        model: Keeps its state: `model.carry(batch_size)` is called before the first epoch, and `model.forget()` as each
            begins; `model.carry(0)` ends it. See `dlkeras.models.text.recurrent_language`. `None` for none.
    """

    def __init__(self, *args, model=None, **kwargs):
        self._model = None
        super().__init__(*args, **kwargs)
        if model is not None:
            model.carry(self._batch_size)
        self._model = model

    def begin_epoch(self, epoch):
        super().begin_epoch(epoch)
        self._offset = np.random.default_rng((self._seed, epoch)).integers(len(self._ids))
        if self._model is not None:
            self._model.forget()

    def _places(self, index, random):
        lane = len(self._ids) // self._batch_size
        return self._offset + lane * np.arange(self._batch_size) + index * self._block


def evaluate_stream(model, ids, block=256, lanes=1):
    """Measures a recurrent model on a text that it reads from beginning to end, its state carried all the way.

    Args:
        model: With `read(ids, state)` and `zero_state(batch)`, see `dlkeras.models.text.recurrent_language`.
        ids: As of `cut_blocks`.
        block: Ids that are read at once.
        lanes: Pieces of equal length that the text is cut into and that are read side by side, which is quicker; each
            begins in the state of before any text.

    Returns:
        Mean cross-entropy of all ids but the first, in nats.

    Raises:
        ValueError: There are fewer than two ids, an id is below 1, or `block` or `lanes` is.
    """
    check_positive("block", block)
    check_positive("lanes", lanes)
    x, y = cut_blocks(ids, max(1, -(-(len(ids) - 1) // lanes)))
    reader, state = _reader(model), model.zero_state(len(x))
    total = 0.0
    for begin in range(0, x.shape[1], block):
        columns = slice(begin, begin + block)
        logits, state = reader.predict_on_batch([x[:, columns], state])
        losses, counts = token_losses(y[:, columns], logits)
        total += float(ops.sum(losses * counts))
    return total / np.count_nonzero(y)


def _reader(model):
    """Returns the model's `read` as a Keras model, which makes a graph of it."""
    ids = keras.Input((None,), dtype="int32")
    state = keras.tree.map_structure(lambda x: keras.Input(x.shape[1:], dtype=x.dtype), model.zero_state(1))
    return keras.Model([ids, state], model.read(ids, state))
