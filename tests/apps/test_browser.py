"""The gallery in a real browser: Debian's chromium, where it is installed."""

import contextlib
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from apps.image_classification.examples import draw

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs a browser: apt install chromium chromium-driver"
)
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--window-size=1180,1000", "--disable-dev-shm-usage"),
)


@contextlib.contextmanager
def chromium(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def page(up, tmp_path):
    with chromium(tmp_path / "profile") as driver:
        driver.get(up.page)
        wait_for(driver, "input[type=file]")
        yield driver


def wait_for(driver, selector, text="", seconds=60):
    """Waits until an element that matches holds the text; returns it."""

    def found(driver):
        elements = driver.find_elements(By.CSS_SELECTOR, selector)
        return next((element for element in elements if text in (element.text or "").lower()), None)

    # An element that the page has just replaced is looked for again.
    return WebDriverWait(driver, seconds, ignored_exceptions=[Exception]).until(found)


def upload(driver, path):
    driver.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(path))


def test_an_example_is_answered(page):
    page.find_element(By.CSS_SELECTOR, "#examples button.gallery-item").click()
    wait_for(page, "#answer", "%")
    wait_for(page, ".prose", "answered in")


def test_a_picture_of_ones_own_is_answered(page, tmp_path):
    draw("cifar10", "ship").save(tmp_path / "mine.webp")  # neither JPEG nor PNG
    upload(page, tmp_path / "mine.webp")
    wait_for(page, "#answer", "ship")


def test_what_is_no_picture_is_refused_on_the_page(page, tmp_path):
    (tmp_path / "words.png").write_text("these are words")
    upload(page, tmp_path / "words.png")
    wait_for(page, ".toast-wrap, .toast-body", "the file must be a picture")
