"""`python -m serving`: the model server's process."""

import contextlib
import functools
import gc
import logging
import os
import signal
import sys
import tempfile
import threading

from serving.config_protos import ConfigError
from serving.flags import parse_flags
from serving.ports import check_ports

# A thread that comes back from the model waits at most this long for the interpreter, instead of 5 ms.
SWITCH_SECONDS = 0.00002
GC_THRESHOLDS = 50_000, 20, 20


def main(argv=None):
    """Serve until SIGINT or SIGTERM.

    Args:
        argv: The command line without the program's name; `sys.argv` when None.

    Returns:
        The process's exit code: 0 after a clean shutdown, 1 for a command line that cannot be served.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        flags = parse_flags(sys.argv[1:] if argv is None else argv)
        check_ports(flags)
        if flags.num_processes > 1:
            from serving.processes import Keeper

            keeper = Keeper(flags.num_processes, functools.partial(serve_beside, flags))
            on_signal(keeper.stop)
            return keeper.keep()
        serve(flags)
    except ConfigError as error:
        print(f"serving: {error}", file=sys.stderr)
        return 1
    return 0


def serve_beside(flags, siblings, config):
    """Do what `main` does, as one of several processes.

    Args:
        flags: The command line's flags.
        siblings: `Siblings`.
        config: The bytes of the `ModelServerConfig` that they have taken over since the start, or None.

    Returns:
        The process's exit code.
    """
    try:
        if config is not None:
            # The models are the new config's, and so are the labels, which need the models.
            from serving.config import model_configs
            from serving.protocol import ModelServerConfig

            config = ModelServerConfig.FromString(config)
            flags.models = [model._replace(labels=()) for model in model_configs(config)]
        serve(flags, siblings, config)
    except ConfigError as error:
        siblings.failed(str(error))
        return 1
    return 0


def import_tensorflow():
    """Import TensorFlow as a server needs it."""
    # TensorFlow imports these wherever it can; a server has no use for them, and starts a third sooner.
    for name in ("keras", "jax"):
        sys.modules.setdefault(name, None)
    # Each model's threads are its own: without this, the first one's settings are everyone's.
    os.environ.setdefault("TF_OVERRIDE_GLOBAL_THREADPOOL", "1")
    with quiet_stderr():
        import tensorflow

        # The first look for devices has things to say too.
        tensorflow.config.list_physical_devices()


def on_signal(action):
    """Call a function on SIGINT and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: action())


@contextlib.contextmanager
def quiet_stderr():
    """Hold back what TensorFlow's C++ side prints while it is imported; show it only if the import fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def serve(flags, siblings=None, config=None):
    """Load the models, answer requests until a signal comes, and finish those in flight.

    Args:
        flags: The command line's flags.
        siblings: `Siblings`, where this is one of several processes.
        config: A `ModelServerConfig` message that replaces the command line's, or None.

    Raises:
        ConfigError: If a model does not load, or an address was taken meanwhile.
    """
    # Until the server listens there is nothing to finish, so a signal ends the process at once.
    on_signal(lambda: os._exit(0))
    import_tensorflow()
    from serving.server import Server

    server = Server(flags, siblings)
    server.load(config)
    sys.setswitchinterval(SWITCH_SECONDS)
    # What was made until now stays: collecting it again and again would only hold up requests.
    gc.collect()
    gc.freeze()
    # Large JSON makes many objects, and no circles.
    gc.set_threshold(*GC_THRESHOLDS)
    signalled = threading.Event()
    on_signal(signalled.set)
    server.listen()
    about = f"{', '.join(server.addresses)}; {server.describe()}"
    if siblings is None:
        print(f"serving ready: {about}", flush=True)
    else:
        siblings.ready(about)
    signalled.wait()
    server.stop()


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A request that has outlasted its grace would keep an ordinary exit waiting.
    os._exit(exit_code)
