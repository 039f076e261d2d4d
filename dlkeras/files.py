"""Files that are there whole or not at all. Nothing of Keras, so that commands that need no Keras start soon."""

import os
from pathlib import Path


def write_atomically(path, write):
    """Calls `write(path)` with a path beside `path`, then renames: there is the old file or the new one, never half.

    Args:
        path: The file to be.
        write: Function of one path that writes a file there.
    """
    path = Path(path)
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
