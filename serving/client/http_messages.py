"""HTTP: a call written as bytes and its reply read from them, for clients that wait and clients that do not."""

import gzip
import urllib.parse
import zlib

import httptools

from serving.client.calls import ClientError
from serving.codecs import parse
from serving.errors import HTTP_STATUS, ServingError

_CODES = {status: code for code, status in reversed(HTTP_STATUS.items())} | {
    413: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
}
# Below this a body and its header fit one packet anyway.
_MIN_COMPRESSED_BYTES = 1400


def endpoint(address):
    """Give the host and the port of a REST `Address`."""
    parts = urllib.parse.urlsplit(f"//{address.target}")
    return parts.hostname, parts.port or (443 if address.secure else 80)


def request_bytes(call, address, compress):
    """Write a `Call` for a server; a body that is worth it is compressed if `compress`."""
    method, path = call.route
    lines = [f"{method} {address.path}{path} HTTP/1.1", f"Host: {address.target}", "Accept-Encoding: gzip"]
    body = call.request or b""
    if body:
        lines.append("Content-Type: application/json")
        if compress and len(body) >= _MIN_COMPRESSED_BYTES:
            lines.append("Content-Encoding: gzip")
            body = gzip.compress(body, compresslevel=1, mtime=0)
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "\r\n"]).encode() + body


class Reply:
    """An answer, read as its bytes come. When `feed` has said that it is whole, `keep_alive` can be asked."""

    def __init__(self):
        self.keep_alive = False
        self._parser = httptools.HttpResponseParser(self)
        self._encoding, self._body = None, []
        self._sized = self._whole = False

    def feed(self, data):
        """Take what was received, empty at the connection's end, and tell whether the answer is whole.

        Raises:
            ConnectionError: If the connection ended before the answer, or speaks something else than HTTP.
        """
        if data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserError as error:
                raise ConnectionError(f"it does not speak HTTP: {error}") from None
        elif self._sized is not None:
            raise ConnectionError("the connection was closed before the whole answer had come")
        else:
            self._whole = True
        return self._whole

    def on_header(self, name, value):
        """Called by the parser."""
        name = name.lower()
        if name == b"content-encoding":
            self._encoding = value
        elif name in (b"content-length", b"transfer-encoding"):
            self._sized = True

    def on_headers_complete(self):
        """Called by the parser."""
        # Of an answer that states no size, the connection's end is the end.
        self._sized = self._sized or None

    def on_body(self, body):
        """Called by the parser."""
        self._body.append(body)

    def on_message_complete(self):
        """Called by the parser."""
        self._whole, self.keep_alive = True, self._parser.should_keep_alive()

    def content(self, address):
        """Give the body as the server wrote it.

        Args:
            address: The server's `Address`.

        Returns:
            Bytes.

        Raises:
            ClientError: If the server refused, or what came cannot be read.
        """
        body, status = b"".join(self._body), self._parser.get_status_code()
        if self._encoding == b"gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error) as error:
                raise ClientError("INTERNAL", f"{address.text} answered with broken gzip: {error}") from None
        if status == 200:
            return body
        try:
            message = parse(body)["error"]
        except (ServingError, KeyError, TypeError):
            message = f"{address.text} answered with HTTP status {status}"
        raise ClientError(_CODES.get(status, "UNKNOWN"), message)


def unreachable(address, error):
    """Make the error of a server that could not be reached, or that broke off."""
    return ClientError("UNAVAILABLE", f"no answer from {address.text}: {error or type(error).__name__}")


def late(address):
    """Make the error of an answer that did not come in time."""
    return ClientError("DEADLINE_EXCEEDED", f"no answer from {address.text} within the timeout")
