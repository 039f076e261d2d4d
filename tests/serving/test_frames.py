import hpack
import pytest
from hyperframe.frame import DataFrame, Frame

from serving.frames import PADDED, ProtocolError, answer, frame, literal, reset, unpadded, window_update


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 254, 255, 300, 16_000])
def test_literals_are_read_by_hpack(size):
    headers = hpack.Decoder().decode(literal(b"name", b"v" * size), raw=True)
    assert headers == [(b"name", b"v" * size)]


def parse(data):
    frames = []
    while data:
        parsed, length = Frame.parse_frame_header(memoryview(data[:9]))
        parsed.parse_body(memoryview(data[9 : 9 + length]))
        frames.append(parsed)
        data = data[9 + length :]
    return frames


def test_frames_are_read_by_hyperframe():
    data, update, abandon = parse(frame(0, 1, 5, b"abc") + window_update(7, 9) + reset(3, 8))
    assert (data.stream_id, data.data, set(data.flags)) == (5, b"abc", {"END_STREAM"})
    assert (update.stream_id, update.window_increment) == (7, 9)
    assert (abandon.stream_id, abandon.error_code) == (3, 8)


def test_an_answer_is_three_frames():
    head, data, last = parse(answer(9, b"h", b"body", b"tt"))
    assert {head.stream_id, data.stream_id, last.stream_id} == {9}
    assert (head.data, data.data, last.data) == (b"h", b"body", b"tt")
    assert [set(part.flags) for part in (head, data, last)] == [
        {"END_HEADERS"},
        set(),
        {"END_HEADERS", "END_STREAM"},
    ]


def test_padding_is_taken_off():
    padded = DataFrame(1, data=b"abc", pad_length=4, flags=["PADDED"]).serialize_body()
    assert unpadded(PADDED, padded) == b"abc"
    assert unpadded(0, padded) == padded


@pytest.mark.parametrize("payload", [b"", b"\1", b"\3ab"])
def test_padding_longer_than_its_frame(payload):
    with pytest.raises(ProtocolError):
        unpadded(PADDED, payload)
