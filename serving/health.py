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
    return [name for name, statuses in manager.statuses().items() if not _available(statuses)]


async def check(manager, request):
    """Answer `Check`.

    Args:
        manager: A `Manager`.
        request: A `HealthCheckRequest`; its service is empty for the server as a whole, or a model's name.

    Returns:
        A `HealthCheckResponse`.

    Raises:
        ServingError: `NOT_FOUND` if there is neither a service nor a model of that name.
    """
    status = _status(manager, request.service)
    if status == HealthCheckResponse.SERVICE_UNKNOWN:
        raise ServingError("NOT_FOUND", f"unknown service. Received: {request.service!r}")
    return HealthCheckResponse(status=status)


async def watch(manager, request):
    """Answer `Watch`: the state now, then each change, until it is cancelled.

    Args:
        manager: A `Manager`.
        request: A `HealthCheckRequest`, as for `check`.

    Yields:
        A `HealthCheckResponse`.
    """
    told = None
    while True:
        status = _status(manager, request.service)
        if status != told:
            told = status
            yield HealthCheckResponse(status=status)
        await asyncio.sleep(POLL_SECONDS)


def _status(manager, service):
    if service in _WHOLE:
        serving = not waiting(manager)
    else:
        statuses = manager.statuses().get(service)
        if statuses is None:
            return HealthCheckResponse.SERVICE_UNKNOWN
        serving = _available(statuses)
    return HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING


def _available(statuses):
    return any(status.state == "AVAILABLE" for status in statuses)
