"""What a request asks for and what a version's state is, for server and client."""

from typing import NamedTuple


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
