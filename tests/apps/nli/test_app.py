"""The app beyond its contract: what its answers mean, what it learns, and what it refuses."""

import dataclasses

import keras
import numpy as np
import pytest

from apps.commands.training import evaluate, train
from apps.nli.app import READER, Config, Nli
from dlkeras.data.location import DataError
from dlkeras.data.text_pairs import CLASS_NAMES
from dlkeras.export import RequestError

SMALL = Config(
    pairs=1200,
    model="decomposable_attention_mini",
    embedding_dim=16,
    epochs=6,
    batch_size=32,
    learning_rate=0.01,
    dropout=0,
)
PREMISE, HYPOTHESIS = "Two boys are jogging in a park.", "Two children are not moving."


@pytest.fixture(scope="module")
def app():
    return Nli()


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


def test_learns_what_follows(app, model, splits):
    figures = app.evaluate(model, splits)
    assert figures["accuracy"] > 0.7
    assert figures["commonest_class"] == np.bincount(splits.test.y).max() / len(splits.test.y) < 0.45


def test_answers_with_a_label(endpoints, model, app, splits):
    answer = endpoints["serving_default"]({"premise": [PREMISE] * 2, "hypothesis": [HYPOTHESIS, PREMISE]})
    np.testing.assert_allclose(answer["probabilities"].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(answer["score"], answer["probabilities"].max(axis=1))
    assert answer["classes"].tolist() == [[name.encode() for name in CLASS_NAMES]] * 2
    assert answer["label"].tolist() == [CLASS_NAMES[row.argmax()].encode() for row in answer["probabilities"]]
    assert answer["label"][1] == b"entailment"


def test_aligns_words(endpoints):
    request = {"premise": [PREMISE, "👍 Dogs"], "hypothesis": [HYPOTHESIS, "dogs"]}
    answer, plain = endpoints["align"](request), endpoints["serving_default"](request)
    np.testing.assert_allclose(answer["probabilities"], plain["probabilities"], atol=1e-6)
    premise, hypothesis = (
        [word.decode() for word in answer[name][0]] for name in ("premise_words", "hypothesis_words")
    )
    assert premise == ["Two", "boys", "are", "jogging", "in", "a", "park", "."]
    assert hypothesis == ["Two", "children", "are", "not", "moving", "."]
    assert [word.decode() for word in answer["premise_words"][1]] == ["👍", "Dogs", *[""] * 6]
    to_hypothesis, to_premise = answer["premise_to_hypothesis"], answer["hypothesis_to_premise"]
    assert to_hypothesis.shape == (2, 8, 6) and to_premise.shape == (2, 6, 8)
    np.testing.assert_allclose(to_hypothesis[0].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(to_premise[0].sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(to_hypothesis[1, :2], [[1, 0, 0, 0, 0, 0]] * 2)
    assert not to_premise[1, 0, 2:].any(), "nothing is aligned with padding"


def test_only_the_first_thousand_words_count(endpoints):
    long = f"{PREMISE} " * 125  # of 8 words
    first = endpoints["align"]({"premise": [long], "hypothesis": [HYPOTHESIS]})
    longer = endpoints["align"]({"premise": [f"{long} nobody"], "hypothesis": [HYPOTHESIS]})
    assert first["premise_words"].shape == longer["premise_words"].shape == (1, 1000)
    np.testing.assert_array_equal(first["probabilities"], longer["probabilities"])


@pytest.mark.parametrize("name", ["serving_default", "align"])
def test_refuses_requests(endpoints, name):
    with pytest.raises(RequestError, match=r"A hypothesis must have a word at least. Received none in row 1"):
        endpoints[name]({"premise": ["a", "a"], "hypothesis": ["a", " "]})
    with pytest.raises(RequestError, match=r"a hypothesis for each premise. Received: 1 premises and 2 hypotheses"):
        endpoints[name]({"premise": ["a"], "hypothesis": ["a", "a"]})


def test_a_hidden_premise_says_nothing(app):
    config = dataclasses.replace(SMALL, hide_premise=True, pairs=50)
    splits = app.load(config)
    assert not splits.train.x[:, 0].any() and splits.train.x[:, 1].any(axis=1).all()
    model = app.build(config, splits.info)
    answer = app.endpoints(model, splits.info)[0]({"premise": [PREMISE, "A dog."], "hypothesis": [HYPOTHESIS] * 2})
    np.testing.assert_array_equal(answer["probabilities"][0], answer["probabilities"][1])


def test_trains_on_files_and_tests_on_others(tmp_path, capsys):
    lines = [f"word{n % 2} and so on\tword{n % 3 % 2}\t{('entailment', 'neutral')[n % 2]}" for n in range(40)]
    (tmp_path / "train.tsv").write_text("\n".join(["premise\thypothesis\tlabel", *lines, "a\tb\t-", "a\tb"]))
    (tmp_path / "dev.tsv").write_text("premise\thypothesis\tlabel\nword1\tword1\tneutral\n")
    sick = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n1\tword0\tword\t3.1\tENTAILMENT\n"
    (tmp_path / "other.txt").write_text(sick)
    settings = {"data": str(tmp_path / "train.tsv"), "validation": str(tmp_path / "dev.tsv"), "test_fraction": "0"}
    settings |= {"epochs": "1", "model": "decomposable_attention_mini", "embedding_dim": "4"}
    run = train("nli", settings=settings, run=tmp_path / "run")
    told = capsys.readouterr().out
    assert "1 pairs are left out" in told and "1 problems in the pairs" in told
    figures = evaluate("nli", run=run, data=str(tmp_path / "other.txt"), report=tmp_path / "report")
    assert figures["commonest_class"] == 1.0 and figures["accuracy"] in (0.0, 1.0)
    evaluate("nli", run=run, report=tmp_path / "report")
    assert "no part to test on" in capsys.readouterr().out


def test_other_classes_are_refused(app, tmp_path):
    (tmp_path / "a.csv").write_text("premise,hypothesis,label\n" + "a,b,yes\nc,d,no\n" * 9)
    config = dataclasses.replace(SMALL, data=str(tmp_path / "a.csv"))
    splits = app.load(config)
    assert splits.info["class_names"] == ["no", "yes"] and splits.info[READER]["kind"] == "words"
    with pytest.raises(DataError, match=r"was trained on class_names \['a'\]. Received: \['no', 'yes'\]"):
        app.load(config, {**splits.info, "class_names": ["a"]})
    with pytest.raises(
        DataError, match=r"a label must be one of entailment, neutral, contradiction. Received: no, yes"
    ):
        app.load_other(str(tmp_path / "a.csv"), config, {**splits.info, "class_names": CLASS_NAMES})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "lstm"}, "`model` must be one of decomposable_attention"),
        ({"columns": "a,b"}, "`columns` must be the names of premise, hypothesis and label. Received: columns=a,b"),
        ({"names": "good"}, "`names` must be such as 0=entailment,1=neutral. Received: names=good"),
        ({"word_dropout": 1.0}, r"`word_dropout` must be in \[0, 1\)"),
    ],
)
def test_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)


def test_the_config_follows_from_what_is_given(app):
    assert app.config_name({}) == "default"
    assert app.config_name({"data": "file"}) == "pairs"
