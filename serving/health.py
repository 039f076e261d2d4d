"""The standard gRPC health service, and readiness, told from the states of the models.

Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md.
"""

import asyncio

from grpc_health.v1 import health_pb2

from serving.errors import ServingError
from serving.protocol import MODEL_SERVICE, PREDICTION_SERVICE

SERVICE = "grpc.health.v1.Health"
POLL_SECONDS = 0.5

HealthCheckRequest = health_pb2.HealthCheckRequest
HealthCheckResponse = health_pb2.HealthCheckResponse

# What stands for the server as a whole; any other name is a model's.
_WHOLE = ("", PREDICTION_SERVICE, MODEL_SERVICE)


def waiting(manager):
    """List the names of the models of a `Manager` that have no available version; where there is none, all is ready."""
    return [
        name
        for name, statuses in manager.statuses().items()
        if not any(status.state == "AVAILABLE" for status in statuses)
    ]


async def check(core, request):
    """Answer `Check`.

    Args:
        core: A `Core`.
        request: A `HealthCheckRequest`; its service is empty for the server as a whole, or a model's name.

    Returns:
        A `HealthCheckResponse`.

    Raises:
        ServingError: `NOT_FOUND` if there is neither a service nor a model of that name.
    """
    status = await _status(core, request.service)
    if status == HealthCheckResponse.SERVICE_UNKNOWN:
        raise ServingError("NOT_FOUND", f"unknown service. Received: {request.service!r}")
    return HealthCheckResponse(status=status)


async def watch(core, request):
    """Answer `Watch`: the state now, then each change, until it is cancelled.

    Args:
        core: A `Core`.
        request: A `HealthCheckRequest`, as for `check`.

    Yields:
        A `HealthCheckResponse`.
    """
    told = None
    while True:
        status = await _status(core, request.service)
        if status != told:
            told = status
            yield HealthCheckResponse(status=status)
        await asyncio.sleep(POLL_SECONDS)


async def _status(core, service):
    if service not in _WHOLE and service not in core.manager.statuses():
        return HealthCheckResponse.SERVICE_UNKNOWN
    missing = await core.waiting()
    serving = not missing if service in _WHOLE else service not in missing
    return HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
