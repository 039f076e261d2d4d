import asyncio
import types

import pytest

from serving import health
from serving.errors import ServingError
from serving.health import HealthCheckRequest, HealthCheckResponse
from serving.specs import VersionStatus

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


def manager(**states):
    """A manager whose models have one version in each of the states named."""
    statuses = {
        name: [VersionStatus(number, state) for number, state in enumerate(words.split(), 1)]
        for name, words in states.items()
    }
    return types.SimpleNamespace(statuses=lambda: statuses, now=statuses)


def core(models):
    async def waiting():
        return health.waiting(models)

    return types.SimpleNamespace(manager=models, waiting=waiting)


def status(models, service):
    return asyncio.run(health.check(core(models), HealthCheckRequest(service=service))).status


def test_ready_only_when_every_model_is():
    assert health.waiting(manager(a="AVAILABLE", b="END AVAILABLE")) == []
    assert health.waiting(manager(a="AVAILABLE", b="END LOADING", c="")) == ["b", "c"]


@pytest.mark.parametrize("service", ["", "tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"])
def test_the_server_as_a_whole(service):
    assert status(manager(a="AVAILABLE", b="UNLOADING AVAILABLE"), service) == SERVING
    assert status(manager(a="AVAILABLE", b="START"), service) == NOT_SERVING


def test_a_model():
    models = manager(a="AVAILABLE", b="END")
    assert status(models, "a") == SERVING
    assert status(models, "b") == NOT_SERVING


def test_an_unknown_service_is_not_found():
    with pytest.raises(ServingError, match=r"^unknown service\. Received: 'c'$") as caught:
        status(manager(a="AVAILABLE"), "c")
    assert caught.value.code == "NOT_FOUND"


def test_watch_tells_each_change_once(monkeypatch):
    monkeypatch.setattr(health, "POLL_SECONDS", 0.001)
    models = manager(a="LOADING")

    async def watch():
        seen = []
        async for response in health.watch(core(models), HealthCheckRequest(service="b")):
            seen.append(HealthCheckResponse.ServingStatus.Name(response.status))
            if len(seen) == 4:
                return seen
            # Some looks without a change, which must stay silent.
            await asyncio.sleep(0.01)
            models.now["b"] = [VersionStatus(1, ["LOADING", "AVAILABLE", "END"][len(seen) - 1])]

    assert asyncio.run(asyncio.wait_for(watch(), 5)) == ["SERVICE_UNKNOWN", "NOT_SERVING", "SERVING", "NOT_SERVING"]


def test_watch_stays_silent_without_a_change_and_ends_when_cancelled(monkeypatch):
    monkeypatch.setattr(health, "POLL_SECONDS", 0.001)

    async def watch():
        seen = []

        async def collect():
            async for response in health.watch(core(manager(a="AVAILABLE")), HealthCheckRequest()):
                seen.append(response.status)

        task = asyncio.create_task(collect())
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return seen, task.cancelled()

    assert asyncio.run(watch()) == ([SERVING], True)
