"""Documents as BERT reads them: `[CLS] A [SEP] B [SEP]`, where B follows A in its document, or is from elsewhere.

Source: Devlin et al. 2018, "BERT: pre-training of deep bidirectional transformers for language understanding".
"""

import itertools

import numpy as np

from dlkeras.checks import check_positive

NEXT, ELSEWHERE, ALONE = 1, 0, -1
"""Labels: B follows A, it does not, and there is no B."""

_SPECIAL = 3  # tokens besides those of the sentences


def pack(vocabulary, first, second, length):
    """Writes pairs of texts as BERT reads them; the longer text of a pair loses its end first.

    Args:
        vocabulary: `Vocabulary` with `begin`, `separator` and `padding`.
        first: List of lists of ids.
        second: Likewise; an empty one is left out with its separator.
        length: Tokens of a pair at most, at least 5.

    Returns:
        int32 `(pairs, 2, length)`: ids, and 1 where a token is of the second text or its separator.
    """
    begin, separator = (vocabulary.ids[vocabulary.reserved[part]] for part in ("begin", "separator"))
    packed = np.zeros((len(first), 2, length), "int32")
    packed[:, 0] = vocabulary.padding
    for row, a, b in zip(packed, first, second, strict=True):
        a, b = shortened(a, b, length - _SPECIAL)
        ids = [begin, *a, separator, *([*b, separator] if len(b) else [])]
        row[0, : len(ids)] = ids
        row[1, len(a) + 2 : len(ids)] = 1
    return packed


def shortened(a, b, room):
    """Cuts the ends of two lists so that both fit into a room: first that of the longer one, then both alike."""
    over = max(0, len(a) + len(b) - room)
    uneven = min(over, abs(len(a) - len(b)))
    both, odd = divmod(over - uneven, 2)
    cut_a, cut_b = (both + uneven, both + odd) if len(a) > len(b) else (both, both + odd + uneven)
    return a[: len(a) - cut_a], b[: len(b) - cut_b]


def make_sentence_pairs(documents, vocabulary, length, seed):
    """Makes examples of documents: as many sentences in a row as there is room for, parted in two at random.

    In half of them the second part is exchanged for sentences of another place. A document of one sentence, and a
    sentence that fills the room, stand alone.

    Args:
        documents: List of documents, each a list of sentences, each a list of ids.
        vocabulary: Their `Vocabulary`; see `pack`.
        length: Tokens of an example at most.
        seed: Seed of all draws.

    Returns:
        `(x, y)`: int32 `(examples, 2, length)` as `pack` gives them, and int32 `(examples,)` of `NEXT`, `ELSEWHERE` and
        `ALONE`.
    """
    check_positive("length", length)
    random = np.random.default_rng(seed)
    sentences = [sentence for document in documents for sentence in document]
    first, second, labels = [], [], []
    for document in documents:
        for chunk in _chunks(document, length - _SPECIAL):
            a, b, label = _part(chunk, sentences, length - _SPECIAL, random)
            first.append(a)
            second.append(b)
            labels.append(label)
    return pack(vocabulary, first, second, length), np.array(labels, "int32")


def _chunks(document, room):
    """Yields lists of sentences in a row that fit; a longer one alone."""
    chunk, used = [], 0
    for sentence in document:
        if chunk and used + len(sentence) > room:
            yield chunk
            chunk, used = [], 0
        chunk.append(sentence)
        used += len(sentence)
    if chunk:
        yield chunk


def _part(chunk, sentences, room, random):
    if len(chunk) == 1:
        return chunk[0], [], ALONE
    cut = random.integers(1, len(chunk))
    a, b = _joined(chunk[:cut]), _joined(chunk[cut:])
    if random.random() < 0.5:
        return a, b, NEXT
    start = random.integers(len(sentences))
    return a, _fill(sentences, start, len(b), room - len(a)), ELSEWHERE


def _fill(sentences, start, wanted, room):
    """Returns the sentences from a place on until there are about as many tokens as wanted."""
    found = []
    for place in range(start, len(sentences)):
        if found and (len(found) >= wanted or len(found) + len(sentences[place]) > room):
            break
        found.extend(sentences[place])
    return found


def _joined(sentences):
    return [*itertools.chain.from_iterable(sentences)]
