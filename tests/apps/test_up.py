"""`dlkeras up`: what ships is exported, served and shown; that Ctrl-C ends it, the fixture `up` tests."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
from gradio_client import Client as Page
from gradio_client import handle_file
from PIL import Image

from apps.image_classification.examples import example_files
from apps.object_detection import examples as detection
from apps.object_detection.asking import above, ask
from apps.predict import ServerPredict
from apps.presets import preset_names, served_name
from apps.registry import APPS
from serving.client import Client


def test_every_preset_is_served(up):
    with Client(up.grpc) as client:
        for name in APPS:
            for preset in preset_names(name):
                assert client.status(served_name(name, preset))[0].state == "AVAILABLE"


def test_a_second_start_is_refused_with_a_sentence(up):
    command = [sys.executable, "-m", "apps.cli", "up", "--models", up.models]
    command += ["--grpc-port", str(up.ports["grpc"]), "--rest-port", "1", "--port", "2"]
    program = subprocess.run(command, text=True, capture_output=True, timeout=60)
    assert program.returncode == 1
    assert f"Port {up.ports['grpc']} (grpc) cannot be used" in program.stderr
    assert "GRPC_PORT=" in program.stderr
    assert "Traceback" not in program.stderr


def test_the_page_is_there_and_asks_nothing_of_other_hosts(up):
    with urllib.request.urlopen(up.page) as answer:
        text = answer.read().decode()
    assert "dlkeras" in text
    assert "fonts.googleapis.com" not in text


def test_the_pages_examples_are_answered_rightly(up):
    page = Page(up.page, verbose=False)
    presets = preset_names("image_classification")
    files = [(path, preset) for path, preset in example_files() if preset in presets]
    assert files
    for path, preset in files:
        label, spent, curl, python = page.predict(handle_file(path), preset, api_name="/classify")
        name = path.rsplit("-", 1)[-1].removesuffix(".png") if "t-shirt" not in path else "t-shirt"
        assert name in label["label"].lower().replace("ankle ", ""), (path, label)
        assert spent.endswith("ms.")
        assert up.rest in curl
        assert up.grpc in python
    page.close()


def test_what_is_in_the_examples_of_detection_is_found(up):
    predict = ServerPredict("object_detection", up.grpc, up.rest)
    for path, preset in detection.example_files():
        with Image.open(path) as picture:
            size = picture.size
        found = above(ask(predict, preset, Path(path).read_bytes(), 0.45), 0.5)
        assert [thing.name for thing in found] == ["banana"], path
        box = detection.draw(int(path.rsplit("-", 1)[-1].removesuffix(".png")))[1]
        np.testing.assert_allclose(found[0].box, box, atol=0.06 * max(size))
