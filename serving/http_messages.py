"""HTTP/1.1's requests and answers, and how their bodies are compressed."""

import re
import zlib
from typing import NamedTuple

GZIP_FROM_BYTES = 1_400
GZIP_LEVEL = 1
_GZIP_WINDOW = 31
# A gzip file may be several, one after the other; each costs something even if nothing is in it.
MAX_GZIP_MEMBERS = 1000
_CHUNK = 2**14
_TAKES_GZIP = re.compile(rb"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)", re.IGNORECASE)
_REASONS = {
    200: b"OK", 204: b"No Content", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found",
    405: b"Method Not Allowed", 408: b"Request Timeout", 409: b"Conflict", 413: b"Content Too Large",
    415: b"Unsupported Media Type", 429: b"Too Many Requests", 431: b"Request Header Fields Too Large",
    499: b"Client Closed Request", 500: b"Internal Server Error", 501: b"Not Implemented", 503: b"Service Unavailable",
    504: b"Gateway Timeout", 505: b"HTTP Version Not Supported",
}  # fmt: skip


class Request(NamedTuple):
    """A request.

    Args:
        method: Such as `"POST"`.
        path: The path as it came, still percent-encoded, without the query.
        headers: Lower-case names to values, bytes; a repeated one has its last value.
        body: Bytes, decompressed.
    """

    method: str
    path: str
    headers: dict
    body: bytes


class Response(NamedTuple):
    """An answer.

    Args:
        status: The HTTP status code.
        body: Bytes.
        content_type: The body's type.
        headers: Further header lines, each with its line end, as bytes.
    """

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: bytes = b""


def encode(request, response, keep):
    """Write an answer out.

    Args:
        request: The `Request`; None if it could not be read.
        response: The `Response`.
        keep: Whether the connection goes on after it.

    Returns:
        Bytes.
    """
    headers = request.headers if request is not None else {}
    body, more = response.body, response.headers
    if len(body) >= GZIP_FROM_BYTES and _TAKES_GZIP.search(headers.get(b"accept-encoding", b"")):
        compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        body = compressor.compress(body) + compressor.flush()
        more += b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
    if not keep:
        more += b"Connection: close\r\n"
    elif b"connection" in headers:
        # HTTP/1.0 has to be told.
        more += b"Connection: keep-alive\r\n"
    head = b"HTTP/1.1 %d %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n" % (
        response.status,
        _REASONS.get(response.status, b"Unknown"),
        response.content_type,
        len(body),
        more,
    )
    return head if request is not None and request.method == "HEAD" else head + body


def decompress(body, max_bytes):
    """Decompress a gzip file.

    Args:
        body: Bytes.
        max_bytes: How large the result may be.

    Returns:
        Bytes; None if there are more of them.

    Raises:
        ValueError: If it is not gzip, the whole of it and nothing else.
    """
    view, start, left, texts = memoryview(body), 0, max_bytes, []
    for _ in range(MAX_GZIP_MEMBERS):
        decompressor = zlib.decompressobj(_GZIP_WINDOW)
        while not decompressor.eof:
            chunk = view[start : start + _CHUNK]
            if not chunk:
                raise ValueError("a part of it")
            try:
                text = decompressor.decompress(chunk, left + 1)
            except zlib.error as error:
                raise ValueError(str(error)) from None
            start += len(chunk) - len(decompressor.unused_data)
            left -= len(text)
            if left < 0:
                return None
            texts.append(text)
        if start == len(view):
            return b"".join(texts)
    raise ValueError(f"more than {MAX_GZIP_MEMBERS} files in one")
