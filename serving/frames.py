"""The frames of HTTP/2, RFC 9113, and header blocks that need no table, RFC 7541."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY_FRAME, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR = 0x0, 0x1, 0x3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 0x5, 0x6, 0x7, 0x8
COMPRESSION_ERROR, ENHANCE_YOUR_CALM = 0x9, 0xB

MAX_FRAME = 16_384
MAX_SENT_FRAME = 65_536
MAX_WINDOW = 2**31 - 1


class ProtocolError(Exception):
    """The peer broke the protocol; the connection cannot go on.

    Args:
        code: The HTTP/2 error code.
        message: What was wrong.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class StreamError(Exception):
    """The peer broke the protocol on one stream; the others go on.

    Args:
        code: The HTTP/2 error code.
    """

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def frame(kind, flags, stream_id, payload):
    """Put a frame together.

    Args:
        kind: The frame's type.
        flags: Its flags.
        stream_id: Its stream; 0 for the connection.
        payload: Bytes.

    Returns:
        Bytes.
    """
    return b"%b%c%c%b%b" % (len(payload).to_bytes(3, "big"), kind, flags, stream_id.to_bytes(4, "big"), payload)


def literal(name, value):
    """Encode a header that no table remembers, so that encoding needs no state.

    Args:
        name: Lower-case bytes.
        value: Bytes.

    Returns:
        Bytes of a header block.
    """
    return b"\0%b%b%b%b" % (_length(len(name)), name, _length(len(value)), value)


def _length(number):
    # An integer with a prefix of seven bits, RFC 7541 section 5.1.
    if number < 127:
        return bytes((number,))
    parts, number = [127], number - 127
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes((*parts, number))


def unpadded(flags, payload):
    """Take the padding off a frame's payload, where its flags say there is some."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ProtocolError(PROTOCOL_ERROR, "padding longer than its frame")
    return payload[1 : len(payload) - payload[0]]


def window_update(stream_id, size):
    """Let the peer send that many bytes more."""
    return frame(WINDOW_UPDATE, 0, stream_id, size.to_bytes(4, "big"))


def reset(stream_id, code):
    """Abandon a stream."""
    return frame(RST_STREAM, 0, stream_id, code.to_bytes(4, "big"))


def answer(stream_id, head, data, trailers):
    """Put a whole answer together: header block, body, header block.

    Args:
        stream_id: Its stream.
        head: The first header block.
        data: The body, no larger than a frame may be.
        trailers: The last header block.

    Returns:
        Bytes.
    """
    stream = stream_id.to_bytes(4, "big")
    return b"%b\1\4%b%b%b\0\0%b%b%b\1\5%b%b" % (
        len(head).to_bytes(3, "big"),
        stream,
        head,
        len(data).to_bytes(3, "big"),
        stream,
        data,
        len(trailers).to_bytes(3, "big"),
        stream,
        trailers,
    )
