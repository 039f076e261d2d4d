"""What the served model refuses, over the wire; the server lives on."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from apps.image_classification.examples import example_files
from dlkeras.data.encode import encode_png
from serving.client import Client, ClientError

APP = "image_classification"


def _png_of(width, height):
    """A PNG that states a size and holds almost nothing: what a decompression bomb looks like from outside."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


PICTURE = encode_png(np.zeros((40, 30, 3), "uint8"))
REFUSALS = {
    "nothing": (b"", "must be the bytes of a JPEG or PNG"),
    "text": (b"these are words, and more of them than a header is long", "must be the bytes of a JPEG or PNG"),
    "gif": (b"GIF89a" + bytes(60), "must be the bytes of a JPEG or PNG"),
    "huge": (_png_of(50_000, 50_000), "must have 1 to 50000000 pixels. Received: a picture of 50000 x 50000"),
    "cut off": (PICTURE[: len(PICTURE) // 2], "."),
}


@pytest.mark.parametrize("transport", ["grpc", "rest"])
@pytest.mark.parametrize("what", REFUSALS)
def test_refused_with_a_sentence(up, what, transport):
    data, sentence = REFUSALS[what]
    with Client(getattr(up, transport)) as client:
        with pytest.raises(ClientError, match=sentence) as refusal:
            client.predict(APP, {"image_bytes": [data]})
        assert refusal.value.code == "INVALID_ARGUMENT"
        good = Path(example_files()[0][0]).read_bytes()
        assert client.predict(APP, {"image_bytes": [good]})["labels"][0, 0] == b"ship"


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (3000, 20), (33, 31)])
def test_any_size_and_shape_is_answered(up, size):
    picture = encode_png(np.full((*size, 3), 120, "uint8"))
    with Client(up.grpc) as client:
        answer = client.predict(APP, {"image_bytes": [picture]})
    assert answer["scores"].shape == (1, 5)
    assert answer["probabilities"].sum() == pytest.approx(1, abs=1e-5)
