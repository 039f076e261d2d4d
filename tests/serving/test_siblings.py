import asyncio
import multiprocessing
import os
import signal
import threading

import pytest

from serving.errors import ServingError
from serving.siblings import ANSWERS, ASK, DO, FAILED, PAGE, READY, RELOAD, TOLD, Siblings


@pytest.fixture
def pair(monkeypatch):
    """The keeper's end of a pipe, and the `Siblings` at the other; the signals that this process sends itself."""
    signals, sent = [], threading.Event()
    monkeypatch.setattr(os, "kill", lambda *arguments: (signals.append(arguments), sent.set()))
    ours, theirs = multiprocessing.Pipe()
    yield ours, Siblings(theirs), signals
    ours.close()
    assert sent.wait(10)
    assert signals == [(os.getpid(), signal.SIGTERM)]


def test_tells_the_keeper(pair):
    keeper, siblings, _ = pair
    siblings.ready("models: none")
    siblings.failed("no memory")
    assert [keeper.recv(), keeper.recv()] == [(READY, "models: none"), (FAILED, "no memory")]


def test_does_what_all_are_asked(pair):
    keeper, siblings, _ = pair

    def reload(config):
        if config == b"bad":
            raise ServingError("INVALID_ARGUMENT", "it is bad")
        if config == b"worse":
            raise RuntimeError("no more of it")

    siblings.on(RELOAD, reload)
    siblings.on(PAGE, lambda _: b"a page")
    told = []
    for number, what, payload in ((1, PAGE, None), (2, RELOAD, b"good"), (3, RELOAD, b"bad"), (4, RELOAD, b"worse")):
        keeper.send((DO, number, what, payload))
        told.append(keeper.recv())
    assert told[:3] == [
        (TOLD, 1, (None, b"a page")),
        (TOLD, 2, (None, None)),
        (TOLD, 3, (("INVALID_ARGUMENT", "it is bad"), None)),
    ]
    (code, message), value = told[3][2]
    assert (code, value) == ("INTERNAL", None) and "no more of it" in message


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([(None, 1), (None, 2)], [1, 2]),
        ([(("NOT_FOUND", "it is not there"), None)] * 2, "NOT_FOUND: it is not there"),
        ([(None, 1), (("UNKNOWN", "no memory"), None)], "UNKNOWN: 1 of 2 processes: no memory"),
    ],
)
def test_asks_all(pair, results, expected):
    keeper, siblings, _ = pair

    def answer():
        kind, number, what, payload = keeper.recv()
        assert (kind, what, payload) == (ASK, RELOAD, b"config")
        keeper.send((ANSWERS, number, results))

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        given = asyncio.run(siblings.ask(RELOAD, b"config"))
    except ServingError as error:
        given = f"{error.code}: {error.message}"
    thread.join()
    assert given == expected


def test_an_answer_that_nobody_waits_for_any_more_harms_nothing(pair):
    keeper, siblings, _ = pair

    async def give_up():
        await asyncio.wait_for(siblings.ask(PAGE), 0.05)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(give_up())
    keeper.send((ANSWERS, keeper.recv()[1], []))
    siblings.on(PAGE, lambda _: b"")
    keeper.send((DO, 7, PAGE, None))
    assert keeper.recv() == (TOLD, 7, (None, b""))
