import random
import shutil
import socket
import ssl
import subprocess
import threading
import time

import grpc
import h2.settings
import hpack
import pytest
from google.protobuf import wrappers_pb2

from serving.frames import PREFACE, frame, reset, window_update
from serving.sending import MAX_CONTROL_BACKLOG
from serving.tls import server_context
from tests.serving.wire import HEADERS, Peer, Raw, Wire, prefixed

DATA, HEADERS_FRAME, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
BLOCK = hpack.Encoder().encode(HEADERS, huffman=False)
ECHO = prefixed(b"\n\3abc")
WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE


def plain_block(headers=HEADERS):
    """A header block that leaves the table as it is."""
    return b"".join(
        b"\0%c%b\x7f%b%b" % (len(name), name.encode(), _rest(len(value)), value.encode())
        if len(value) >= 127
        else b"\0%c%b%c%b" % (len(name), name.encode(), len(value), value.encode())
        for name, value in headers
    )


def _rest(size):
    size -= 127
    return bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])


@pytest.fixture(scope="module", autouse=True)
def hurry():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("serving.http2.LINGER_SECONDS", 0.1)
        patch.setattr("serving.http2.PING_ANSWER_SECONDS", 0.3)
        yield


@pytest.fixture
def make_wire():
    wires = []

    def make(**options):
        wires.append(Wire(**options))
        return wires[-1]

    yield make
    for wire in wires:
        assert wire.settled() is None
        wire.stop()


@pytest.fixture
def connect():
    peers = []

    def make(kind, *arguments, **options):
        peers.append(kind(*arguments, **options))
        return peers[-1]

    yield make
    for peer in peers:
        peer.close()


def number(value):
    return wrappers_pb2.Int64Value(value=value).SerializeToString()


def seconds(value):
    return wrappers_pb2.DoubleValue(value=value).SerializeToString()


def payload_of(answer):
    return wrappers_pb2.BytesValue.FromString(answer["data"][5:]).value


# Answers.


@pytest.mark.parametrize("window", [1, 2, 100, 16_383, 65_535, 10**6, 2**31 - 1])
def test_a_large_answer_and_any_window(wire, connect, window):
    peer = connect(Peer, wire.grpc, {WINDOW: window})
    size = 2_000 if window < 100 else 300_000
    answer = peer.ask("/t/Big", number(size))
    assert answer["headers"]["grpc-status"] == "0"
    assert payload_of(answer) == b"x" * size


def test_a_window_that_shrinks_below_zero_and_grows_again(wire, connect):
    peer = connect(Peer, wire.grpc, {WINDOW: 1000}, widen=False)
    stream = peer.send("/t/Big", number(3000))
    while len(peer.answers.get(stream, {"data": b""})["data"]) < 1000:
        for event in peer.h2.receive_data(peer.socket.recv(65_536)):
            peer._take(event)
        peer.flush()
    # 1000 were sent: a window of 0 now stands at -1000 for this stream.
    peer.h2.update_settings({WINDOW: 0})
    peer.flush()
    peer.h2.increment_flow_control_window(900, stream)
    peer.flush()
    peer.socket.settimeout(0.2)
    with pytest.raises(TimeoutError):
        peer.read(until=stream)
    assert len(peer.answers[stream]["data"]) == 1000
    peer.socket.settimeout(10)
    peer.h2.increment_flow_control_window(4000, stream)
    peer.flush()
    assert len(payload_of(peer.read(until=stream))) == 3000


def test_small_answers_pass_a_large_one(wire, connect):
    peer = connect(Peer, wire.grpc, {WINDOW: 100}, widen=False)
    large = peer.send("/t/Big", number(10_000))
    assert payload_of(peer.ask("/t/Echo", b"\n\3abc")) == b"abc"
    assert not peer.answers[large]["ended"]


def test_many_streams_at_a_time(wire, connect):
    peer = connect(Peer, wire.grpc)
    streams = [peer.send("/t/Echo", b"\n\2%02d" % i, flush=False) for i in range(90)]
    peer.flush()
    for i, stream in enumerate(streams):
        assert payload_of(peer.read(until=stream)) == b"%02d" % i


def test_a_large_request_and_its_windows(wire, connect):
    with grpc.insecure_channel(f"127.0.0.1:{wire.grpc[1]}") as channel:
        echo = channel.unary_unary("/t/Echo")
        body = prefixed(b"")[:0] + wrappers_pb2.BytesValue(value=b"z" * 900_000).SerializeToString()
        for _ in range(30):
            assert echo(body, timeout=10) == body


# Frames that a strict client would not send; each with the code of the GOAWAY that it deserves.

OPEN = frame(HEADERS_FRAME, 0x4, 1, plain_block())
ASK = OPEN + frame(DATA, 1, 1, ECHO)


def settings(key, value):
    return frame(SETTINGS, 0, 0, key.to_bytes(2, "big") + value.to_bytes(4, "big"))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(HEADERS_FRAME, 0x5, 0, plain_block()), 1),
        (frame(HEADERS_FRAME, 0x5, 2, plain_block()), 1),
        (frame(DATA, 0, 0, b""), 1),
        (frame(DATA, 0, 1, b""), 1),
        (frame(DATA, 0, 2, b""), 1),
        (OPEN + frame(DATA, 0x8, 1, b""), 1),
        (OPEN + frame(DATA, 0x8, 1, b"\5ab"), 1),
        (frame(HEADERS_FRAME, 0xC, 1, b"\xff" + plain_block()[:9]), 1),
        (frame(HEADERS_FRAME, 0x24, 1, b"\0\0\0"), 6),
        (frame(HEADERS_FRAME, 0x4, 1, b"\x80"), 9),
        (frame(HEADERS_FRAME, 0x4, 1, b"\xff\xff\xff\xff\xff\xff\xff"), 9),
        (frame(HEADERS_FRAME, 0x4, 1, b"\x3f\xff\xff\x7f"), 9),
        (frame(HEADERS_FRAME, 0, 1, plain_block()) + frame(PING, 0, 0, bytes(8)), 1),
        (frame(HEADERS_FRAME, 0, 1, plain_block()) + frame(CONTINUATION, 4, 3, b""), 1),
        (frame(HEADERS_FRAME, 0, 1, plain_block()) + frame(CONTINUATION, 0, 1, b"") * 3, 11),
        (frame(HEADERS_FRAME, 0, 1, plain_block()) + frame(CONTINUATION, 0, 1, bytes(16_384)) * 4, 11),
        (frame(CONTINUATION, 4, 1, b""), 1),
        (frame(PUSH, 4, 1, bytes(4)), 1),
        (frame(RST_STREAM, 0, 0, bytes(4)), 1),
        (frame(RST_STREAM, 0, 1, bytes(4)), 1),
        (OPEN + frame(RST_STREAM, 0, 1, bytes(3)), 6),
        (frame(PRIORITY, 0, 0, bytes(5)), 1),
        (OPEN + frame(PRIORITY, 0, 1, bytes(4)), 6),
        (frame(PING, 0, 1, bytes(8)), 1),
        (frame(PING, 0, 0, bytes(7)), 6),
        (frame(GOAWAY, 0, 1, bytes(8)), 1),
        (frame(SETTINGS, 0, 1, b""), 1),
        (frame(SETTINGS, 0, 0, bytes(5)), 6),
        (frame(SETTINGS, 1, 0, bytes(6)), 6),
        (settings(2, 2), 1),
        (settings(4, 2**31), 3),
        (settings(5, 16_383), 1),
        (settings(5, 2**24), 1),
        (frame(WINDOW_UPDATE, 0, 0, bytes(3)), 6),
        (window_update(0, 0), 1),
        (window_update(1, 5), 1),
        (window_update(0, 2**31 - 1), 3),
        (b"\0\x40\1\0\0\0\0\0\1", 6),
        (OPEN + frame(HEADERS_FRAME, 5, 3, plain_block()) + frame(HEADERS_FRAME, 5, 1, plain_block()), None),
        (frame(HEADERS_FRAME, 5, 3, plain_block()) + frame(HEADERS_FRAME, 5, 1, plain_block()), 1),
        (ASK + frame(HEADERS_FRAME, 5, 1, plain_block()), 5),
    ],
)
def test_a_broken_connection(wire, connect, sent, code):
    raw = connect(Raw, wire.grpc)
    raw.send(sent, frame(PING, 0, 0, b"complete") if code is None else b"")
    found = raw.frames(PING if code is None else GOAWAY)
    goaways = [payload for kind, _, _, payload in found if kind == GOAWAY]
    assert [int.from_bytes(payload[4:8], "big") for payload in goaways] == ([] if code is None else [code])


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (OPEN + window_update(1, 0), 1),
        (OPEN + window_update(1, 2**31 - 1), 3),
        (ASK + frame(DATA, 1, 1, ECHO), 5),
        (OPEN + frame(HEADERS_FRAME, 5, 1, plain_block()), 1),
        (OPEN + frame(HEADERS_FRAME, 4, 1, b""), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block(HEADERS[1:])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([*HEADERS, (":path", "/")])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([*HEADERS, (":odd", "/")])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([*HEADERS, ("Upper", "x")])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([*HEADERS, ("connection", "x")])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([*HEADERS, ("te", "gzip")])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([*HEADERS, ("x", "a\r\nb")])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([(n, "" if n == ":path" else v) for n, v in HEADERS])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([("a", "b"), *HEADERS])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([("a", "b")])), 1),
        (frame(HEADERS_FRAME, 5, 1, plain_block([*HEADERS, ("a", "b" * 9000), ("c", "d" * 7150)])), 11),
    ],
)
def test_a_broken_stream_and_the_connection_goes_on(wire, connect, sent, code):
    raw = connect(Raw, wire.grpc)
    raw.send(sent, frame(PING, 0, 0, b"complete"))
    found = raw.frames(PING)
    resets = [
        int.from_bytes(payload, "big") for kind, _, stream, payload in found if kind == RST_STREAM and stream == 1
    ]
    assert resets == [code]
    raw.send(frame(HEADERS_FRAME, 4, 5, plain_block()) + frame(DATA, 1, 5, ECHO))
    assert (DATA, 0, 5, ECHO) in raw.frames(DATA)


@pytest.mark.parametrize(
    "sent",
    [
        ASK,
        OPEN + frame(DATA, 0x9, 1, b"\4" + ECHO + bytes(4)),
        frame(HEADERS_FRAME, 0x2C, 1, b"\3" + bytes(5) + plain_block() + bytes(3)) + frame(DATA, 1, 1, ECHO),
        OPEN + frame(PRIORITY, 0, 1, bytes(5)) + frame(77, 9, 1, b"odd") + frame(DATA, 1, 1, ECHO),
        OPEN + frame(DATA, 0, 1, b"") * 1000 + frame(DATA, 0, 1, ECHO) + frame(DATA, 1, 1, b""),
        OPEN + b"".join(frame(DATA, 0, 1, ECHO[i : i + 1]) for i in range(len(ECHO))) + frame(DATA, 1, 1, b""),
        OPEN + frame(DATA, 0, 1, ECHO) + frame(HEADERS_FRAME, 5, 1, plain_block([("trailer", "x")])),
        frame(HEADERS_FRAME, 0, 1, plain_block()[:7])
        + frame(CONTINUATION, 0, 1, plain_block()[7:40])
        + frame(CONTINUATION, 4, 1, plain_block()[40:])
        + frame(DATA, 1, 1, ECHO),
        frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0\0\4\0\1\0\0" * 1000) + settings(1, 0) + settings(99, 7) + ASK,
        frame(HEADERS_FRAME, 4, 1, b"\x20\x3f\xe1\x1f" + plain_block()) + frame(DATA, 1, 1, ECHO),
    ],
)
def test_odd_and_right(wire, connect, sent):
    raw = connect(Raw, wire.grpc)
    raw.send(sent)
    assert (DATA, 0, 1, ECHO) in raw.frames(DATA)


def test_the_header_table_is_kept_in_step(wire, connect):
    """Indexed, literal and resized tables in any order mean what hpack's own encoder means by them."""
    dice = random.Random(0)
    encoder, sent = hpack.Encoder(), []
    for i in range(300):
        if dice.random() < 0.2:
            encoder.header_table_size = dice.choice([0, 60, 200, 4096])
        timeout = ("grpc-timeout", f"{dice.randint(10, 14)}S")
        path = "/t/Echo" if i % 3 else f"/t/None{dice.randint(0, 3)}"
        headers = [(name, path if name == ":path" else value) for name, value in HEADERS]
        headers += [timeout, ("x", "y" * dice.choice([1, 50, 600]))]
        stream = 2 * i + 1
        sent.append(frame(HEADERS_FRAME, 4, stream, encoder.encode(headers)) + frame(DATA, 1, stream, ECHO))
    raw = connect(Raw, wire.grpc)
    raw.send(*sent)
    time.sleep(0.2)
    raw.send(frame(PING, 0, 0, bytes(8)))
    found = raw.frames(PING)
    assert {stream for kind, _, stream, _ in found if kind == DATA} == {2 * i + 1 for i in range(300) if i % 3}
    assert not [kind for kind, *_ in found if kind == GOAWAY]


@pytest.mark.parametrize(
    "first", [b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"x"]
)
def test_strangers(wire, connect, first):
    raw = connect(Raw, wire.grpc, greet=False)
    raw.send(first)
    received = b""
    while data := raw.socket.recv(1000):
        received += data
    assert (b"REST is on the port" in received) == first.startswith(b"GET")


def test_settings_come_first(wire, connect):
    raw = connect(Raw, wire.grpc, greet=False)
    raw.send(PREFACE + frame(PING, 0, 0, bytes(8)))
    assert raw.frames(GOAWAY)[-1][0] == GOAWAY


def test_a_greeting_byte_by_byte(wire, connect):
    raw = connect(Raw, wire.grpc, greet=False)
    raw.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in PREFACE + frame(SETTINGS, 0, 0, b"") + ASK:
        raw.socket.send(bytes([byte]))
    assert (DATA, 0, 1, ECHO) in raw.frames(DATA)


def test_cut_at_every_byte(wire):
    whole = PREFACE + frame(SETTINGS, 0, 0, b"") + ASK
    for size in range(len(whole)):
        with socket.create_connection(wire.grpc) as client:
            client.sendall(whole[:size])


# Floods, and those who do not read.


def test_requests_taken_back_at_once(wire, connect):
    raw = connect(Raw, wire.grpc)
    streams = range(1, 4001, 2)
    raw.send(*(frame(HEADERS_FRAME, 5, stream, plain_block()) + reset(stream, 8) for stream in streams))
    assert int.from_bytes(raw.frames(GOAWAY)[-1][3][4:8], "big") == 11


def test_a_request_taken_back_does_not_run(wire, connect):
    begun = wire.counts["begun"]
    peer = connect(Peer, wire.grpc)
    for _ in range(50):
        stream = peer.send("/t/Slow", seconds(10), flush=False)
        peer.h2.reset_stream(stream, 8)
    peer.flush()
    assert payload_of(peer.ask("/t/Echo", b"\n\1a")) == b"a"
    assert wire.counts["begun"] == begun


def test_a_client_that_goes_is_not_worked_for(wire, connect):
    cancelled = wire.counts["cancelled"]
    peer = connect(Peer, wire.grpc)
    for _ in range(20):
        peer.send("/t/Slow", seconds(10))
    stream = peer.send("/t/Slow", seconds(0))
    peer.read(until=stream)
    peer.h2.reset_stream(1, 8)
    peer.flush()
    peer.ask("/t/Echo", b"")
    assert wire.counts["cancelled"] == cancelled + 1
    peer.close()
    assert wire.settled() is None
    assert wire.counts["cancelled"] == cancelled + 20


@pytest.mark.parametrize("sent", [frame(PING, 0, 0, bytes(8)), settings(3, 1)])
def test_control_frames_are_not_kept_for_those_who_do_not_read(wire, sent):
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(wire.grpc)
        client.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
        with pytest.raises(OSError):
            for _ in range(40 * MAX_CONTROL_BACKLOG // len(sent * 5000) + 40):
                client.sendall(sent * 5000)


def test_pings_do_not_end_a_slow_answer(wire, connect):
    peer = connect(Peer, wire.grpc, {WINDOW: 2**31 - 1}, receive_buffer=4096)
    peer.h2.increment_flow_control_window(2**30)
    stream = peer.send("/t/Big", number(10_000_000))
    for _ in range(20):
        peer.h2.ping(bytes(8))
        peer.flush()
        time.sleep(0.01)
    assert len(payload_of(peer.read(until=stream))) == 10_000_000


def test_answers_that_nobody_reads_are_bounded(make_wire, monkeypatch):
    monkeypatch.setattr("serving.budget.MAX_UNSENT_BYTES", 20_000_000)
    wire = make_wire()
    peers = [Peer(wire.grpc, {WINDOW: 2**31 - 1}, receive_buffer=4096) for _ in range(8)]
    for peer in peers:
        for _ in range(10):
            peer.send("/t/Big", number(1_000_000))
    time.sleep(0.5)
    assert 0 < wire.budget.unsent <= 20_000_000
    peers.append(Peer(wire.grpc))
    assert payload_of(peers[-1].ask("/t/Echo", b"\n\1a")) == b"a"
    for peer in peers:
        peer.close()


def test_a_client_that_stops_reading_is_cut_off(wire, connect):
    peer = connect(Peer, wire.grpc, {WINDOW: 10}, widen=False)
    peer.send("/t/Big", number(1000))
    time.sleep(0.2)
    wire.later(61)
    peer.read()
    assert peer.ended


def test_a_request_that_does_not_arrive_is_dropped(wire, connect):
    peer = connect(Peer, wire.grpc)
    stream = peer.send("/t/Echo", b"\n\3a", end=False)
    quick = peer.send("/t/Slow", seconds(0.2))
    time.sleep(0.1)
    wire.later(31)
    assert peer.read(until=stream)["reset"] == 8
    assert peer.read(until=quick)["headers"]["grpc-status"] == "0"


def test_a_client_that_says_nothing(wire, connect):
    raw = connect(Raw, wire.grpc, greet=False)
    time.sleep(0.1)
    wire.later(21)
    raw.frames(GOAWAY)


def test_a_stream_of_answers_waits_for_its_reader(wire, connect):
    peer = connect(Peer, wire.grpc, {WINDOW: 1000}, widen=False)
    stream = peer.send("/t/Stream", body=prefixed(number(30_000)) * 100)
    time.sleep(0.3)
    # One answer past the limit at most waits, not a hundred.
    assert wire.budget.unsent <= 2**16 + 30_010
    peer.widen = True
    peer.h2.update_settings({WINDOW: 2**20})
    peer.h2.increment_flow_control_window(2**24)
    peer.flush()
    answer = peer.read(until=stream)
    assert answer["headers"]["grpc-status"] == "0"
    assert len(answer["data"]) == 100 * len(prefixed(b"x" * 30_000) + b"\n\xb0\xea\1")


def test_too_many_streams_are_refused(make_wire, connect):
    wire = make_wire(max_concurrent_streams=3)
    raw = connect(Raw, wire.grpc)
    body = prefixed(seconds(0.2))
    block = plain_block([(name, "/t/Slow" if name == ":path" else value) for name, value in HEADERS])
    raw.send(*(frame(HEADERS_FRAME, 4, stream, block) + frame(DATA, 1, stream, body) for stream in (1, 3, 5, 7)))
    found = raw.frames(RST_STREAM)
    assert found[-1] == (RST_STREAM, 0, 7, (7).to_bytes(4, "big"))
    assert {stream for kind, _, stream, _ in raw.frames(DATA) if kind == DATA} <= {1, 3, 5}


# Timers.


def test_a_quiet_client_is_asked_and_cut_off(make_wire, connect):
    wire = make_wire(keepalive_time=0.1, keepalive_timeout=0.3)
    peer = connect(Peer, wire.grpc)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        peer.socket.settimeout(0.1)
        try:
            peer.read(until=99)
        except TimeoutError:
            continue
    assert not peer.ended
    raw = connect(Raw, wire.grpc)
    assert [kind for kind, *_ in raw.frames(99)].count(PING) == 1


def goaways(raw):
    found = raw.frames(99)
    return found, [(payload[:4], payload[4:8]) for kind, _, _, payload in found if kind == GOAWAY]


FIRST, NO_ERROR = (2**31 - 1).to_bytes(4, "big"), bytes(4)


@pytest.mark.parametrize("options", [{"max_connection_idle": 0.2}, {"max_connection_age": 0.2}])
def test_idle_and_aged_connections_are_closed(make_wire, connect, options):
    raw = connect(Raw, make_wire(**options).grpc)
    assert goaways(raw)[1] == [(FIRST, NO_ERROR), (bytes(4), NO_ERROR)]


def ask_slowly(raw, duration, stream=1):
    block = plain_block([(name, "/t/Slow" if name == ":path" else value) for name, value in HEADERS])
    raw.send(frame(HEADERS_FRAME, 4, stream, block), frame(DATA, 1, stream, prefixed(seconds(duration))))


def test_what_was_asked_before_the_end_is_answered(make_wire, connect):
    raw = connect(Raw, make_wire(max_connection_age=0.1).grpc)
    ask_slowly(raw, 0.6)
    raw.frames(GOAWAY)
    # It was sent before the client could know.
    ask_slowly(raw, 0.6, stream=3)
    raw.send(frame(PING, 1, 0, b"dlkeras\0"))
    raw.frames(GOAWAY)
    ask_slowly(raw, 0.6, stream=5)
    found = goaways(raw)[0]
    assert [stream for kind, _, stream, _ in found if kind == DATA] == [1, 3]
    assert [stream for kind, _, stream, _ in found if kind == RST_STREAM] == [5]


def test_an_aged_connection_is_cut_off_after_its_grace(make_wire, connect):
    raw = connect(Raw, make_wire(max_connection_age=0.1, max_connection_age_grace=0.2).grpc)
    ask_slowly(raw, 30)
    started = time.monotonic()
    found = goaways(raw)[0]
    assert time.monotonic() - started < 3
    assert not [kind for kind, *_ in found if kind == DATA]


def test_no_request_fails_when_connections_age(make_wire):
    wire = make_wire(max_connection_age=0.15)
    failures, answered = [], []
    until = time.monotonic() + 2

    def work(channel):
        echo = channel.unary_unary("/t/Echo")
        while time.monotonic() < until:
            try:
                answered.append(echo(b"\n\3abc", timeout=10))
            except grpc.RpcError as error:
                failures.append(error)

    with grpc.insecure_channel(f"127.0.0.1:{wire.grpc[1]}") as channel:
        threads = [threading.Thread(target=work, args=(channel,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []
    assert len(answered) > 200


# Other clients.


def test_large_answers_over_tls(make_wire, connect, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("the openssl command makes the certificate")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    words = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=localhost -addext"
    subprocess.run(
        ["openssl", *words.split(), "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )

    class Config:
        server_key, server_cert = key.read_text(), certificate.read_text()
        custom_ca, client_verify = "", False

    wire = make_wire(tls=server_context(Config))
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.secure_channel(f"localhost:{wire.grpc[1]}", credentials, options) as channel:
        big = channel.unary_unary("/t/Big")
        for size in (10, 100_000, 20_000_000):
            assert len(big(number(size), timeout=20)) > size
    context = ssl.create_default_context(cafile=certificate)
    context.set_alpn_protocols(["h2"])
    slow = connect(Peer, wire.grpc, {WINDOW: 2**30}, tls=context, receive_buffer=4096)
    stream = slow.send("/t/Big", number(5_000_000))
    time.sleep(0.3)
    assert 0 < wire.budget.unsent < 5_000_010
    assert len(payload_of(slow.read(until=stream))) == 5_000_000


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_curl(wire, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(ECHO)
    words = [
        "curl",
        "-s",
        "--http2-prior-knowledge",
        "-H",
        "content-type:application/grpc",
        "-H",
        "te:trailers",
        "--data-binary",
    ]
    url = f"http://127.0.0.1:{wire.grpc[1]}/t/Echo"
    if "HTTP2" not in subprocess.run(["curl", "-V"], capture_output=True, text=True).stdout:
        pytest.skip("this curl has no HTTP/2")
    answer = subprocess.run([*words, f"@{body}", url], capture_output=True, timeout=20)
    assert (answer.returncode, answer.stdout) == (0, ECHO)


def test_a_unix_socket(wire, tmp_path):
    path = tmp_path / "socket"
    wire.listen(str(path))
    with grpc.insecure_channel(f"unix:{path}") as channel:
        assert len(channel.unary_unary("/t/Big")(number(1_000_000), timeout=10)) == 1_000_004
