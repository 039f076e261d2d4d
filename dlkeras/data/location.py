"""Where a data set's files are: in `DLKERAS_DATA`, or in the cache, which is filled from the network."""

import contextlib
import hashlib
import os
from pathlib import Path


class DataError(ValueError):
    """Data that cannot be found or read. Its text says what was looked for, where, and what to do."""


def cache_folder():
    """Returns the folder of downloads: `DLKERAS_CACHE`, or `dlkeras` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("DLKERAS_CACHE") or Path(base) / "dlkeras")


def find(*names):
    """Looks for a data set in `DLKERAS_DATA` and in the cache.

    Args:
        *names: File or folder names, the preferred one first.

    Returns:
        The `Path` of the first that exists, or `None`.
    """
    folders = [cache_folder()]
    if os.environ.get("DLKERAS_DATA"):
        folders.insert(0, Path(os.environ["DLKERAS_DATA"]))
    candidates = (folder / name for folder in folders for name in names)
    return next((path for path in candidates if path.exists()), None)


def as_folder(directory):
    """Returns the `Path`; raises `DataError` where it is no folder."""
    directory = Path(directory).expanduser()
    if not directory.is_dir():
        raise DataError(f"{directory} is not a folder.")
    return directory


def find_folder(source):
    """Returns the `Path` of a folder as a person names it: its path, or its name in `DLKERAS_DATA` or the cache.

    Raises:
        DataError: There is no such folder.
    """
    folder = Path(source).expanduser()
    return as_folder(folder if folder.exists() else find(str(source)) or folder)


def fetch(url, path, sha256):
    """Downloads a file into the cache, with a progress bar, and checks it. What is there already is only checked.

    Args:
        url: Address of the file.
        path: Where it goes, relative to the cache folder.
        sha256: Its SHA-256, in hexadecimal.

    Returns:
        The file's `Path`.

    Raises:
        DataError: There is no network, or what came is not the file.
    """
    import keras  # here, since pages read no data set and start without Keras

    target = cache_folder() / path
    if target.is_file() and _sha256(target) == sha256:
        return target
    # Under another name until it is whole: a part of a file must not be taken for the file next time.
    beside = target.with_name(f".{os.getpid()}-{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)  # get_file goes elsewhere where this folder is not there
        keras.utils.get_file(
            beside.name, url, file_hash=sha256, hash_algorithm="sha256", cache_dir=target.parent, cache_subdir=""
        )
        beside.replace(target)
    except Exception as error:  # get_file raises a bare Exception when an address does not answer
        raise DataError(
            f"{target.name} could not be downloaded from {url} ({error}). "
            f"Put it there by hand as {target}, or set DLKERAS_DATA to a folder that has it."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return target


def _sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
