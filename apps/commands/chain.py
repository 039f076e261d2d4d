"""Several commands in one process, for starting Keras takes longer than some of them: `train ... , export ...`."""

import sys

from apps.cli import main

SEPARATOR = ","


def run(arguments):
    """Runs commands one after the other; returns the exit code of the first that fails, or 0.

    Args:
        arguments: The commands' arguments, with a `,` between one command and the next.
    """
    while arguments:
        end = arguments.index(SEPARATOR) if SEPARATOR in arguments else len(arguments)
        code = main(arguments[:end])
        if code:
            return code
        arguments = arguments[end + 1 :]
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
