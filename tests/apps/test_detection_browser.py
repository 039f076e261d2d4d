"""The page of object detection in a real browser, with fixed answers in place of a model."""

import subprocess
import sys
import threading
import urllib.request

import pytest
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.apps.conftest import free_ports
from tests.apps.test_browser import chromium, pytestmark, wait_for  # noqa: F401 - the mark skips where no browser is

SECONDS_TO_START = 60

# A gallery whose model finds a dog surely and a cat hardly, in every picture.
_GALLERY = """
import sys
import numpy as np
from apps import gallery
from apps.object_detection import demo

demo.preset_names = lambda app: ["scenes"]
demo.preset_info = lambda app, preset: {"class_names": ["cat", "dog"]}
demo.served_name = lambda app, preset: app

class Predict:
    rest, address = "http://host:1", "host:2"

    def __call__(self, inputs, endpoint, preset):
        return {
            "boxes": np.array([[[10, 20, 90, 80], [60, 10, 110, 50]]]),
            "labels": np.array([[b"dog", b"cat"]], object),
            "scores": np.array([[0.9, 0.3]]),
            "count": np.array([2]),
        }

gallery.LocalPredict = lambda name: Predict()
gallery.launch(["object_detection"], port=int(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def address():
    port = free_ports("gallery")["gallery"]
    process = subprocess.Popen([sys.executable, "-c", _GALLERY, str(port)])
    try:
        _wait_until_answered(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_answered(url, process):
    pause = threading.Event()
    for _ in range(10 * SECONDS_TO_START):
        assert process.poll() is None, "the gallery has ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            pause.wait(0.1)
    raise AssertionError(f"no gallery within {SECONDS_TO_START} s")


@pytest.fixture
def page(address, tmp_path):
    with chromium(tmp_path / "profile") as driver:
        driver.get(address)
        wait_for(driver, "#pictures input[type=file]")
        yield driver


def _rows(driver, count):
    """Waits until the table has so many boxes; returns the text of its rows."""

    def found(driver):
        rows = [row.text for row in driver.find_elements(By.CSS_SELECTOR, "#boxes [role=row]")][1:]
        return len(rows) == count and rows

    return WebDriverWait(driver, 20, ignored_exceptions=[Exception]).until(found)


def test_pictures_are_shown_with_boxes_the_slider_adds_some_and_an_example_is_answered(page, tmp_path):
    for name in ("one.png", "two.jpg"):
        Image.new("RGB", (120, 100), "navy").save(tmp_path / name)
    (tmp_path / "words.png").write_text("these are words")
    files = [str(tmp_path / name) for name in ("one.png", "words.png", "two.jpg")]
    page.find_element(By.CSS_SELECTOR, "#pictures input[type=file]").send_keys("\n".join(files))

    wait_for(page, "#spent", "2 pictures answered in")
    wait_for(page, "#refused", "the file must be a picture")
    wait_for(page, "#refused", "words.png")
    one, two = _rows(page, 2)
    assert one.split() == ["one.png", "dog", "0.9", "10", "20", "90", "80"]
    assert two.startswith("two.jpg")
    assert len(page.find_elements(By.CSS_SELECTOR, "#found img")) == 2

    spent = page.find_element(By.ID, "spent").text
    slider = page.find_element(By.CSS_SELECTOR, "#score input[type=range]")
    slider.send_keys(Keys.ARROW_LEFT * 6)  # from 0.5 to 0.2
    assert [row.split()[1] for row in _rows(page, 4)] == ["dog", "cat", "dog", "cat"]
    wait_for(page, "#found", "one.png: 2 found")
    # Nothing was asked anew.
    assert page.find_element(By.ID, "spent").text == spent

    page.find_element(By.CSS_SELECTOR, "#detection-examples button.gallery-item").click()
    wait_for(page, "#spent", "1 picture answered in")
    _rows(page, 2)
