"""One error for everything a request can do wrong, and its code on each transport."""

import re

# https://grpc.io/docs/guides/status-codes/; a TensorFlow error carries the same numbers.
GRPC_CODES = {
    "OK": 0,
    "CANCELLED": 1,
    "UNKNOWN": 2,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "OUT_OF_RANGE": 11,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}

_CODE_NAMES = {number: name for name, number in GRPC_CODES.items()}

HTTP_STATUS = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}

MAX_MESSAGE = 1500
_MAX_LISTED = 200


class ServingError(RuntimeError):
    """A request, or a model, that could not be served.

    Args:
        code: The name of a gRPC status code, such as `"INVALID_ARGUMENT"`.
        message: What was wrong, what is accepted, and what was received.
    """

    def __init__(self, code, message):
        # gRPC sends it in a header of at most 8 KiB, in which a byte may take three; half a character, as JSON can
        # escape one, has no bytes at all.
        message = message[:MAX_MESSAGE].encode("utf-8", "replace")[:MAX_MESSAGE].decode("utf-8", "ignore")
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self):
        """The HTTP status code that TensorFlow Serving's REST API gives this error."""
        return HTTP_STATUS.get(self.code, 500)


def listed(names):
    """Write names into a message, the first of them where they are many.

    Args:
        names: A sized iterable of strings, of which a request may have sent a million.

    Returns:
        The names with commas between them, in at most about 200 characters.
    """
    text, count = "", 0
    for name in names:
        text += f", {name[:_MAX_LISTED]}" if count else name[:_MAX_LISTED]
        count += 1
        if len(text) >= _MAX_LISTED:
            break
    return text if count == len(names) else f"{text}, ... ({len(names)} in all)"


def from_exception(error):
    """Turn what loading or running a model raised into a `ServingError`.

    Args:
        error: Any exception; a `tf.errors.OpError` keeps its code, anything else is `INTERNAL`.

    Returns:
        A `ServingError` whose message is free of TensorFlow's node names and stacks.
    """
    if isinstance(error, ServingError):
        return error
    code = getattr(error, "error_code", None)
    if isinstance(code, int):
        return ServingError(_CODE_NAMES.get(code, "UNKNOWN"), readable(error.message))
    if isinstance(error, MemoryError):
        return ServingError("RESOURCE_EXHAUSTED", f"not enough memory: {error}")
    return ServingError("INTERNAL", f"{type(error).__name__}: {error}")


def readable(message):
    """Keep the sentences of a TensorFlow error and drop its node definitions and stacks.

    Args:
        message: The text of a `tf.errors.OpError`.

    Returns:
        One line of text.
    """
    # The same root error is listed once for every path through the graph: the first says it all.
    roots = re.match(r"\d+ root error\(s\) found\.\s*\(0\) \w+(?: \w+)*: (.*?)(?=\n\s*\(1\) |\Z)", message, re.DOTALL)
    text = roots.group(1) if roots else message
    text = re.split(r"\n\s*\[\[|\n\s*Detected at node|\nStack trace for op|\n\d+ successful operations", text)[0]
    text = re.sub(r"\{\{(?:function_)?node [^{}]*\}\}\s*", "", text)
    if "assertion failed: [" in text:
        # What the model's author wrote is the first bracket; the values that follow are the check's own.
        text = text.split("assertion failed: ", 1)[1].split("] [Condition x ")[0].removeprefix("[").removesuffix("]")
    return " ".join(text.split())
