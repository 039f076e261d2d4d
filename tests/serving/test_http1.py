import asyncio
import gzip
import http.client
import itertools
import random
import socket
import time
import unittest.mock
import zlib

import pytest

from serving import http1
from serving.budget import Budget
from serving.http1 import MAX_HEAD_BYTES
from serving.http_messages import MAX_GZIP_MEMBERS, Response
from tests.serving.wire import MAX_BYTES, Wire

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture
def client(wire):
    with socket.create_connection(wire.http, timeout=10) as client:
        yield client


def read_all(client):
    received = b""
    while True:
        try:
            data = client.recv(65_536)
        except ConnectionResetError:
            return received
        if not data:
            return received
        received += data


def answers(received):
    """Split what was received into status, headers and body; an answer to HEAD would not do."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        status = int(lines[0].split(b" ")[1])
        headers = dict(line.lower().split(b": ", 1) for line in lines[1:])
        size = int(headers.get(b"content-length", b"0"))
        found.append((status, headers, received[:size]))
        assert len(received) >= size
        received = received[size:]
    return found


def post(body=b"", head=b"", method=b"POST"):
    return b"%b /a HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n%b\r\n%b" % (method, len(body), head, body)


def ask(client, sent):
    client.sendall(sent)
    client.shutdown(socket.SHUT_WR) if not sent else None
    return answers(read_all(client))


CLOSE = b"Connection: close\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (post(b"abc", CLOSE), b"POST /a:abc"),
        (post(b"", CLOSE), b"POST /a:"),
        (post(b"abc", CLOSE, b"GET"), b"GET /a:abc"),
        (b"GET http://other:1/a%2f..%00?x=1#y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"GET /a%2f..%00:"),
        (b"GET http://other HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", b"GET /:"),
        (b"GET /a HTTP/1.0\r\n\r\n", b"GET /a:"),
        (b"\r\n\r\nGET /a HTTP/1.0\r\n\r\n", b"GET /a:"),
        (CHUNKED + b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n", b"POST /a:abcd"),
        (CHUNKED + b"1\r\na\r\n" * 2000 + b"0\r\nContent-Encoding: gzip\r\nX: y\r\n\r\n", b"POST /a:" + b"a" * 2000),
        (post(gzip.compress(b"abc"), CLOSE + b"Content-Encoding: gzip\r\n"), b"POST /a:abc"),
        (post(gzip.compress(b"ab") + gzip.compress(b"c"), CLOSE + b"Content-Encoding: GZIP\r\n"), b"POST /a:abc"),
        (post(gzip.compress(b""), CLOSE + b"Content-Encoding: gzip\r\n"), b"POST /a:"),
        (post(b"abc", CLOSE + b"Content-Encoding: identity\r\n"), b"POST /a:abc"),
        (post(b"abc", CLOSE) + b"\r\n\r\nGET / HTTP/1.1\r\n\r\ngarbage", b"POST /a:abc"),
        (post(b"abc", b"Connection: Upgrade, close\r\nUpgrade: h2c\r\n"), b"POST /a:abc"),
    ],
)
def test_right_requests(wire, client, sent, body):
    ((status, headers, received),) = ask(client, sent)
    assert (status, received) == (200, body)
    assert headers[b"connection"] == b"close"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"garbage\r\n\r\n", 400),
        (b"get /a HTTP/1.1\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\n\r\n", 400),
        (b"GET /a\x00b HTTP/1.1\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\nHost: h\n\n", 400),
        (b"GET /a\r\n\r\n", 505),
        (b"GET /a HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: -3\r\n\r\nabc", 400),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc", 400),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        (CHUNKED + b"g\r\n", 400),
        (CHUNKED + b"3\nabc\n0\n\n", 400),
        (CHUNKED + b"fffffffffffffffff\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (MAX_BYTES + 1), 413),
        (b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        (CHUNKED + b"%x\r\n" % (MAX_BYTES + 1) + bytes(MAX_BYTES + 1), 413),
        (post(gzip.compress(bytes(2 * MAX_BYTES)), CLOSE + b"Content-Encoding: gzip\r\n"), 413),
        (post(gzip.compress(b"abc")[:-1], CLOSE + b"Content-Encoding: gzip\r\n"), 400),
        (post(gzip.compress(b"abc") + b"x", CLOSE + b"Content-Encoding: gzip\r\n"), 400),
        (post(gzip.compress(b"") * (MAX_GZIP_MEMBERS + 1), CLOSE + b"Content-Encoding: gzip\r\n"), 400),
        (post(b"", CLOSE + b"Content-Encoding: gzip\r\n"), 400),
        (post(zlib.compress(b"abc"), CLOSE + b"Content-Encoding: deflate\r\n"), 415),
        (b"GET /" + b"x" * MAX_HEAD_BYTES * 2 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET /a HTTP/1.1\r\nHost: h\r\nX: " + b"x" * MAX_HEAD_BYTES * 3, 431),
        (b"GET /a HTTP/1.1\r\nHost: h\r\n" + b"a:b\r\n" * 1000 + b"\r\n", 431),
        (CHUNKED + b"0\r\nX: " + b"x" * MAX_HEAD_BYTES * 3, 431),
        (CHUNKED + b"1;" + b"x" * MAX_HEAD_BYTES * 3, 431),
        (b"\r\n" * MAX_HEAD_BYTES, 431),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: h\r\n\r\nabc", 405),
    ],
)
def test_wrong_requests(wire, client, sent, status):
    ((received, headers, body),) = ask(client, sent)
    assert received == status
    assert headers[b"connection"] == b"close"
    assert body


def test_a_refusal_is_read_while_the_body_is_still_being_sent(wire):
    for _ in range(5):
        connection = http.client.HTTPConnection(*wire.http, timeout=10)
        connection.putrequest("POST", "/a")
        connection.putheader("Content-Length", str(50 * MAX_BYTES))
        connection.endheaders()
        for _ in range(20):
            connection.send(bytes(100_000))
        assert connection.getresponse().status == 413
        connection.close()


def test_a_body_with_a_connection_kept(wire):
    connection = http.client.HTTPConnection(*wire.http, timeout=10)
    for method, expected in (
        ("POST", b"POST /a:abc"),
        ("HEAD", b""),
        ("OPTIONS", b"OPTIONS /a:abc"),
        ("GET", b"GET /a:abc"),
    ):
        connection.request(method, "/a", b"abc")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, expected)
        assert response.getheader("content-length") == str(len(f"{method} /a:abc"))
    connection.close()


def test_http_1_0_is_told_that_its_connection_is_kept(wire, client):
    client.sendall(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"Connection: keep-alive" in client.recv(1000)
    client.sendall(b"GET /a HTTP/1.0\r\n\r\n")
    assert answers(read_all(client))[0][1][b"connection"] == b"close"


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        (b"gzip", True),
        (b"deflate, GZIP;q=0.5, br", True),
        (b"gzip;q=1.0", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, br", False),
        (b"x-gzip", False),
        (b"gzipped", False),
        (b"identity", False),
    ],
)
def test_compressed_answers(wire, client, accepted, compressed):
    client.sendall(b"GET /big/5000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAccept-Encoding: %b\r\n\r\n" % accepted)
    ((_, headers, body),) = answers(read_all(client))
    assert (headers.get(b"content-encoding") == b"gzip") == compressed
    assert (gzip.decompress(body) if compressed else body) == b"x" * 5000
    assert len(body) < 5000 or not compressed


# Pipelines.


def test_answers_come_in_order(wire, client):
    count = 500
    client.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(count)) + post(b"x", CLOSE))
    found = answers(read_all(client))
    assert [body for _, _, body in found] == [b"GET /%d:" % i for i in range(count)] + [b"POST /a:x"]


@pytest.mark.parametrize(
    "last", [b"garbage\r\n\r\n", b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n"]
)
def test_a_wrong_request_does_not_hurt_those_before_it(wire, client, last):
    found = ask(client, b"GET /slow/0.2 HTTP/1.1\r\nHost: h\r\n\r\n" + GET + last + GET)
    assert [status for status, _, _ in found[:2]] == [200, 200]
    assert [status for status, _, _ in found[2:]] == [400 if last.startswith(b"garbage") else 413]


def test_an_upgrade_is_declined_and_the_pipeline_goes_on(wire, client):
    upgrade = b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    found = ask(client, upgrade + post(b"abc", b"Connection: Upgrade\r\nUpgrade: h2c\r\n") + GET + post(b"", CLOSE))
    assert [body for _, _, body in found] == [b"GET /a:", b"POST /a:abc", b"GET /a:", b"POST /a:"]


def test_continue_is_said_when_it_is_its_turn(wire, client):
    head = b"POST /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    client.sendall(b"GET /slow/0.2 HTTP/1.1\r\nHost: h\r\n\r\n" + head)
    received = b""
    while not received.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
        data = client.recv(1000)
        assert data
        received += data
    assert received.startswith(b"HTTP/1.1 200")
    client.sendall(b"abc")
    assert answers(read_all(client))[0][2] == b"POST /a:abc"


def test_continue_is_not_said_to_what_is_refused(wire, client):
    sent = b"POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    assert [status for status, _, _ in ask(client, sent)] == [413]


def test_any_pieces(wire):
    dice = random.Random(0)
    whole = GET + post(b"abc" * 50) + CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n"
    for _ in range(60):
        with socket.create_connection(wire.http, timeout=10) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            start = 0
            while start < len(whole):
                size = dice.choice([1, 2, 30, 200])
                client.sendall(whole[start : start + size])
                start += size
            found = answers(read_all(client))
        assert [body for _, _, body in found] == [b"GET /a:", b"POST /a:" + b"abc" * 50, b"POST /a:abcde"]


def test_cut_at_every_byte(wire):
    whole = post(b"abc", b"Content-Encoding: gzip\r\n")
    for size in range(len(whole)):
        with socket.create_connection(wire.http) as client:
            client.sendall(whole[:size])


# Slow clients, and those who have gone.


def test_a_head_that_comes_again(wire, client, monkeypatch):
    parsed = []
    find_path = http1._find_path
    monkeypatch.setattr(http1, "_find_path", lambda url: parsed.append(url) or find_path(url))
    gzipped = post(gzip.compress(b"abc"), b"Content-Encoding: gzip\r\n")
    for sent, body, read in [
        (post(b"abc"), b"POST /a:abc", 1),
        (post(b"xyz"), b"POST /a:xyz", 0),
        (post(b"\r\n\r"), b"POST /a:\r\n\r", 0),
        (post(b"abcd"), b"POST /a:abcd", 1),
        (post(b"abcd", b"X: y\r\n"), b"POST /a:abcd", 1),
        (GET, b"GET /a:", 1),
        (gzipped, b"POST /a:abc", 1),
        (gzipped, b"POST /a:abc", 1),
        (post(b"abcd", b"X: y\r\n"), b"POST /a:abcd", 0),
    ]:
        before = len(parsed)
        client.sendall(sent)
        assert [answer[::2] for answer in answers(client.recv(65_536))] == [(200, body)]
        assert len(parsed) - before == read
    client.sendall(post(b"abcd", b"X: y\r\n") * 3 + post(b"abc", CLOSE))
    assert [body for _, _, body in answers(read_all(client))] == [b"POST /a:abcd"] * 3 + [b"POST /a:abc"]


def test_half_a_request_with_a_head_that_comes_again(wire, client):
    client.sendall(post(b"abc"))
    client.recv(65_536)
    sent = post(b"xyz")
    for cut in range(1, len(sent)):
        client.sendall(sent[:cut])
        time.sleep(0.002)
        client.sendall(sent[cut:])
        assert answers(client.recv(65_536))[0][::2] == (200, b"POST /a:xyz")


@pytest.mark.parametrize("sent", [GET * 100, GET + post(b"abc") * 100])
def test_many_requests_that_are_answered_at_once_leave_the_others_their_turn(sent):
    turns = []

    async def answer(request):
        return Response(200, b"")

    async def run():
        transport = unittest.mock.Mock(is_closing=lambda: False, get_write_buffer_size=lambda: 0)
        connection = http1.Http1Connection(answer, None, MAX_BYTES, Budget(MAX_BYTES), set())
        connection.connection_made(transport)
        connection.data_received(sent)
        for _ in range(100):
            turns.append(transport.write.call_count)
            await asyncio.sleep(0)

    asyncio.run(run())
    assert turns[-1] == sent.count(b"/a")
    assert max(after - before for before, after in itertools.pairwise([0, *turns])) <= http1.MAX_PIPELINED


def test_a_client_that_has_gone_is_not_worked_for(wire):
    begun, cancelled = wire.counts["begun"], wire.counts["cancelled"]
    with socket.create_connection(wire.http) as client:
        client.sendall(b"GET /slow/30 HTTP/1.1\r\nHost: h\r\n\r\n" * 5)
        time.sleep(0.1)
    assert wire.settled() is None
    assert (wire.counts["begun"], wire.counts["cancelled"]) == (begun + 1, cancelled + 1)


def test_answers_that_nobody_reads_are_bounded(wire):
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0.5)
        client.connect(wire.http)
        ask_large = b"GET /big/1000000 HTTP/1.1\r\nHost: h\r\n\r\n"
        with pytest.raises(TimeoutError):
            for _ in range(1000):
                client.sendall(ask_large * 1000)
        # Some megabytes are in the kernel's hands; of the rest, one answer was written out.
        assert 0 < wire.budget.unsent <= 1_000_200
        client.settimeout(10)
        received = 0
        while received < 10_000_000:
            received += len(client.recv(2**20))


def test_one_who_never_reads_is_cut_off_at_last(wire):
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(wire.http)
        client.sendall(b"GET /big/20000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        time.sleep(0.3)
        wire.later(0)
        assert wire.budget.unsent
        wire.later(61)
        assert wire.settled() is None


@pytest.mark.parametrize("sent", [b"", b"G", GET[:-2], post(b"abc")[:-1], CHUNKED + b"3\r\na"])
def test_a_request_that_does_not_arrive(wire, client, sent):
    client.sendall(sent)
    time.sleep(0.15)
    wire.later(31 if sent else 301)
    assert [status for status, _, _ in answers(read_all(client))] == ([408] if sent else [])


def test_a_request_that_arrives_slowly_is_waited_for(wire, client):
    client.sendall(post(bytes(300_000), CLOSE)[:200_000])
    time.sleep(0.15)
    wire.later(31)
    client.sendall(post(bytes(300_000), CLOSE)[200_000:])
    assert answers(read_all(client))[0][0] in (200, 408)


def test_requests_share_a_budget():
    wire = Wire(budget=1000)
    with socket.create_connection(wire.http) as first, socket.create_connection(wire.http) as second:
        first.sendall(post(bytes(900))[:-1])
        time.sleep(0.1)
        second.sendall(post(bytes(200)))
        assert [status for status, _, _ in answers(read_all(second))] == [503]
        first.sendall(b"x")
        assert first.recv(1000).startswith(b"HTTP/1.1 200")
        first.sendall(post(gzip.compress(bytes(990)), b"Content-Encoding: gzip\r\n"))
        assert first.recv(1000).startswith(b"HTTP/1.1 503")
    assert wire.settled() is None
    wire.stop()


def test_draining_answers_what_was_asked():
    wire = Wire()
    with (
        socket.create_connection(wire.http, timeout=10) as busy,
        socket.create_connection(wire.http, timeout=10) as idle,
    ):
        busy.sendall(b"GET /slow/0.3 HTTP/1.1\r\nHost: h\r\n\r\n" + GET)
        time.sleep(0.1)

        async def drain():
            for connection in list(wire.connections):
                connection.drain()

        wire.run(drain())
        assert idle.recv(10) == b""
        found = answers(read_all(busy))
        assert [headers.get(b"connection") for _, headers, _ in found] == [None, b"close"]
    assert wire.settled() is None
    wire.stop()
