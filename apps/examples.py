"""Pictures to try on a page: drawn as the page starts, since no part of a data set ships."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def write_examples(drawn):
    """Writes pictures into a folder of Gradio's, from which alone it serves files; it goes when the process ends.

    Args:
        drawn: `(preset, name, PIL.Image)` of each.

    Returns:
        A list of `(path, preset)`; a file is called `<preset>-<name>.png`.
    """
    folder = Path(tempfile.mkdtemp(prefix="dlkeras-", dir=os.environ.get("GRADIO_TEMP_DIR")))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = []
    for preset, name, picture in drawn:
        path = folder / f"{preset}-{name}.png"
        picture.save(path)
        files.append((str(path), preset))
    return files
