"""The same masks everywhere: Keras, the SavedModel without Keras, gRPC, REST and the page, by the presets that ship."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps import registry
from apps.predict import ServerPredict
from apps.presets import METRICS_FILE, model_folder, preset_names, served_name
from apps.segmentation.asking import ask
from apps.segmentation.examples import draw
from apps.trained import open_trained
from dlkeras.data.encode import encode_png
from serving.client import Client

APP = "segmentation"


def _drawn(seed):
    picture, mask = draw(seed)
    # Of other sizes than the model's, and of other shapes.
    size = (150, 210) if seed % 2 else (256, 256)
    return picture.resize(size), Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)


def _pictures(preset):
    if preset == "scenes":
        return [encode_png(np.asarray(_drawn(seed)[0])) for seed in range(20, 26)]
    if "DLKERAS_DATA" not in os.environ:
        pytest.skip(f"needs the data of {preset}: set DLKERAS_DATA to the folder that has it")
    folder = Path(os.environ["DLKERAS_DATA"], preset, "test")
    return [path.read_bytes() for path in sorted(folder.iterdir())[::40]]


@pytest.fixture(scope="module", params=preset_names(APP))
def asked(request):
    """A preset, pictures, and Keras's answer."""
    pictures = _pictures(request.param)
    app = registry.create(APP)
    trained = open_trained(app, model_folder(APP, request.param))
    endpoints = {endpoint.name: endpoint for endpoint in app.endpoints(trained.model, trained.info)}
    answer = endpoints["serving_default"]({"image_bytes": pictures})
    assert len({*np.unique(answer["mask"]).tolist()} - {255}) > 1, "there is nothing to compare"
    return request.param, pictures, answer


def _assert_same(answer, expected):
    assert answer["mask"].shape == expected["mask"].shape
    # Where two classes are as likely, the last bit decides.
    assert (answer["mask"] != expected["mask"]).mean() < 1e-4
    np.testing.assert_array_equal(answer["classes"], expected["classes"])
    np.testing.assert_allclose(answer["shares"], expected["shares"], atol=1e-4)
    for one, other in zip(answer["overlay_png_bytes"], expected["overlay_png_bytes"], strict=True):
        with Image.open(io.BytesIO(one)) as picture, Image.open(io.BytesIO(other)) as same:
            assert np.mean(np.asarray(picture) != np.asarray(same)) < 1e-4


def test_grpc_and_rest(asked, up):
    preset, pictures, expected = asked
    for address in (up.grpc, up.rest):
        with Client(address) as client:
            _assert_same(client.predict(served_name(APP, preset), {"image_bytes": pictures}), expected)


def test_saved_model_in_a_process_without_keras(asked, up, answers_without_keras):
    preset, pictures, expected = asked
    version = max(Path(up.models, served_name(APP, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    request = {"image_bytes": np.array(pictures, object)}
    _assert_same(answers_without_keras(version, {"serving_default": request})["serving_default"], expected)


def test_page(asked, up, tmp_path):
    """The mask that the page offers and its shares."""
    preset, pictures, expected = asked
    predict = ServerPredict(APP, up.grpc, up.rest)
    for row, picture in enumerate(pictures):
        (tmp_path / "picture").write_bytes(picture)
        answered = ask(predict, preset, tmp_path / "picture")
        np.testing.assert_allclose(answered.shares, expected["shares"][row], atol=1e-4)
        with Image.open(io.BytesIO(answered.mask_file)) as mask:
            mask = np.asarray(mask)
        assert (mask != expected["mask"][row, : mask.shape[0], : mask.shape[1]]).mean() < 1e-4


@pytest.mark.parametrize("preset", preset_names(APP))
def test_a_presets_figures_are_far_from_those_of_one_class_everywhere(preset):
    figures = json.loads((model_folder(APP, preset) / METRICS_FILE).read_text())
    assert figures["mean_iou"] > 1.5 * figures["constant_iou"]
    assert 1 - figures["pixel_accuracy"] < 0.5 * (1 - figures["constant_accuracy"])


def test_a_preset_is_far_from_saying_background_everywhere():
    """The preset of scenes, on scenes that it was not fitted to."""
    if "scenes" not in preset_names(APP):
        pytest.skip("the preset does not ship yet")
    trained = open_trained(app := registry.create(APP), model_folder(APP, "scenes"))
    endpoint = app.endpoints(trained.model, trained.info)[0]
    scenes = [_drawn(seed) for seed in range(20, 26)]
    answer = endpoint({"image_bytes": [encode_png(np.asarray(picture)) for picture, _ in scenes]})
    found, there, both = 0, 0, 0
    for row, (_, mask) in enumerate(scenes):
        truth = np.asarray(mask) > 0
        objects = answer["mask"][row, : truth.shape[0], : truth.shape[1]] > 0
        found, there, both = found + objects.sum(), there + truth.sum(), both + (objects & truth).sum()
    assert both / (found + there - both) > 0.7, "the objects' pixels lie elsewhere"
