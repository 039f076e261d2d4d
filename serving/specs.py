"""What a request asks for and what a version's state is, for server and client."""

from typing import NamedTuple

from serving.errors import ServingError


class ModelSpec(NamedTuple):
    """Which model, version and signature a request is for.

    Args:
        name: The model's name.
        version: Its version's number; None for the highest available.
        signature_name: The signature's name; empty for `serving_default`.
        label: The version's label, instead of its number.
    """

    name: str
    version: int | None = None
    signature_name: str = ""
    label: str | None = None


class VersionStatus(NamedTuple):
    """What is known of a version.

    Args:
        version: Its number.
        state: `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
        error_code: `OK`, or the gRPC status code name of what went wrong.
        error_message: Empty, or what went wrong.
    """

    version: int
    state: str
    error_code: str = "OK"
    error_message: str = ""


def least_far(statuses):
    """Sum up what several processes know of the same model.

    Args:
        statuses: A list of `VersionStatus`es from each.

    Returns:
        A list of `VersionStatus`: of each version that all know, that of the process where it is least far.
    """
    first, *others = ({status.version: status for status in known} for known in statuses)
    known = [
        [status, *(other[number] for other in others)]
        for number, status in first.items()
        if all(number in other for other in others)
    ]
    return [next((status for status in of_all if status.state != "AVAILABLE"), of_all[0]) for of_all in known]


def request_spec(request):
    """Read the `ModelSpec` of a request.

    Args:
        request: A message with a `model_spec`.

    Returns:
        A `ModelSpec`.

    Raises:
        ServingError: `INVALID_ARGUMENT` if it has none.
    """
    if not request.HasField("model_spec"):
        raise ServingError("INVALID_ARGUMENT", "Missing ModelSpec")
    return read_spec(request.model_spec)


def read_spec(message):
    """Read a `ModelSpec` message.

    Args:
        message: The message.

    Returns:
        A `ModelSpec`.
    """
    version = message.version.value if message.HasField("version") else None
    return ModelSpec(message.name, version, message.signature_name, message.version_label or None)


def fill_spec(message, spec):
    """Fill a `ModelSpec` message from a `ModelSpec`."""
    message.name = spec.name
    message.version.value = spec.version
    message.signature_name = spec.signature_name
