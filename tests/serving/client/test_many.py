"""Many inputs: order, a bounded window, a lazy source, failures at their place."""

import asyncio
import itertools

import pytest

from serving.client import AsyncClient, ClientError


def numbers(count=None):
    for number in itertools.count() if count is None else range(count):
        yield {"x": [[number, 0, 0]]}


def first(answer):
    return answer if isinstance(answer, ClientError) else int(answer["y"][0, 0])


def test_in_order(client):
    assert [first(answer) for answer in client.predict_many("m", numbers(50))] == [2 * n + 1 for n in range(50)]
    assert list(client.predict_many("m", [])) == []


def test_no_more_in_flight_than_the_window(client, standin):
    client.predict("m", {"x": [[0, 0, 0]]})
    standin.backend.delay, standin.backend.peak = 0.05, 0
    list(client.predict_many("m", numbers(12), window=3))
    assert standin.backend.peak == 3


def test_an_endless_source_is_read_as_answers_are_taken(client):
    read = []
    answers = client.predict_many("m", (read.append(1) or one for one in numbers()), window=4)
    assert [first(answer) for answer in itertools.islice(answers, 10)] == [2 * n + 1 for n in range(10)]
    assert 10 <= len(read) <= 10 + 4 + 1
    answers.close()


def test_a_failure_at_its_place(client):
    inputs = [{"x": [[1, 0, 0]]}, {"x": [[1], [2, 3]]}, {"x": [[3, 0, 0]]}]
    answers = client.predict_many("m", inputs)
    assert first(next(answers)) == 3
    with pytest.raises(ClientError, match="rectangular"):
        next(answers)
    one, failure, three = (first(answer) for answer in client.predict_many("m", inputs, errors="return"))
    assert (one, failure.code, three) == (3, "INVALID_ARGUMENT", 7)


def test_a_source_that_fails(client):
    def source():
        yield from numbers(2)
        raise KeyError("source")

    with pytest.raises(KeyError, match="source"):
        list(client.predict_many("m", source()))


def test_options_are_those_of_predict(client, standin):
    ((answer),) = client.predict_many("m", numbers(1), signature_name="pair", output_filter=["s"], version=3)
    assert list(answer) == ["s"]


@pytest.mark.parametrize(("options", "words"), [({"window": 0}, "window must be"), ({"errors": "no"}, "errors must")])
def test_options_that_make_no_sense(client, options, words):
    with pytest.raises(ValueError, match=words):
        next(iter(client.predict_many("m", numbers(1), **options)))


def test_an_answer_does_not_wait_for_the_next_input(standin):
    async def run():
        answered = asyncio.Event()

        async def source():
            yield {"x": [[1, 0, 0]]}
            # Only the first answer sets it: who waits for this input first would wait for ever.
            await answered.wait()
            yield {"x": [[2, 0, 0]]}

        async with AsyncClient(standin.address) as client:
            answers = []
            async for answer in client.predict_many("m", source()):
                answers.append(first(answer))
                answered.set()
        return answers

    assert asyncio.run(asyncio.wait_for(run(), 10)) == [3, 5]


def test_many_calls_at_once_in_one_event_loop(standin):
    async def run():
        async with AsyncClient(standin.address) as client:
            calls = (client.predict("m", {"x": [[number, 0, 0]]}) for number in range(100))
            return [first(answer) for answer in await asyncio.gather(*calls)]

    assert asyncio.run(run()) == [2 * n + 1 for n in range(100)]
