"""The gallery: one page, a tab an app. `python -m apps.gallery --server 127.0.0.1:8500`."""

import argparse
import importlib
import os
import sys
import tempfile

from apps.predict import LocalPredict, ServerPredict
from apps.registry import APPS

_STYLE = ".gradio-container { max-width: 1100px !important; margin: auto !important; }"


def build_gallery(predicts):
    """Builds the page.

    Args:
        predicts: `{app name: predict}`; a tab each.

    Returns:
        A `gradio.Blocks`.
    """
    import gradio

    pages = {name: importlib.import_module(f"apps.{name}.demo") for name in predicts}
    with gradio.Blocks(title="dlkeras") as gallery:
        gradio.Markdown("# dlkeras\nThe models of the deep-learning textbooks, served. Try one on your own input.")
        for name, page in pages.items():
            with gradio.Tab(page.TITLE):
                page.build_page(predicts[name])
    return gallery


def launch(names, *, server=None, rest=None, host="127.0.0.1", port=7860):
    """Opens the page and blocks until Ctrl-C.

    Args:
        names: The apps to show.
        server: The model server's address; by default the presets are loaded into this process.
        rest: The server's REST address, for the lines that the page shows.
        host: Address to listen on.
        port: Port to listen on.

    Raises:
        OSError: The port is taken.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    import gradio

    predicts = {name: ServerPredict(name, server, rest) if server else LocalPredict(name) for name in names}
    # Fonts of the machine: a page that needs no network.
    theme = gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    build_gallery(predicts).launch(
        server_name=host,
        server_port=port,
        theme=theme,
        css=_STYLE,
        allowed_paths=[tempfile.gettempdir()],
        show_error=True,
        quiet=True,
        footer_links=[],
    )


def main():
    """Reads the command line of `python -m apps.gallery`."""
    parser = argparse.ArgumentParser(prog="python -m apps.gallery", description=__doc__)
    parser.add_argument("--server", required=True, metavar="HOST:PORT", help="the model server's gRPC address")
    parser.add_argument("--rest", required=True, metavar="URL", help="its REST address, shown on the page")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (%(default)s)")
    arguments = parser.parse_args()
    try:
        launch(list(APPS), **vars(arguments))
    except OSError as error:
        sys.exit(f"gallery: {error}")


if __name__ == "__main__":
    main()
