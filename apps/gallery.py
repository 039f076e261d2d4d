"""The gallery: one page, a tab an app. `python -m apps.gallery --server 127.0.0.1:8500`."""

import argparse
import atexit
import importlib
import os
import shutil
import signal
import sys
import tempfile

from apps.predict import LocalPredict, ServerPredict
from apps.registry import APPS

_STYLE = ".gradio-container { max-width: 1100px !important; width: 100% !important; margin: auto !important; }"
# How often uploads are looked through, and how old they may get; seconds.
_KEEP_UPLOADS = (3600, 24 * 3600)


def build_gallery(predicts):
    """Builds the page.

    Args:
        predicts: `{app name: predict}`; a tab each.

    Returns:
        A `gradio.Blocks`.
    """
    import gradio

    pages = {name: importlib.import_module(f"apps.{name}.demo") for name in predicts}
    with gradio.Blocks(title="dlkeras", delete_cache=_KEEP_UPLOADS) as gallery:
        gradio.Markdown("# dlkeras\nThe models of the deep-learning textbooks, served. Try one on your own input.")
        for name, page in pages.items():
            with gradio.Tab(page.TITLE):
                page.build_page(predicts[name])
    return gallery


def launch(names, *, server=None, rest=None, models=None, host="127.0.0.1", port=7860):
    """Opens the page and blocks until Ctrl-C.

    Args:
        names: The apps to show.
        server: The model server's address; by default the presets are loaded into this process.
        rest: The server's REST address, for the lines that the page shows.
        models: Folder that the server serves from, for pages that train; None where that is not on this machine.
        host: Address to listen on.
        port: Port to listen on.

    Raises:
        OSError: The port is taken.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_TEMP_DIR", _folder_for_uploads())
    import gradio

    predicts = {name: ServerPredict(name, server, rest, models) if server else LocalPredict(name) for name in names}
    # Fonts of the machine: a page that needs no network.
    theme = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    build_gallery(predicts).launch(
        server_name=host,
        server_port=port,
        theme=theme,
        css=_STYLE,
        allowed_paths=[os.environ["GRADIO_TEMP_DIR"]],  # the examples are drawn there
        max_file_size="300mb",
        show_error=True,
        quiet=True,
        footer_links=[],
    )


def _folder_for_uploads():
    """Makes a folder for what people upload, which is removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="dlkeras-gallery-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def main():
    """Reads the command line of `python -m apps.gallery`."""
    parser = argparse.ArgumentParser(prog="python -m apps.gallery", description=__doc__)
    parser.add_argument("--server", required=True, metavar="HOST:PORT", help="the model server's gRPC address")
    parser.add_argument("--rest", required=True, metavar="URL", help="its REST address, shown on the page")
    parser.add_argument("--models", metavar="DIR", help="the folder that it serves, if pages are to train models")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (%(default)s)")
    arguments = parser.parse_args()
    # As `dlkeras up` ends it: by an exit, so that a training that a page has started ends too.
    signal.signal(signal.SIGTERM, lambda signum, frame: sys.exit(0))
    try:
        launch(list(APPS), **vars(arguments))
    except OSError as error:
        sys.exit(f"gallery: {error}")


if __name__ == "__main__":
    main()
