"""The app beyond its contract: what its answers mean, what it learns, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest

from apps.commands.training import evaluate, train
from apps.sentiment.app import Config, Sentiment
from apps.sentiment.reading import encode, read
from dlkeras.data.location import DataError
from dlkeras.export import RequestError
from dlkeras.models.text.members import members_of
from dlkeras.text.explaining import _halves, explain

SMALL = Config(reviews=1000, model="text_cnn_mini", embedding_dim=16, epochs=6, learning_rate=0.01, dropout=0.2)


@pytest.fixture(scope="module")
def app():
    return Sentiment()


@pytest.fixture(scope="module")
def splits(app):
    return app.load(SMALL)


@pytest.fixture(scope="module")
def model(app, splits, tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = app.build(SMALL, splits.info)
    app.fit(model, splits, SMALL, tmp_path_factory.mktemp("run"))
    return model


@pytest.fixture(scope="module")
def endpoints(app, model, splits):
    return {endpoint.name: endpoint for endpoint in app.endpoints(model, splits.info)}


def test_learns_what_words_say(app, model, splits):
    figures = app.evaluate(model, splits)
    assert figures["accuracy"] > 0.8  # of those words alone say little: two in five are negated


def test_answers_with_a_label_and_explains_it_by_words(endpoints):
    texts = ["The cast is charming and superb!", "Dull.", "é dull\u0301 👍 superb"]
    answer = endpoints["serving_default"]({"text": texts})
    assert answer["label"][:2].tolist() == [b"positive", b"negative"]
    np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(answer["score"], answer["probabilities"].max(axis=1))
    assert answer["classes"].tolist() == [[b"negative", b"positive"]] * 3

    explained = endpoints["explain"]({"text": texts})
    np.testing.assert_allclose(explained["probabilities"], answer["probabilities"], atol=1e-6)
    words = [
        [text[start:end] for start, end in zip(*spans, strict=True) if end > start]
        for text, *spans in zip(texts, explained["starts"], explained["ends"], strict=True)
    ]
    assert words[0] == ["The", "cast", "is", "charming", "and", "superb", "!"]
    assert words[2][-1] == "superb"
    weights = dict(zip(words[0], explained["weights"][0], strict=False))
    others = max(weights[word] for word in ("The", "is", "and", "!"))
    assert min(weights["charming"], weights["superb"]) > 0 and max(weights["charming"], weights["superb"]) > others
    assert not explained["weights"][1, 2:].any(), "padding moves nothing"


def test_explains_to_first_order(app, splits):
    """Of a bag of words with a linear head the gradient of a logit is exact: weights are then plain products."""
    model = app.build(dataclasses.replace(SMALL, model="bag_of_words"), splits.info)
    ids = splits.test.x[:1]
    logits, weights = explain(model, keras.ops.convert_to_tensor(ids))
    vectors = model.get_layer("embedding").embeddings.numpy()[ids[0]]
    kernel = model.get_layer("logits").kernel.numpy()
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))[0]
    best = int(probabilities.argmax())
    direction = kernel[:, best] - kernel @ probabilities
    count = (ids[0] > 0).sum()
    expected = np.where(ids[0] > 0, vectors @ direction / count, 0)
    np.testing.assert_allclose(weights[0], expected, atol=1e-5)


def test_explains_by_all_that_tells_a_word(app):
    """A word whose vectors and counts grow by a little moves the answer by its weight times as much."""
    config = dataclasses.replace(SMALL, members=2, word_parts=True, naive_bayes=0.3)
    given = encode(read(config), config)
    model, ids = app.build(config, given.info), keras.ops.convert_to_tensor(given.test.x[:2])
    model.wide.count(*given.train)
    logits, weights = explain(model, ids)
    np.testing.assert_allclose(logits, model(ids), atol=1e-6)
    best = np.argmax(logits, axis=1)

    def after(row, column, step):
        scale = np.ones((*ids.shape, 1), "float32")
        scale[row, column] += step
        halves = [_halves(member) for member in members_of(model)]
        answers = [rest([ids, look_up(ids) * scale]) for look_up, rest in halves]
        answer = model.join(answers, model.wide(ids) * scale)
        return float(keras.ops.log_softmax(answer)[row, best[row]])

    for row, column in ((0, 0), (0, 1), (1, 2)):
        moved = (after(row, column, 0.02) - after(row, column, -0.02)) / 0.04
        np.testing.assert_allclose(weights[row, column], moved, rtol=0.02, atol=1e-4)


def test_a_long_review_is_read(endpoints):
    words = "superb " * 9_999
    answer = endpoints["explain"]({"text": [words + "dull and lost"]})
    assert answer["label"].tolist() == [b"positive"]
    assert answer["weights"].shape == (1, 10_000)


@pytest.mark.parametrize("name", ["serving_default", "explain"])
def test_a_text_without_a_word_is_refused(endpoints, name):
    with pytest.raises(RequestError, match=r"A text must have a word at least. Received none in row 1, 2"):
        endpoints[name]({"text": ["fine", "", " \n "]})


def test_reads_files_and_tests_on_others(app, tmp_path):
    (tmp_path / "train.tsv").write_text("".join(f"{n % 2}\tword{n % 2} and so on\n" for n in range(60)))
    (tmp_path / "other.txt").write_text("1\tword1\n0\tword0 again\n")
    (tmp_path / "strange.txt").write_text("2\tword1\n")
    config = Config(data=str(tmp_path / "train.tsv"), form="tab", names="0=bad,1=good")
    splits = app.load(config)
    assert splits.info["class_names"] == ["bad", "good"]
    other = app.load_other(str(tmp_path / "other.txt"), config, splits.info)
    assert other.test.y.tolist() == [1, 0] and len(other.train.y) == 0
    with pytest.raises(DataError, match=r"a label must be one of .*\. Received: 2"):
        app.load_other(str(tmp_path / "strange.txt"), config, splits.info)
    with pytest.raises(DataError, match=r"was trained on class_names \['a'\]. Received: \['bad', 'good'\]"):
        app.load(config, {**splits.info, "class_names": ["a"]})


def test_begins_with_given_word_vectors(app, splits, tmp_path):
    numbers = " ".join(map(str, range(1, 17)))
    vectors = tmp_path / "vectors.txt"
    vectors.write_text(f"dull {numbers}\nsuperb {numbers}\n")
    config = dataclasses.replace(SMALL, word_vectors=str(vectors), learning_rate=1e-9, epochs=1)
    model = app.build(config, splits.info)
    app.fit(model, splits, config, tmp_path / "run")
    row = splits.info["tokenizer"]["tokens"].index("dull")
    np.testing.assert_allclose(model.get_layer("embedding").embeddings.numpy()[row], range(1, 17), atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "lstm"}, "`model` must be one of bag_of_words"),
        ({"columns": "text"}, "`columns` must be the names of text and label. Received: columns=text"),
        ({"names": "good"}, "`names` must be such as 0=negative,1=positive. Received: names=good"),
        ({"word_dropout": 1.0}, r"`word_dropout` must be in \[0, 1\)"),
        ({"members": 0}, "`members` must be above 0. Received: members=0"),
    ],
)
def test_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)


def test_the_config_follows_from_what_is_given(app):
    assert app.config_name({}) == "default"
    assert app.config_name({"data": "file"}) == "texts"


def test_data_without_a_part_to_test_on_is_measured_on_its_validation_part_and_that_is_said(tmp_path, capsys):
    for split, count in (("train", 60), ("dev", 20)):
        lines = "".join(f"{n % 2}\tword{n % 2} and so on\n" for n in range(count))
        (tmp_path / f"set.{split}").write_text(lines)
    settings = {"data": str(tmp_path / "set"), "form": "tab", "test_fraction": "0", "epochs": "1"}
    settings |= {"model": "bag_of_words_mini", "embedding_dim": "4"}
    run = train("sentiment", settings=settings, run=tmp_path / "run")
    figures = evaluate("sentiment", run=run, report=tmp_path / "report")
    assert "no part to test on" in capsys.readouterr().out
    assert 0 <= figures["accuracy"] <= 1
