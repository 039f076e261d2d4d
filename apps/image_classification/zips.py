"""Zip files from strangers: what would climb out of its folder or swell beyond measure is refused."""

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

MAX_BYTES = 300 * 2**20
MAX_FILES = 5000
MAX_RATIO = 200

_ENTRY = b"PK\x01\x02"  # what an entry of a zip's table of contents begins with
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_PIECE = 2**18
# Below this a ratio says nothing: a drawing of one colour may be a thousandth of its size.
_RATIO_COUNTS_FROM = 50 * 2**20


class ZipError(ValueError):
    """A zip file that cannot be taken. Its text is for the person who sent it."""


def read_zip(path, wanted, max_bytes=MAX_BYTES, max_files=MAX_FILES):
    """Reads files of a zip, after everything that it says of itself has been looked at.

    Args:
        path: The zip file.
        wanted: Function of a `PurePosixPath`: whether that file is to be read. What is not wanted is not unpacked.
        max_bytes: How much the files that are wanted may unpack to, counted as they unpack.
        max_files: How many they may be.

    Yields:
        `(PurePosixPath, bytes)`, in the order of the paths; None for the bytes of a file that is not wanted.

    Raises:
        ZipError: It is no zip or a broken one, is too large, or has entries that are no plain files below its folder.
    """
    # Python would make an object of each entry; a table of contents may hold millions.
    if _count(path, _ENTRY) > 4 * max_files:
        raise ZipError(f"A zip must hold at most {max_files} pictures. Received: {Path(path).name}, which holds more.")
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.filename)
            for member in members:
                _check(member)
            files = [(PurePosixPath(member.filename), member) for member in members if not member.is_dir()]
            chosen = {name: member for name, member in files if wanted(name)}
            _check_declared(chosen.values(), Path(path), max_bytes, max_files)
            room = max_bytes
            for name, member in files:
                data = _read(archive, member, room, max_bytes) if chosen.get(name) is member else None
                room -= len(data or b"")
                yield name, data
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise ZipError(f"{Path(path).name} cannot be unpacked: {error}.") from error


def _count(path, pattern):
    found, kept = 0, b""
    with Path(path).open("rb") as file:
        while piece := file.read(2**20):
            found += (kept + piece).count(pattern)
            kept = piece[1 - len(pattern) :]
    return found


def _check(member):
    name, mode = member.filename, member.external_attr >> 16
    if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts or re.match("[A-Za-z]:", name):
        raise ZipError(f"A zip must hold files below its own folder, with / between names. Received: {name}")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ZipError(f"A zip must hold plain files and folders. Received: {name}, which is a link or a device")
    if member.flag_bits & 1:
        raise ZipError(f"A zip must not be encrypted. Received: {name}, which is")
    if member.compress_type not in _METHODS:
        raise ZipError(f"A zip must be packed by the usual method, deflate. Received: {name}, packed by another")


def _check_declared(members, path, max_bytes, max_files):
    size = sum(member.file_size for member in members)
    if len(members) > max_files:
        raise ZipError(f"A zip must hold at most {max_files} pictures. Received: {len(members)} in {path.name}")
    if size > max_bytes:
        raise ZipError(_too_large(max_bytes, f"{path.name}, {size / 2**20:.0f} MB"))
    if size > _RATIO_COUNTS_FROM and size > MAX_RATIO * path.stat().st_size:
        raise ZipError(f"{path.name} unpacks to more than {MAX_RATIO} times its size, which pictures never do.")


def _read(archive, member, room, max_bytes):
    """Reads one file in pieces, for the size that it says it has need not be true."""
    pieces = []
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            room -= len(piece)
            if room < 0:
                raise ZipError(_too_large(max_bytes, f"more, at {member.filename}"))
            pieces.append(piece)
    return b"".join(pieces)


def _too_large(max_bytes, received):
    return f"A zip must unpack to at most {max_bytes // 2**20} MB. Received: {received}"
