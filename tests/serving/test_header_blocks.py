import hpack
import pytest

from serving.frames import ProtocolError
from serving.header_blocks import HeaderReader, is_request

# Entries 3, 6 and 4 of the static table: ":method: POST", ":scheme: http", ":path: /".
REQUEST = b"\x83\x86\x84"


@pytest.fixture
def reader():
    return HeaderReader(list, 16_384)


def insert(name, value):
    return REQUEST + b"\x40%c%b%c%b" % (len(name), name, len(value), value)


def test_the_same_bytes_mean_something_else_when_the_table_has_changed(reader):
    # Room for one entry: the second takes the place of the first, and the table is as long as before.
    reader.read(b"\x3f\x21" + insert(b"a", b"first"))
    first = reader.read(REQUEST + b"\xbe")
    assert first == reader.read(REQUEST + b"\xbe")
    assert first[-1] == (b"a", b"first")
    reader.read(insert(b"a", b"other"))
    assert reader.read(REQUEST + b"\xbe")[-1] == (b"a", b"other")


def test_a_table_size_counts_each_time_that_it_is_sent(reader):
    for _ in range(2):
        reader.read(b"\x20" + REQUEST)
        reader.read(b"\x3f\x21" + REQUEST)
    reader.read(b"\x20" + REQUEST)
    # Nothing fits into a table of no bytes.
    reader.read(insert(b"a", b"b"))
    with pytest.raises(ProtocolError):
        reader.read(REQUEST + b"\xbe")


def test_what_is_remembered_is_bounded(reader):
    for i in range(2000):
        reader.read(REQUEST + b"\0\1a\4%04d" % i)
        reader.read(REQUEST + b"\0\1a\x7f\x81\7" + b"%01024d" % i)
    assert len(reader._heads) <= 256
    assert max(map(len, reader._heads)) <= 512


def test_requests_and_trailers():
    decoder = hpack.Decoder()
    assert is_request(decoder.decode(REQUEST, raw=True))
    assert not is_request([(b"grpc-status", b"0")])
    assert not is_request([])
