"""The app's own work: data of all forms in, recommendations that keep what they promise out."""

import dataclasses

import keras
import numpy as np
import pytest

from apps.recommendation.app import Config, Recommendation
from apps.recommendation.data import MADE, read_films
from apps.trained import open_trained, save_settings
from dlkeras.data.location import DataError
from dlkeras.export import RequestError

APP = Recommendation()
SMALL = Config(width=8, epochs=3, decay=0.01)


def _trained(config, directory):
    splits = APP.load(config)
    save_settings(directory, config, splits.info)
    keras.utils.set_random_seed(0)
    APP.fit(APP.build(config, splits.info), splits, config, directory)
    trained = open_trained(APP, directory)
    return splits, trained.model, {endpoint.name: endpoint for endpoint in APP.endpoints(trained.model, trained.info)}


@pytest.fixture(scope="module")
def rating(tmp_path_factory):
    return _trained(SMALL, tmp_path_factory.mktemp("rating"))


@pytest.fixture(scope="module")
def choosing(tmp_path_factory):
    config = Config(model="mult_dae", width=16, epochs=8, decay=0.0, batch_size=100, learning_rate=0.005)
    return _trained(config, tmp_path_factory.mktemp("choosing"))


@pytest.fixture(params=["rating", "choosing"])
def trained(request):
    return request.getfixturevalue(request.param)


def _listed(values):
    return [[value.decode() for value in row] for row in values]


def test_what_was_seen_is_not_recommended(trained):
    splits, _, endpoints = trained
    names, users = splits.info["item_names"], ["1", "7"]
    everything = {"k": [100, 100], "genre": ["", ""], "leave_out": [["5"], ["6"]]}
    answer = endpoints["top_k"]({"user": users, **everything})
    for user, found in zip(users, _listed(answer["items"]), strict=True):
        pairs = np.concatenate([splits.train.x, splits.validation.x])
        seen = {names[item] for owner, item in pairs if splits.info["user_names"][owner] == user}
        assert len(set(found)) == 100 and seen and not seen & set(found)
    assert "5" not in _listed(answer["items"])[0] and "6" not in _listed(answer["items"])[1]
    assert (np.diff(answer["scores"]) <= 0).all()


def test_somebody_new_is_told_why(trained):
    splits, _, endpoints = trained
    answer = endpoints["from_history"]({"items": [["3", "9", ""]], "k": [7], "genre": [""]})
    assert not {"3", "9"} & set(_listed(answer["items"])[0])
    because, titles = _listed(answer["because"])[0], splits.info["titles"]
    assert len(because) == 7 and set(because) <= {"3", "9"}
    named = {"3": titles[2], "9": titles[8]}
    assert _listed(answer["because_title"])[0] == [named[name] for name in because]


def test_a_genre_is_kept_to_and_rows_are_apart(trained):
    splits, _, endpoints = trained
    genre = splits.info["genres"][0][0]
    asked = {"item": ["1", "2"], "k": [2, 60], "genre": [genre, ""]}
    answer = endpoints["similar"](asked)
    first, second = _listed(answer["items"])
    assert all(genre in splits.info["genres"][int(name) - 1] for name in first[:2]) and not any(first[2:])
    assert all(second) and "2" not in second
    alone = endpoints["similar"]({name: values[1:] for name, values in asked.items()})
    assert _listed(alone["items"])[0] == second


def test_ratings_are_within_their_limits(rating):
    splits, model, endpoints = rating
    model.network.get_layer("mean").mean.assign(99.0)
    answer = endpoints["rate"]({"user": ["1", "1"], "item": ["1", "2"]})
    np.testing.assert_array_equal(answer["rating"], [5.0, 5.0])
    assert [title.decode() for title in answer["title"]] == splits.info["titles"][:2]


def test_who_does_not_rate_is_not_asked_to(choosing):
    assert "rate" not in choosing[2]


@pytest.mark.parametrize(
    ("endpoint", "changed", "message"),
    [
        (
            "top_k",
            {"user": ["nobody"]},
            "user must be one of the 600 that the model knows, such as 1. Received: nobody",
        ),
        ("top_k", {"user": [""]}, "user must not be empty"),
        ("top_k", {"k": [0]}, "k must be from 1 to 100. Received: 0"),
        ("top_k", {"k": [5, 5]}, "k must have one value a row. Received: 2 for 1"),
        ("top_k", {"genre": ["Western"]}, "genre must be one of Adventure, Comedy, .*. Received: Western"),
        ("top_k", {"leave_out": [["x"]]}, "item must be one of the 400 .* Received: x"),
        ("similar", {"item": ["0"]}, "item must be one of the 400 .* Received: 0"),
        ("from_history", {"items": [["", ""]]}, "items must hold one item at least"),
        ("rate", {"item": ["1", "2"]}, "item must have one value a row. Received: 2 for 1"),
    ],
)
def test_wrong_requests_are_refused(rating, endpoint, changed, message):
    endpoint = rating[2][endpoint]
    with pytest.raises(RequestError, match=message):
        endpoint({**endpoint.example, **changed})


def test_any_file_of_ratings_is_learned_from(tmp_path):
    made = read_films(MADE, 0).ratings
    rows = np.random.default_rng(0).permutation(len(made))[:3000]
    lines = [f"u{made.users[row]};film {made.items[row]};{made.ratings[row]}" for row in rows]
    (tmp_path / "ratings.csv").write_text("\n".join(lines))
    config = dataclasses.replace(SMALL, data=str(tmp_path / "ratings.csv"))
    splits, model, endpoints = _trained(config, tmp_path / "run")
    assert splits.info["titles"][0].startswith("film ") and set(APP.evaluate(model, splits)) == {"rmse", "mae"}
    (answer,) = _listed(endpoints["top_k"](endpoints["top_k"].example)["titles"])
    assert all(title.startswith("film ") for title in answer)
    with pytest.raises(DataError, match="last needs times"):
        APP.load(dataclasses.replace(config, split="last"))
    with pytest.raises(DataError, match=r"known\. Received: 9"):
        (tmp_path / "other.csv").write_text("u1;9;5\nu2;film 1;3\n")
        APP.load_other(tmp_path / "other.csv", config, splits.info)


@pytest.mark.parametrize("split", ["user", "item", "time", "last"])
def test_splits_share_nothing(split):
    splits = APP.load(dataclasses.replace(SMALL, split=split))
    parts = [{tuple(pair) for pair in part.x.tolist()} for part in (splits.train, splits.validation, splits.test)]
    assert not parts[0] & parts[1] and not (parts[0] | parts[1]) & parts[2]
    assert sum(map(len, parts)) == 30_000 and all(parts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "deepfm"}, "`model` must be one of"),
        ({"test_fraction": 1.0}, r"`test_fraction` must be in \(0, 1\). Received: test_fraction=1.0"),
        ({"decay": -1.0}, "`decay` must be 0 or more. Received: decay=-1.0"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(SMALL, **settings)
