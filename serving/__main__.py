"""`python -m serving`: the model server's process."""

import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time

from serving.config import ConfigError, parse_flags

SHUTDOWN_SECONDS = 5


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
        # Until the server is ready there is nothing to finish, so a signal ends the process at once.
        on_signal(lambda: sys.exit(0))
        # TensorFlow imports Keras wherever it can be imported; a server has no use for it, and starts a third sooner.
        sys.modules.setdefault("keras", None)
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
    for flag, port in (("--port", flags.port), ("--rest_api_port", flags.rest_api_port)):
        if port:
            listen(flags.bind_address, port, flag).close()


def listen(address, port, flag):
    """Bind a TCP socket.

    Args:
        address: The address to bind.
        port: The port.
        flag: The flag that sets the port, for the message.

    Returns:
        A bound `socket.socket` that does not listen yet.

    Raises:
        ConfigError: If it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise ConfigError(f"{flag}: cannot listen on {address}:{port}: {error.strerror or error}") from None
    return bound


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
        ConfigError: If a port was taken meanwhile.
    """
    from serving.core import Core
    from serving.manager import Manager
    from serving.runner import RunnerOptions

    options = RunnerOptions(
        flags.tensorflow_intra_op_parallelism,
        flags.tensorflow_inter_op_parallelism,
        tuple(flags.saved_model_tags.split(",")),
    )
    manager = Manager(flags.models, options, flags.file_system_poll_wait_seconds)
    manager.start()
    core = Core(manager)
    stops, addresses = [], []
    if flags.port:
        stops.append(start_grpc(core, flags))
        addresses.append(f"gRPC {flags.bind_address}:{flags.port}")
    if flags.rest_api_port:
        stops.append(start_rest(core, flags))
        addresses.append(f"REST http://{flags.bind_address}:{flags.rest_api_port}")
    signalled = threading.Event()
    on_signal(signalled.set)
    print(f"serving ready: {', '.join(addresses)}; {describe(manager)}", flush=True)
    signalled.wait()
    for wait in [stop() for stop in stops]:
        wait()
    manager.stop()


def describe(manager):
    """Put the models and their available versions in a phrase."""
    models = []
    for name, statuses in manager.statuses().items():
        numbers = [str(status.version) for status in statuses if status.state == "AVAILABLE"]
        models.append(f"{name} ({', '.join(numbers) or 'no version'})")
    return f"models: {', '.join(models)}"


def start_grpc(core, flags):
    """Start the gRPC server.

    Args:
        core: A `Core`.
        flags: The command line's flags.

    Returns:
        A function that takes no more requests, and returns one that waits for those in flight.
    """
    from serving.grpc_server import make_server

    server = make_server(core, flags)
    host = f"[{flags.bind_address}]" if ":" in flags.bind_address else flags.bind_address
    try:
        server.add_insecure_port(f"{host}:{flags.port}")
    except RuntimeError:
        raise ConfigError(f"--port: cannot listen on {host}:{flags.port}") from None
    server.start()
    return lambda: server.stop(SHUTDOWN_SECONDS).wait


def start_rest(core, flags):
    """Start the REST server on a thread of its own.

    Args:
        core: A `Core`.
        flags: The command line's flags.

    Returns:
        A function that takes no more requests, and returns one that waits for those in flight.
    """
    import uvicorn

    from serving.rest import make_app

    bound = listen(flags.bind_address, flags.rest_api_port, "--rest_api_port")
    config = uvicorn.Config(
        make_app(core, flags),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([bound],), name="rest", daemon=True)
    thread.start()
    while thread.is_alive() and not server.started:
        time.sleep(0.01)

    def stop():
        server.should_exit = True
        return lambda: thread.join(SHUTDOWN_SECONDS + 1)

    return stop


if __name__ == "__main__":
    exit_code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # A request that has outlasted its grace would keep an ordinary exit waiting.
    os._exit(exit_code)
