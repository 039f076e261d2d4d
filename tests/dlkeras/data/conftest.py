"""Pictures made on the spot, and a place for data that nobody else uses."""

import functools
import http.server
import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL_DATA = os.environ.get("DLKERAS_DATA")


@pytest.fixture
def real_data():
    """The folder of real data sets, read only."""
    if not REAL_DATA:
        pytest.skip("DLKERAS_DATA names no folder of data sets")
    return Path(REAL_DATA)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no `DLKERAS_DATA`."""
    monkeypatch.setenv("DLKERAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLKERAS_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def encode():
    """A function of an array or Pillow image, a format and Pillow's options: the bytes of the file."""

    def encode(picture, form="PNG", **options):
        picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        buffer = io.BytesIO()
        picture.save(buffer, form, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture
def noise():
    """A function of a shape: random `uint8` pixels."""
    random = np.random.default_rng(0)
    return lambda *shape: random.integers(0, 256, shape, dtype="uint8")


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.paths.append(self.path)
        super().do_GET()

    def log_message(self, *words):
        pass


@pytest.fixture
def web(tmp_path):
    """A web server of the folder `web.folder` at `web.address`; `web.paths` is what it was asked for."""
    folder = tmp_path / "web"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Handler, directory=str(folder))
    ) as server:
        server.folder, server.paths = folder, []
        server.address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
