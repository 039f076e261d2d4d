"""Starts Keras without the lines that TensorFlow's libraries print while they load, whatever their log level says."""

import contextlib
import logging
import os
import sys
from pathlib import Path


@contextlib.contextmanager
def _standard_error_closed():
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def import_keras():
    """Imports Keras and its backend; errors are raised as ever, the libraries' start-up lines are dropped."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _standard_error_closed():
        import keras  # noqa: F401
    # It warns of every model but the first few that one process trains.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
