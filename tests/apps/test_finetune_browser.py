"""Training on pictures of one's own, in a real browser: two versions of a model, and back to the first."""

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.apps.test_browser import chromium, pytestmark, wait_for  # noqa: F401 - the mark skips where no browser is

SECONDS_TO_TRAIN = 600


def drawn(shape, seed):
    """Draws a red disc or a blue square somewhere on noise."""
    random = np.random.default_rng(seed)
    picture = Image.fromarray(random.integers(90, 160, (48, 48, 3), dtype="uint8"))
    left, top = map(int, random.integers(4, 16, 2))
    box = (left, top, left + 28, top + 28)
    if shape == "disc":
        ImageDraw.Draw(picture).ellipse(box, fill=(210, 40, 30))
    else:
        ImageDraw.Draw(picture).rectangle(box, fill=(30, 60, 210))
    return picture


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    files = {shape: [folder / f"{shape}{number}.png" for number in range(8)] for shape in ("disc", "square")}
    for shape, paths in files.items():
        for number, path in enumerate(paths):
            drawn(shape, number).save(path)
    return files


@pytest.fixture
def page(up, tmp_path):
    with chromium(tmp_path / "profile") as driver:
        driver.set_window_size(1180, 1600)
        driver.get(up.page)
        open_tab(driver)
        yield driver


def open_tab(driver):
    wait_for(driver, "button[role=tab]", "own pictures").click()
    wait_for(driver, "#train")


def press(driver, button):
    driver.find_element(By.ID, button).click()


def give(driver, row, name, files=()):
    """Fills in a class's name, and its pictures where there are any."""
    row = driver.find_elements(By.CSS_SELECTOR, ".class-row")[row]
    field = row.find_element(By.CSS_SELECTOR, "textarea, input:not([type=file])")
    field.clear()
    field.send_keys(name)
    if files:
        row.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys("\n".join(map(str, files)))
        WebDriverWait(driver, 60).until(lambda _: len(row.find_elements(By.TAG_NAME, "img")) == len(files))


def set_epochs(driver, epochs):
    field = driver.find_element(By.CSS_SELECTOR, "#epochs input[type=number]")
    field.clear()
    field.send_keys(f"{epochs}\n")


def ask(driver, path):
    driver.find_element(By.CSS_SELECTOR, "#my-picture input[type=file]").send_keys(str(path))


def answer(driver, version, name):
    """Waits until a version has answered, with this name first."""
    wait_for(driver, "#my-answer", f"answer of version {version}\n{name}")


def test_train_ask_train_again_and_go_back(page, pictures):
    wait_for(page, "#answering", "there is none yet")
    press(page, "train")
    wait_for(page, ".toast-body", "pictures of at least two classes")

    give(page, 0, "apple", pictures["disc"])
    give(page, 1, "sky", pictures["square"])
    set_epochs(page, 12)
    press(page, "train")
    wait_for(page, "#step", "epoch", SECONDS_TO_TRAIN)
    wait_for(page, "#step", "done: this is version 1", SECONDS_TO_TRAIN)
    wait_for(page, "#answering", "version 1 answers. it knows: apple, sky")
    ask(page, pictures["disc"][0])
    answer(page, 1, "apple")

    # The same pictures under each other's names, and the page is opened anew while they are trained on.
    give(page, 0, "sky")
    give(page, 1, "apple")
    time.sleep(0.5)
    press(page, "train")
    wait_for(page, "#step", "reading")
    page.refresh()
    open_tab(page)
    ask(page, pictures["disc"][0])
    answer(page, 1, "apple")
    wait_for(page, "#step", "done: this is version 2", SECONDS_TO_TRAIN)
    answer(page, 2, "sky")

    wait_for(page, "#versions label", "1: ").click()
    press(page, "use")
    wait_for(page, "#answering", "version 1 answers")
    answer(page, 1, "apple")
