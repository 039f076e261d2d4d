import asyncio
import gzip
import time
import zlib

import grpc
import h2.settings
import pytest
from google.protobuf import wrappers_pb2

from serving.grpc_protocol import MAX_TIMEOUT_SECONDS, _read_timeout
from tests.serving.wire import MAX_BYTES, Peer, Wire, prefixed

ECHO = prefixed(b"\n\3abc")


@pytest.fixture
def peer(wire):
    peer = Peer(wire.grpc)
    yield peer
    peer.close()


@pytest.fixture
def channel(wire):
    with grpc.insecure_channel(f"127.0.0.1:{wire.grpc[1]}") as channel:
        yield channel


def seconds(value):
    return wrappers_pb2.DoubleValue(value=value).SerializeToString()


def number(value):
    return wrappers_pb2.Int64Value(value=value).SerializeToString()


@pytest.mark.parametrize(
    ("body", "headers", "status", "words"),
    [
        (ECHO, [], 0, None),
        (prefixed(b""), [], 0, None),
        (b"", [], 12, "exactly one message. Received: none"),
        (ECHO + ECHO, [], 12, "exactly one message. Received: more"),
        (ECHO + b"\0", [], 12, "Received: more"),
        (ECHO[:-1], [], 13, "length-prefixed"),
        (b"\0\0", [], 13, "length-prefixed"),
        (b"\2" + ECHO[1:], [], 13, "length-prefixed"),
        (prefixed(b"\xff\xff"), [], 3, "must be a google.protobuf.BytesValue"),
        (b"\0" + (MAX_BYTES + 1).to_bytes(4, "big"), [], 8, f"larger than max ({MAX_BYTES + 1} vs. {MAX_BYTES})"),
        (b"\0\xff\xff\xff\xff", [], 8, "larger than max"),
        (prefixed(gzip.compress(b"\n\3abc"), 1), [("grpc-encoding", "gzip")], 0, None),
        (prefixed(zlib.compress(b"\n\3abc"), 1), [("grpc-encoding", "deflate")], 0, None),
        (ECHO, [("grpc-encoding", "gzip")], 0, None),
        (ECHO, [("grpc-encoding", "identity")], 0, None),
        (prefixed(gzip.compress(b"\n\3abc"), 1), [], 13, "needs the header grpc-encoding"),
        (prefixed(b"abc", 1), [("grpc-encoding", "gzip")], 13, "cannot be decompressed"),
        (prefixed(gzip.compress(b"\n\3abc")[:-3], 1), [("grpc-encoding", "gzip")], 13, "too early or too late"),
        (prefixed(gzip.compress(b"\n\3abc") * 2, 1), [("grpc-encoding", "gzip")], 13, "too early or too late"),
        (prefixed(gzip.compress(bytes(2 * MAX_BYTES)), 1), [("grpc-encoding", "gzip")], 8, "larger than max"),
        (prefixed(b"abc", 1), [("grpc-encoding", "br")], 12, "gzip or deflate. Received: br"),
        (ECHO, [(":path", "/t/None")], 12, "unknown method /t/None"),
        (ECHO, [(":path", "/é%\n".encode().decode("latin-1").replace("\n", "~"))], 12, "unknown method"),
        (ECHO, [(":path", "/" + "x" * 5000)], 12, "unknown method /xxx"),
        (ECHO, [("content-type", "application/grpc+proto")], 0, None),
        (ECHO, [("content-type", "application/grpc;charset=utf-8")], 0, None),
        (ECHO, [("grpc-timeout", "0n")], 4, "time was up"),
        (ECHO, [("grpc-timeout", "99999999H")], 0, None),
        (ECHO, [("grpc-timeout", "ten")], 0, None),
    ],
)
def test_a_message_and_its_status(wire, peer, body, headers, status, words):
    answer = peer.ask(body=body, headers=headers)
    assert answer["headers"][":status"] == "200"
    assert answer["headers"]["content-type"] == "application/grpc"
    assert int(answer["headers"]["grpc-status"]) == status
    if words is None:
        assert answer["data"] in (ECHO, prefixed(b""))
    else:
        assert words in answer["headers"]["grpc-message"]
        assert answer["data"] == b""
    if status == 12 and "br" in words:
        assert answer["headers"]["grpc-accept-encoding"] == "identity,deflate,gzip"


@pytest.mark.parametrize(
    "headers",
    [
        [("content-type", "application/json")],
        [("content-type", "")],
        [("content-type", "application/grpc-web+proto")],
        [("content-type", "application/grpc+json")],
        [(":method", "GET")],
        [(":path", "/t/Stream"), ("content-type", "text/html")],
    ],
)
def test_what_is_not_grpc(wire, peer, headers):
    answer = peer.ask(headers=headers)
    assert answer["headers"][":status"] == "415"
    assert "grpc-status" not in answer["headers"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        (b"1H", 3600),
        (b"2M", 120),
        (b"3S", 3),
        (b"4m", 0.004),
        (b"5u", 5e-6),
        (b"6n", 6e-9),
        (b"0S", 0),
        (b"99999999H", MAX_TIMEOUT_SECONDS),
        *((text, None) for text in (b"", b"S", b"1", b"-1S", b"+1S", b"1_0S", b"1.5S", b"1s", b"1SS", b"\xb2S")),
    ],
)
def test_timeouts(text, expected):
    assert _read_timeout(text) == (None if expected is None else pytest.approx(expected))


def test_a_deadline_is_kept_and_the_work_ends(wire, channel):
    cancelled = wire.counts["cancelled"]
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/t/Slow")(seconds(30), timeout=0.2)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert wire.settled() is None
    assert wire.counts["cancelled"] == cancelled + 1


def test_a_stream_has_a_deadline_of_the_servers_own(wire, peer):
    started = time.monotonic()
    answer = peer.read(until=peer.send("/t/Stream", number(3), end=False, headers=[("grpc-timeout", "300m")]))
    assert 0.2 < time.monotonic() - started < 5
    assert answer["headers"]["grpc-status"] == "4"
    assert answer["data"] == prefixed(b"\n\3xxx")


@pytest.mark.parametrize("message", ["", "plain words", "100 % \n\té 漢字 \U0001f600", "x" * 5000])
def test_messages_of_errors_come_as_they_are(wire, channel, message):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/t/Fail")(wrappers_pb2.StringValue(value=message).SerializeToString(), timeout=10)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == message[:1500]


@pytest.mark.parametrize("algorithm", [grpc.Compression.Gzip, grpc.Compression.Deflate, grpc.Compression.NoCompression])
def test_the_stock_client_compresses(wire, channel, algorithm):
    body = wrappers_pb2.BytesValue(value=b"z" * 100_000).SerializeToString()
    assert channel.unary_unary("/t/Echo")(body, compression=algorithm, timeout=10) == body


def test_the_stock_client_streams(wire, channel):
    stream = channel.stream_stream("/t/Stream")
    assert [len(answer) for answer in stream(iter([number(1), number(100)]), timeout=10)] == [3, 102]
    with pytest.raises(grpc.RpcError) as caught:
        list(stream(iter([bytes(70_000)]), timeout=10))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    calls = [stream(iter([number(5)] * 3), timeout=10) for _ in range(20)]
    for call in calls:
        next(call)
        call.cancel()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (prefixed(number(2)) * 50, "0"),
        (b"", "0"),
        (prefixed(number(2))[:-1], "13"),
        (b"\0\0", "13"),
        (prefixed(b"\xff"), "3"),
        (b"\0\xff\xff\xff\xff", "8"),
    ],
)
def test_a_stream_of_messages(wire, peer, body, status):
    assert peer.ask("/t/Stream", body=body)["headers"]["grpc-status"] == status


def test_messages_do_not_pile_up_behind_a_slow_reader(wire):
    peer = Peer(wire.grpc, {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 10}, widen=False)
    filled = number(1) + b"\x12\xe0\xd4\3" + bytes(60_000)
    stream = peer.send("/t/Stream", body=prefixed(number(70_000)) + prefixed(filled) * 10)
    peer.h2.increment_flow_control_window(100_000, stream)
    peer.h2.increment_flow_control_window(100_000)
    time.sleep(0.2)
    assert 0 < wire.budget.taken < 400_000
    peer.flush()
    answer = peer.read(until=stream)
    assert answer["headers"]["grpc-status"] == "8"
    assert len(answer["data"]) > 70_000
    peer.close()


def test_the_stock_asynchronous_client(wire):
    async def ask():
        async with grpc.aio.insecure_channel(f"127.0.0.1:{wire.grpc[1]}") as channel:
            echo = channel.unary_unary("/t/Echo")
            calls = [echo(b"\n\2%02d" % i, timeout=10) for i in range(100)]
            return await asyncio.gather(*calls)

    assert asyncio.run(ask()) == [b"\n\2%02d" % i for i in range(100)]


def test_too_much_metadata(wire, channel):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/t/Echo")(b"", metadata=[("x", "y" * 20_000)], timeout=10)
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert channel.unary_unary("/t/Echo")(b"", metadata=[("x", "y" * 7_000)], timeout=10) == b""


def test_requests_share_a_budget():
    wire = Wire(budget=1000)
    peer = Peer(wire.grpc)
    held = peer.send(body=prefixed(b"")[:-1] + b"\x64" + b"x" * 50, end=False)
    large = b"\n\xf4\3" + bytes(500)
    assert peer.ask(message=large)["headers"]["grpc-status"] == "0"
    other = peer.send(body=b"\0\0\0\3\xe8" + bytes(700), end=False)
    assert peer.ask(message=large)["headers"]["grpc-status"] == "8"
    bomb = prefixed(gzip.compress(b"\n\xf4\3" + bytes(500)), 1)
    assert peer.ask(body=bomb, headers=[("grpc-encoding", "gzip")])["headers"]["grpc-status"] == "8"
    for stream in (held, other):
        peer.h2.reset_stream(stream, 8)
    peer.flush()
    assert peer.ask(message=large)["headers"]["grpc-status"] == "0"
    peer.close()
    assert wire.settled() is None
    wire.stop()


def test_an_early_refusal_does_not_wait_for_the_rest(wire, peer):
    stream = peer.send(body=b"\0\xff\xff\xff\xff", end=False)
    answer = peer.read(until=stream)
    assert answer["headers"]["grpc-status"] == "8"
    # What was on its way is passed over.
    assert peer.ask()["headers"]["grpc-status"] == "0"
