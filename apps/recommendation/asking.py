"""Asks for recommendations and makes rows for people of the answers."""

FROM_HISTORY, RATE, SIMILAR = "from_history", "rate", "similar"


def ask_for_new(predict, preset, items, k, genre):
    """Asks what somebody may like who likes some items.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        items: Names of items.
        k: How many to recommend.
        genre: A genre, or empty for any.

    Returns:
        A list of `[title, score, title of the item that it comes from]`, the best first.

    Raises:
        PredictError: There was no answer.
    """
    inputs = {"items": [items], "k": [k], "genre": [genre]}
    answer = predict(inputs, endpoint=FROM_HISTORY, preset=preset)
    return [[*row, because] for row, because in zip(_rows(answer), _texts(answer["because_title"]), strict=False)]


def ask_for_known(predict, preset, user, k, genre):
    """Asks what a user of the data may like, `[[title, score], ...]`; see `ask_for_new`."""
    inputs = {"user": [user], "k": [k], "genre": [genre], "leave_out": [[""]]}
    return _rows(predict(inputs, endpoint="serving_default", preset=preset))


def ask_for_similar(predict, preset, item, k, genre):
    """Asks for items that are like one, `[[title, cosine], ...]`; see `ask_for_new`."""
    return _rows(predict({"item": [item], "k": [k], "genre": [genre]}, endpoint=SIMILAR, preset=preset))


def ask_for_rating(predict, preset, user, item):
    """Asks how a user of the data would rate an item; see `ask_for_new`."""
    return float(predict({"user": [user], "item": [item]}, endpoint=RATE, preset=preset)["rating"][0])


def _rows(answer):
    """Returns `[title, score]` of the items that there are."""
    items, titles = (_texts(answer[name]) for name in ("items", "titles"))
    rows = zip(items, titles, answer["scores"][0].tolist(), strict=True)
    return [[title, round(score, 3)] for item, title, score in rows if item]


def _texts(values):
    return [value.decode() for value in values[0]]
