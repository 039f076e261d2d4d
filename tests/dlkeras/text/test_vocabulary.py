import pytest

from dlkeras.text import RESERVED, Vocabulary


def test_frequent_tokens_come_first_and_rare_ones_not_at_all():
    vocabulary = Vocabulary.of([*"bacbdaba"], min_frequency=2)
    assert vocabulary.tokens == ["[PAD]", "[UNK]", "a", "b"]
    assert (vocabulary.padding, vocabulary.unknown, len(vocabulary)) == (0, 1, 4)
    assert [vocabulary.id_of(token) for token in ("a", "b", "c")] == [2, 3, 1]
    assert "a" in vocabulary and "c" not in vocabulary


def test_the_size_holds_what_is_reserved():
    parts = [*RESERVED]
    vocabulary = Vocabulary.of({"x": 3, "y": 2, "z": 9, "[MASK]": 99}, max_size=8, reserved=parts)
    assert vocabulary.tokens == [*RESERVED.values(), "z", "x"]
    assert [vocabulary.ids[RESERVED[part]] for part in parts] == [0, 1, 2, 3, 4, 5]
    assert vocabulary.silent == {0, 2, 3, 4, 5}


def test_ids_to_tokens():
    vocabulary = Vocabulary.of(["a"])
    assert [vocabulary.token_of(number) for number in range(3)] == ["[PAD]", "[UNK]", "a"]
    for number in (-1, 3, 1.0):
        with pytest.raises(ValueError, match=rf"An id must be a whole number from 0 to 2. Received: {number}"):
            vocabulary.token_of(number)


def test_a_published_order_of_ids_stays():
    vocabulary = Vocabulary(["x", "[unused]", "<unk>", "<pad>"], {"padding": "<pad>", "unknown": "<unk>"})
    assert (vocabulary.padding, vocabulary.unknown, vocabulary.id_of("q")) == (3, 2, 2)
    assert vocabulary == Vocabulary(vocabulary.tokens, vocabulary.reserved) != Vocabulary.of(["x"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_frequency": 0}, "`min_frequency` must be above 0. Received: min_frequency=0"),
        ({"max_size": 2}, "`max_size` must be above 2, the number of reserved tokens. Received: max_size=2"),
        (
            {"reserved": ("unknown", "padding")},
            "`reserved` must begin with padding, unknown. Received: unknown, padding",
        ),
        ({"reserved": ("padding", "unknown", "bos")}, "`reserved` must be of padding, unknown, begin, end"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary.of(["a"], **arguments)


def test_refuses_tokens():
    reserved = {"padding": "[PAD]", "unknown": "[UNK]"}
    with pytest.raises(ValueError, match=r"`tokens` must be different. Received 'a' more than once"):
        Vocabulary(["[PAD]", "[UNK]", "a", "a"], reserved)
    with pytest.raises(ValueError, match=r"`tokens` must hold all of `reserved`. Received none that is '\[UNK\]'"):
        Vocabulary(["[PAD]", "a"], reserved)
