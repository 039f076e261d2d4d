"""Where a server is, how it is spoken to, and the certificates for that."""

import os
import re
import ssl
import tempfile
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_FORMS = "host:port, grpc://host:port, grpcs://host:port, unix:/path, http://host:port or https://host:port"


@dataclass(frozen=True)
class Tls:
    """Certificates in PEM form, each as a path or as bytes.

    Args:
        ca: What the server's certificate must be signed by; None for what the system trusts.
        certificate: The client's own, where the server asks for one.
        key: The private key of `certificate`.

    Raises:
        ValueError: If one of `certificate` and `key` is given without the other.
    """

    ca: str | os.PathLike | bytes | None = None
    certificate: str | os.PathLike | bytes | None = None
    key: str | os.PathLike | bytes | None = None

    def __post_init__(self):
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key must be given together. Received: one of them")

    def pem(self):
        """Read the three as bytes, or None where not given."""
        return [
            pem if pem is None or isinstance(pem, bytes) else Path(pem).read_bytes()
            for pem in (self.ca, self.certificate, self.key)
        ]

    def context(self):
        """Make an `ssl.SSLContext` of them."""
        ca, certificate, key = self.pem()
        context = ssl.create_default_context(cadata=ca and ca.decode())
        if certificate:
            # The ssl module takes them from a file alone.
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "client.pem")
                file.write_bytes(certificate + b"\n" + key)
                context.load_cert_chain(file)
        return context


class Address(NamedTuple):
    """A server's address.

    Args:
        text: As it was given, without a slash at the end.
        rest: Whether it speaks REST rather than gRPC.
        secure: Whether it speaks TLS.
        target: `host:port`, or for gRPC `unix:/path`.
        path: What stands before `/v1` in a REST server's paths.
    """

    text: str
    rest: bool
    secure: bool
    target: str
    path: str = ""


def parse_address(text):
    """Read an address.

    Args:
        text: `host:port` and `unix:/path` are gRPC without TLS; otherwise the scheme says.

    Returns:
        An `Address`.

    Raises:
        ValueError: If it has another form.
    """
    if re.fullmatch(r"unix:/\S+", text):
        return Address(text, rest=False, secure=False, target=text)
    match = re.fullmatch(r"(?:(grpcs?)://)?([^/\s@]+:\d+)", text)
    if match:
        return Address(match[2], rest=False, secure=match[1] == "grpcs", target=match[2])
    if re.fullmatch(r"https?://(\[[\da-fA-F:.]+\]|[^/\s?#:@\[\]]+)(:\d+)?(/[^\s?#]*)?", text):
        parts = urllib.parse.urlsplit(text.rstrip("/"))
        return Address(text.rstrip("/"), True, parts.scheme == "https", parts.netloc, parts.path)
    raise ValueError(f"address must be {_FORMS}. Received: {text}")
