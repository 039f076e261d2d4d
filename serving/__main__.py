"""`python -m serving`: the model server's process."""

import contextlib
import gc
import logging
import os
import signal
import sys
import tempfile
import threading

from serving.config_protos import ConfigError
from serving.flags import parse_flags

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
        # Until the server listens there is nothing to finish, so a signal ends the process at once.
        on_signal(lambda: os._exit(0))
        # TensorFlow imports these wherever it can; a server has no use for them, and starts a third sooner.
        for name in ("keras", "jax"):
            sys.modules.setdefault(name, None)
        # Each model's threads are its own: without this, the first one's settings are everyone's.
        os.environ.setdefault("TF_OVERRIDE_GLOBAL_THREADPOOL", "1")
        with quiet_stderr():
            import tensorflow

            # The first look for devices has things to say too.
            tensorflow.config.list_physical_devices()
        serve(flags)
    except ConfigError as error:
        print(f"serving: {error}", file=sys.stderr)
        return 1
    return 0


def on_signal(action):
    """Call a function on SIGINT and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: action())


def check_ports(flags):
    """Find out that a port is taken before TensorFlow and the models are loaded.

    Args:
        flags: The command line's flags.

    Raises:
        ConfigError: If a port cannot be listened on.
    """
    from serving.fronts import listen

    for flag in ("port", "rest_api_port", "profiler_port"):
        if getattr(flags, flag):
            listen(flags.bind_address, getattr(flags, flag), f"--{flag}").close()


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


def serve(flags):
    """Load the models, answer requests until a signal comes, and finish those in flight.

    Args:
        flags: The command line's flags.

    Raises:
        ConfigError: If a model does not load, or an address was taken meanwhile.
    """
    from serving.server import Server

    server = Server(flags)
    server.load()
    sys.setswitchinterval(SWITCH_SECONDS)
    # What was made until now stays: collecting it again and again would only hold up requests.
    gc.collect()
    gc.freeze()
    # Large JSON makes many objects, and no circles.
    gc.set_threshold(*GC_THRESHOLDS)
    signalled = threading.Event()
    on_signal(signalled.set)
    server.listen()
    print(f"serving ready: {', '.join(server.addresses)}; {server.describe()}", flush=True)
    signalled.wait()
    server.stop()


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A request that has outlasted its grace would keep an ordinary exit waiting.
    os._exit(exit_code)
