"""TCP ports. Imports next to nothing, so that a port that is taken is known before anything is loaded."""

import socket

from serving.config_protos import ConfigError


def listen(address, port, flag, shared=False):
    """Bind a TCP socket.

    Args:
        address: The address to bind.
        port: The port.
        flag: The flag that sets the port, for the message.
        shared: Whether other processes of this user may listen on it too.

    Returns:
        A bound `socket.socket` that does not listen yet.

    Raises:
        ConfigError: If it cannot be bound.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise ConfigError(f"{flag}: cannot listen on {address}:{port}: {error.strerror or error}") from None
    return bound


def check_ports(flags):
    """Find out that a port is taken before TensorFlow and the models are loaded.

    Args:
        flags: The command line's flags.

    Raises:
        ConfigError: If a port cannot be listened on.
    """
    for flag in ("port", "rest_api_port", "profiler_port"):
        if getattr(flags, flag):
            listen(flags.bind_address, getattr(flags, flag), f"--{flag}").close()
