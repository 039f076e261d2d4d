"""What a client's header blocks say: HPACK's decoder, a memory of blocks seen before, and RFC 9113's rules."""

import re

import hpack

from serving.frames import COMPRESSION_ERROR, ENHANCE_YOUR_CALM, PROTOCOL_ERROR, ProtocolError, StreamError

MAX_CACHED_HEADS = 256
MAX_CACHED_BYTES = 512
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_BAD_VALUE = re.compile(rb"[\0\r\n]")
_PSEUDO = {b":method", b":scheme", b":path", b":authority"}
_NEEDED = {b":method", b":scheme", b":path"}
# They speak of a connection, and have no place in HTTP/2.
_FORBIDDEN = {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}


class HeaderReader:
    """Reads the header blocks of one connection.

    Args:
        read_head: A function that makes of the headers, pairs of bytes, what the application wants of them.
        max_bytes: The size of a request's headers, as RFC 9113 section 6.5.2 counts it.
    """

    def __init__(self, read_head, max_bytes):
        self._read_head = read_head
        self._max_bytes = max_bytes
        # Past its own limit the decoder loses its place; below it, one request can be refused and the next read.
        self._decoder = hpack.Decoder(max_header_list_size=2 * max_bytes)
        self._heads = {}

    def read(self, block):
        """Read a header block; each must be, wanted or not, because it may change the table that later ones use.

        Args:
            block: Bytes.

        Returns:
            What `read_head` made of it; None for trailers.

        Raises:
            ProtocolError: If it cannot be decoded.
            StreamError: If it can be, and is not a request's.
        """
        # A client repeats itself: as long as the table stands still, the same bytes mean the same headers.
        head = self._heads.get(block)
        if head is not None:
            return head
        entries = self._decoder.header_table.dynamic_entries
        before = len(entries), entries[0] if entries else None
        headers = self._decode(block)
        if before[0] != len(entries) or (entries and entries[0] is not before[1]):
            self._heads.clear()
            return self._make_head(headers)
        head = self._make_head(headers)
        # A block that begins with the table's size says more than its headers.
        if len(block) <= MAX_CACHED_BYTES and block[:1] and block[0] & 0xE0 != 0x20:
            if len(self._heads) >= MAX_CACHED_HEADS:
                self._heads.clear()
            self._heads[block] = head
        return head

    def _decode(self, block):
        try:
            return self._decoder.decode(block, raw=True)
        except hpack.OversizedHeaderListError:
            raise ProtocolError(ENHANCE_YOUR_CALM, f"headers must be at most {self._max_bytes} bytes") from None
        except (hpack.HPACKError, IndexError, ValueError) as error:
            raise ProtocolError(COMPRESSION_ERROR, f"the headers cannot be read: {error}") from None

    def _make_head(self, headers):
        if sum(len(name) + len(value) + 32 for name, value in headers) > self._max_bytes:
            raise StreamError(ENHANCE_YOUR_CALM)
        return self._read_head(headers) if is_request(headers) else None


def is_request(headers):
    """Check a header block against RFC 9113 sections 8.2 and 8.3.

    Args:
        headers: Pairs of bytes.

    Returns:
        Whether it begins a request; it is trailers otherwise.

    Raises:
        StreamError: If it is neither.
    """
    pseudo, plain = set(), False
    for name, value in headers:
        if name[:1] == b":":
            if plain or name in pseudo or name not in _PSEUDO or (name == b":path" and not value):
                raise StreamError(PROTOCOL_ERROR)
            pseudo.add(name)
        else:
            plain = True
            if not _NAME.fullmatch(name) or name in _FORBIDDEN or (name == b"te" and value.lower() != b"trailers"):
                raise StreamError(PROTOCOL_ERROR)
        if _BAD_VALUE.search(value):
            raise StreamError(PROTOCOL_ERROR)
    if pseudo and not pseudo >= _NEEDED:
        raise StreamError(PROTOCOL_ERROR)
    return bool(pseudo)
