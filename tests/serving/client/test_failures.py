"""Retries, deadlines, and servers that go away and come back."""

import copy
import socket
import threading
import time

import pytest

from serving.client import Client, ClientError
from serving.client.calls import Call, Sleep
from serving.client.retries import attempts, pause_seconds

X = [[1, 2, 3]]
Y = [[3, 5, 7]]


@pytest.mark.parametrize("code", ["UNAVAILABLE", "CANCELLED"])
def test_what_a_server_that_goes_away_answers_is_tried_again(client, standin, code):
    client.predict("m", {"x": X})
    standin.backend.faults = [(code, "later")] * 2
    assert client.predict("m", {"x": X})["y"].tolist() == Y
    assert not standin.backend.faults


def test_no_more_often_than_wanted(make_client, standin):
    with make_client(standin.address, retries=1) as client:
        client.predict("m", {"x": X})
        standin.backend.faults = [("UNAVAILABLE", "the queue is full")] * 3
        with pytest.raises(ClientError) as caught:
            client.predict("m", {"x": X})
    assert caught.value.code == "UNAVAILABLE"
    assert caught.value.message.endswith("the queue is full")
    assert len(standin.backend.faults) == 1


@pytest.mark.parametrize("code", ["DEADLINE_EXCEEDED", "NOT_FOUND", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "INTERNAL"])
def test_any_other_code_is_final(client, standin, code):
    client.predict("m", {"x": X})
    standin.backend.faults = [(code, "no")] * 2
    with pytest.raises(ClientError, match=r"no$") as caught:
        client.predict("m", {"x": X})
    assert caught.value.code == code
    assert len(standin.backend.faults) == 1


def test_a_timeout_covers_the_retries(client, standin):
    client.predict("m", {"x": X})
    standin.backend.faults = [("UNAVAILABLE", "full")] * 9
    start = time.monotonic()
    with pytest.raises(ClientError, match="full"):
        client.predict("m", {"x": X}, timeout=0.5)
    assert time.monotonic() - start < 1


def test_what_failed_before_the_time_was_up_is_told():
    flow = attempts(Call("route", None, str.upper), 2, time.monotonic() + 60)
    next(flow)
    flow.throw(ClientError("UNAVAILABLE", "full"))
    next(flow)
    with pytest.raises(ClientError, match="no answer; the attempt before it failed with: full") as caught:
        flow.throw(ClientError("DEADLINE_EXCEEDED", "no answer"))
    assert caught.value.code == "DEADLINE_EXCEEDED"


def test_a_slow_server_is_left(client, standin):
    client.predict("m", {"x": X})
    standin.backend.delay = 1
    start = time.monotonic()
    with pytest.raises(ClientError, match=f"no answer from {standin.address}") as caught:
        client.predict("m", {"x": X}, timeout=0.2)
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert time.monotonic() - start < 0.6
    standin.backend.delay = 0
    assert client.predict("m", {"x": X}, timeout=None)["y"].tolist() == Y


def test_an_answer_that_trickles_in(make_client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle, args=(listener,))
        thread.start()
        start = time.monotonic()
        with make_client(address_of(listener)) as client, pytest.raises(ClientError) as caught:
            client.status("m", timeout=0.5)
        assert caught.value.code == "DEADLINE_EXCEEDED"
        assert time.monotonic() - start < 1
        thread.join()


def address_of(listener):
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def trickle(listener):
    connection, _ = listener.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while True:
                connection.sendall(b" ")
                time.sleep(0.05)
        except OSError:
            return


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"a": "b"}',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_a_server_of_another_kind(make_client, reply):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once, args=(listener, reply))
        thread.start()
        with make_client(address_of(listener)) as client, pytest.raises(ClientError, match="answer") as caught:
            client.status("m", timeout=5)
        assert caught.value.code == "INTERNAL"
        thread.join()


@pytest.mark.parametrize(
    "reply",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{"],
)
def test_an_answer_that_is_broken_off(make_client, reply):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once, args=(listener, reply))
        thread.start()
        with (
            make_client(address_of(listener), retries=0) as client,
            pytest.raises(ClientError, match="no answer from http://127") as caught,
        ):
            client.status("m", timeout=5)
        assert caught.value.code == "UNAVAILABLE"
        thread.join()


def test_a_body_refused_before_it_was_read(make_client):
    reply = b'HTTP/1.1 413 Too Large\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{"error": "too large"}'
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once, args=(listener, reply))
        thread.start()
        with make_client(address_of(listener)) as client, pytest.raises(ClientError, match="too large") as caught:
            client.classify("m", [{"f": b"a" * 20_000_000}], timeout=5)
        assert caught.value.code == "RESOURCE_EXHAUSTED"
        thread.join()


def answer_once(listener, reply):
    connection, _ = listener.accept()
    with connection:
        connection.recv(10_000)
        connection.sendall(reply)


def test_an_idle_connection_that_the_server_closed(make_client, standin):
    with make_client(standin.address, retries=0) as client:
        client.predict("m", {"x": X})
        standin.stop()
        # gRPC needs a moment to see it; HTTP sees it at the next request.
        time.sleep(0.2)
        standin.start()
        deadline = time.monotonic() + 3
        while standin.kind == "grpc" and not reached(client) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert client.predict("m", {"x": X})["y"].tolist() == Y


def reached(client):
    try:
        return bool(client.status("m"))
    except ClientError:
        return False


def test_a_restart_under_load_is_not_seen(standin):
    stop, answers, failures = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            try:
                answers.append(client.predict("m", {"x": X})["y"].tolist())
            except ClientError as error:
                failures.append(error)

    with Client(standin.address, retries=10) as client:
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            time.sleep(0.3)
            standin.stop()
            time.sleep(0.7)
            before = len(answers)
            standin.start()
            wait_for(lambda before=before: len(answers) > before + 100)
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert all(answer == Y for answer in answers)


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_new_version_with_other_inputs_is_noticed(client, standin):
    client.predict("m", {"x": X})
    standin.backend.metadata = copy.deepcopy(standin.backend.metadata)
    standin.backend.metadata.signature_def["new"].CopyFrom(standin.backend.metadata.signature_def["serving_default"])
    assert client.predict("m", {"x": X}, "new")["y"].tolist() == Y
    with pytest.raises(ClientError, match=r"are new, pair, serving_default\. Received: 'newer'"):
        client.predict("m", {"x": X}, "newer")


def test_a_new_version_with_other_outputs_is_noticed(client, standin):
    client.predict("m", {"x": X})
    backend = standin.backend
    backend.metadata = copy.deepcopy(backend.metadata)
    backend.metadata.signature_def["serving_default"].CopyFrom(backend.metadata.signature_def["pair"])
    backend.outputs = lambda _, x, real=backend.outputs: real("pair", x)
    answer = client.predict("m", {"x": X})
    assert {name: array.tolist() for name, array in answer.items()} == {"s": [b"big"], "y": Y}


def test_a_refused_request_is_not_sent_twice_when_the_model_is_the_same(client, standin):
    client.predict("m", {"x": X})
    standin.backend.faults = [("INVALID_ARGUMENT", "no"), None]
    with pytest.raises(ClientError, match=r"^no$"):
        client.predict("m", {"x": X})
    # predict and metadata, twice; not a third predict.
    assert len(standin.backend.seen) == 4


def test_attempts_and_pauses(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    assert [pause_seconds(attempt) for attempt in (0, 1, 4, 5, 1000)] == [0.1, 0.2, 1.6, 2, 2]
    flow = attempts(Call("route", None, str.upper), 2, float("inf"))
    assert next(flow).timeout is None
    assert flow.throw(ClientError("UNAVAILABLE", "full")) == Sleep(0.1)
    next(flow)
    with pytest.raises(StopIteration) as end:
        flow.send("yes")
    assert end.value.value == "YES"
    with pytest.raises(ClientError, match="timeout was over"):
        next(attempts(Call("route", None, str.upper), 2, time.monotonic() - 1))
