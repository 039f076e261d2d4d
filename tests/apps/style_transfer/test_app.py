"""The app beyond its contract: sizes, strengths, refusals, and how pairs are made."""

import dataclasses
import io

import numpy as np
import pytest
from keras import ops
from PIL import Image

from apps import registry
from apps.backbones import Backbone
from apps.presets import model_folder, preset_names
from apps.style_transfer import features
from apps.style_transfer.app import Config, StyleTransfer
from apps.style_transfer.drawn import draw_style, example, texture
from apps.style_transfer.painter import features_of, paint
from apps.style_transfer.pairs import Shuffle, make_pairs, photographs
from apps.trained import open_trained
from dlkeras.data.encode import encode_png
from dlkeras.data.location import DataError
from dlkeras.export import RequestError
from dlkeras.models.vision.lenet import LeNet

SMALL = Config(pairs=4, image_size=48, crop=32, width=2, blocks=1)


@pytest.fixture(scope="module")
def app():
    return StyleTransfer()


@pytest.fixture(scope="module")
def info():
    return {"data": "scenes", "features": features.describe_features("cifar10")}


@pytest.fixture(scope="module")
def model(app, info):
    model = app.build(SMALL, info)
    app.prepare(model, SMALL)
    return model


@pytest.fixture(scope="module")
def endpoints(app, model, info):
    return {endpoint.name: endpoint for endpoint in app.endpoints(model, info)}


def _request(width=60, height=40, **changes):
    content, style = example(size=64)
    content = np.asarray(Image.fromarray(content).resize((width, height)))
    request = {"content_bytes": [encode_png(content)], "style_bytes": [encode_png(style)], "strength": [1.0]}
    return {**request, "size": [48], **changes}


def _painted(endpoints, **request):
    answer = endpoints["settings"](_request(**request))
    return Image.open(io.BytesIO(answer["image_png_bytes"][0]))


@pytest.mark.parametrize(
    ("content", "size", "expected"), [((60, 40), 48, (48, 32)), ((41, 77), 100, (53, 100)), ((200, 8), 64, (64, 16))]
)
def test_the_answer_has_the_content_s_shape_and_the_wanted_size(endpoints, content, size, expected):
    assert _painted(endpoints, width=content[0], height=content[1], size=[size]).size == expected


def test_rows_of_a_request_have_sizes_of_their_own(endpoints):
    one, other = _request(), _request(width=30, height=60, size=[64])
    answer = endpoints["settings"]({name: [*one[name], *other[name]] for name in one})
    sizes = [Image.open(io.BytesIO(data)).size for data in answer["image_png_bytes"]]
    assert sizes == [(48, 32), (32, 64)]
    alone = [endpoints["settings"](request)["image_png_bytes"][0] for request in (one, other)]
    assert list(answer["image_png_bytes"]) == alone


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"content_bytes": [b"no picture at all, but long enough to be one"]},
            r"A picture must be the bytes of a JPEG or",
        ),
        ({"style_bytes": [b"no picture"]}, r"A picture must be the bytes of a JPEG or PNG file. Received: 10 bytes"),
        ({"strength": [1.5]}, r"strength must be in \[0, 1\]. Received: 1.5"),
        ({"size": [5]}, r"size must be in \[32, 1024\]. Received: 5"),
        ({"size": [2000]}, r"size must be in \[32, 1024\]. Received: 2000"),
        ({"strength": [0.1, 0.2]}, r"strength must have one number a row. Received: 2 for 1"),
        ({"style_bytes": []}, r"style_bytes must have one value a row. Received: 0 for 1"),
    ],
)
def test_what_is_wrong_is_refused_with_a_sentence(endpoints, changes, sentence):
    with pytest.raises(RequestError, match=sentence):
        endpoints["settings"](_request(**changes))


def test_tensors_that_do_not_go_together_are_refused(endpoints):
    pictures = np.zeros((2, 20, 20, 3), "float32")
    with pytest.raises(RequestError, match=r"as many styles as contents. Received: 2 and 1"):
        endpoints["tensors"]({"content": pictures, "style": pictures[:1], "strength": [1.0, 1.0]})
    with pytest.raises(RequestError, match=r"at least 16 x 16 pixels. Received: a side of 9"):
        endpoints["tensors"]({"content": pictures, "style": pictures[:, :9], "strength": [1.0, 1.0]})


def test_strength_goes_from_the_content_s_own_style_to_the_other(model):
    content, style = (picture[None].astype("float32") for picture in example(size=48))
    predictor, stylizer = model.get_layer("predictor"), model.get_layer("stylizer")
    own, other = predictor(content), predictor(style)
    for strength in (0.0, 0.25, 1.0):
        expected = stylizer([ops.convert_to_tensor(content), own + strength * (other - own)])
        np.testing.assert_allclose(paint(model, content, style, np.float32([strength])), expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("preset", preset_names("style_transfer"))
def test_what_ships_gives_the_content_back_at_strength_0_and_the_style_at_1(preset):
    app = registry.create("style_transfer")
    trained = open_trained(app, model_folder("style_transfer", preset))
    content, style = (picture[None].astype("float32") for picture in example(size=128))
    same, painted = (
        np.clip(paint(trained.model, content, style, np.float32([strength])), 0, 255) for strength in (0, 1)
    )
    assert np.abs(same - content).mean() < 16
    means = [picture.mean((0, 1, 2)) for picture in (content, painted, style)]
    assert np.abs(means[1] - means[2]).mean() < 0.5 * np.abs(means[0] - means[2]).mean()


def test_the_encoder_has_the_pretrained_weights(model):
    pretrained = features.open_features("cifar10").get_weights()
    for found, wanted in zip(features_of(model).get_weights(), pretrained, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_trained_model_is_only_tested(app, info):
    splits = app.load(SMALL, info)
    assert [len(part.x) for part in (splits.train, splits.validation, splits.test)] == [0, 0, 8]
    assert splits.info == info


def test_pairs_depend_on_the_seed_and_their_number_alone():
    four = make_pairs(4, 48, seed=3)
    np.testing.assert_array_equal(make_pairs(4, 48, seed=3), four)
    assert len({picture.tobytes() for picture in four.reshape(8, -1)}) == 8
    assert not np.array_equal(make_pairs(4, 48, seed=4)[:, 1], four[:, 1])


def test_every_kind_of_style_is_drawn():
    source = texture(48, np.random.default_rng(0))
    for seed in range(40):
        style = draw_style(source, np.random.default_rng(seed))
        assert style.shape == (48, 48, 3)
        assert style.dtype == np.uint8


def test_batches_are_paired_anew():
    pairs = make_pairs(4, 48, seed=3)
    shuffle = Shuffle(32, identity=0.0)
    x, y = shuffle(pairs, pairs, np.random.default_rng(0))
    assert x is y
    assert x.shape == (4, 2, 32, 32, 3)
    again, _ = shuffle(pairs, pairs, np.random.default_rng(0))
    np.testing.assert_array_equal(x, again)
    same, _ = Shuffle(32, identity=1.0)(pairs, pairs, np.random.default_rng(0))
    np.testing.assert_array_equal(same[:, 0], same[:, 1])


def test_photographs_are_parted(tmp_path):
    for number in range(10):
        Image.new("RGB", (20, 30), (25 * number, 0, 0)).save(tmp_path / f"{number}.png")
    train, test = photographs(str(tmp_path), 0.2, seed=0)
    assert (len(train), len(test)) == (8, 2)
    assert not set(train) & set(test)
    pairs = make_pairs(3, 32, 0, train)
    np.testing.assert_array_equal(pairs[:, 0, 0, 0, 0], [25 * int(path.stem) for path in train[:3]])
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"`data` must hold at least 5 JPEG or PNG files. Received: 0"):
        photographs(str(tmp_path / "none"), 0.2, seed=0)


def test_networks_without_known_levels_need_them_named(monkeypatch):
    network = LeNet(num_classes=2, input_shape=(28, 28, 3))
    monkeypatch.setattr(features, "open_backbone", lambda name, weights: Backbone(network, [28, 28, 3], {"scale": 1.0}))
    with pytest.raises(ValueError, match=r"`levels` must name layers of mine, for which there are no defaults"):
        features.describe_features("mine")


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match=r"`crop` must be at most `image_size`, 128. Received: crop=200"):
        Config(crop=200)
    with pytest.raises(ValueError, match=r"`statistic` must be one of gram, moments"):
        dataclasses.replace(SMALL, statistic="mean")
