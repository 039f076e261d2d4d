"""How long one request takes: `python -m benchmarks.latency nli --preset sick_bert`, with a server running.

The request is the endpoint's own example, one row, over gRPC and REST, one after the other.
"""

import argparse
import time

import numpy as np

from apps import registry
from apps.presets import model_folder, served_name
from apps.quiet import import_keras
from apps.registry import APPS
from serving.client import Client

_FIRST = 10  # requests that are not counted


def milliseconds(client, model, request, count):
    """Returns how long requests took, sorted, in milliseconds."""
    taken = []
    for _ in range(_FIRST + count):
        begin = time.perf_counter()
        client.predict(model, request)
        taken.append(1000 * (time.perf_counter() - begin))
    return sorted(taken[_FIRST:])


def example(app_name, preset):
    """Returns the example of an app's first endpoint: `{input: value}`."""
    import_keras()
    from apps.trained import open_trained

    app = registry.create(app_name)
    trained = open_trained(app, model_folder(app_name, preset))
    return app.endpoints(trained.model, trained.info)[0].example


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("app", choices=APPS, metavar="APP", help=f"one of {', '.join(APPS)}")
    parser.add_argument("--preset", help="by default the app's first")
    parser.add_argument("--grpc", default="127.0.0.1:8500", metavar="HOST:PORT", help="(%(default)s)")
    parser.add_argument("--rest", default="http://127.0.0.1:8501", metavar="URL", help="(%(default)s)")
    parser.add_argument("--requests", type=int, default=200, metavar="N", help="(%(default)s)")
    arguments = parser.parse_args()
    request = example(arguments.app, arguments.preset)
    for address in (arguments.grpc, arguments.rest):
        with Client(address) as client:
            model = served_name(arguments.app, arguments.preset)
            taken = milliseconds(client, model, request, arguments.requests)
        print(f"{address:28} p50 {np.percentile(taken, 50):7.2f} ms   p95 {np.percentile(taken, 95):7.2f} ms")


if __name__ == "__main__":
    main()
