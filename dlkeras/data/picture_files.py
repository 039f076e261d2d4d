"""The picture files of a folder, or of a tar file, which is read without unpacking it."""

import tarfile
import zlib
from pathlib import Path, PurePosixPath

from dlkeras.data.location import DataError

_SUFFIXES = {".jpg", ".jpeg", ".png"}


def is_tar(path):
    """Tells whether a path is a tar file, gzipped or not."""
    return Path(path).is_file() and tarfile.is_tarfile(path)


def _is_picture(path):
    # Hidden: macOS puts a ._1.jpg beside each 1.jpg into its tars, which is no picture.
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in _SUFFIXES and not hidden


def _read_folder(folder):
    for path in sorted(Path(folder).rglob("*")):
        name = PurePosixPath(path.relative_to(folder).as_posix())
        if _is_picture(name) and path.is_file():
            yield name, path.read_bytes()


def _read_tar(path):
    # A tar is read from front to back, once; the order of its members is not ours to rely on.
    try:
        with tarfile.open(path) as archive:
            files = [
                (PurePosixPath(member.name), archive.extractfile(member).read())
                for member in archive
                if member.isfile() and _is_picture(PurePosixPath(member.name))
            ]
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{path} cannot be read to its end ({error}): is it cut off?") from error
    yield from sorted(files, key=lambda file: file[0])


def read_picture_files(source):
    """Reads the files that are named like pictures.

    Args:
        source: A folder or a tar file.

    Yields:
        `(path, data)`: a `PurePosixPath` relative to the source, and the file's bytes; in the order of the paths.

    Raises:
        DataError: The tar file is broken.
    """
    yield from _read_tar(source) if is_tar(source) else _read_folder(source)
