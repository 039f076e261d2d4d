"""What the way of a request costs, without a model: `python -m benchmarks.serving.transports`.

Each server answers Predict, or a POST of the same size over REST, with a fixed message: grpcio's two Python servers and
Starlette on uvicorn beside this project's own fronts. `h2load` keeps 64 requests in flight.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.serving import load, report
from benchmarks.serving.processes import free_ports, other_work

PATH = "/tensorflow.serving.PredictionService/Predict"
IN_FLIGHT = 64
BEGIN = "<!-- transports: written by `python -m benchmarks.serving.transports` -->"
END = "<!-- end of transports -->"
# The title, and whether it is asked over gRPC or REST.
SERVERS = {
    "grpcio": ("grpcio, threads", True),
    "grpcio_aio": ("grpcio, asyncio", True),
    "own_grpc": ("serving.http2 and grpc_protocol", True),
    "starlette": ("Starlette on uvicorn, uvloop and httptools", False),
    "own_rest": ("serving.http1", False),
}


def main(argv=None):
    """Measures and prints, or writes, the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each server (%(default)s)")
    parser.add_argument("--seconds", type=int, default=2, help="length of a measured window (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/serving/README.md")
    parser.add_argument("--serve", nargs=2, metavar=("NAME", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.serve:
        return globals()[f"serve_{options.serve[0]}"](int(options.serve[1]))
    if load.find_h2load() is None:
        print(f"h2load is missing: apt install {load.PACKAGE}", file=sys.stderr)
        return 2
    figures, busy = {name: [] for name in SERVERS}, other_work()
    for number in range(options.rounds):
        for name in SERVERS:
            figures[name].append(measure(name, options.seconds))
            rate, cpu, p99 = figures[name][-1]
            print(
                f"round {number + 1}  {SERVERS[name][0]:45} {rate:8.0f}/s  {cpu:6.0f} us  p99 {p99:6.2f} ms", flush=True
            )
    text = table(figures, busy, options)
    print(text)
    if options.write:
        report.write(text, BEGIN, END)
    return 0


def measure(name, seconds):
    """Starts a server, loads it, and returns requests/s, microseconds of its processor a request, and p99 in ms."""
    port, grpc = free_ports(), SERVERS[name][1]
    process = subprocess.Popen([sys.executable, "-m", __spec__.name, "--serve", name, str(port)])
    try:
        request = make_request(port, grpc)
        _wait(request)
        load.drive(request, IN_FLIGHT, 1, 0, len(answer()) + 5)
        before = _cpu(process.pid)
        figures = load.drive(request, IN_FLIGHT, seconds, 0, len(answer()) + 5)
        cpu = _cpu(process.pid) - before
    finally:
        process.kill()
        process.wait()
    if figures.failed:
        raise RuntimeError(f"{name}: {figures.failed} requests failed")
    return figures.throughput, cpu / figures.done * 1e6, figures.p99


def make_request(port, grpc):
    """Makes the request of model (a): 784 floats."""
    from benchmarks.serving.servers import SERVERS as ASKED

    row = np.linspace(0, 1, 784, dtype=np.float32)
    return ASKED["grpc" if grpc else "rest"].request(port if grpc else port - 1, "mlp", row)


def answer():
    """Makes the answer of model (a), a serialized PredictResponse; over REST it is as good as any bytes."""
    from serving.protocol import PredictResponse
    from serving.tensors import to_proto

    response = PredictResponse()
    to_proto(np.linspace(0, 1, 10, dtype=np.float32)[None], proto=response.outputs["probabilities"])
    return response.SerializeToString(deterministic=True)


def _wait(request):
    for _ in range(200):
        try:
            if load.send(request, 1, 1, len(answer()) + 5) == 0:
                return
        except RuntimeError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server does not answer")


def _cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def table(figures, busy, options):
    """Writes the medians as Markdown."""
    lines = ["| server | over | requests/s | its processor, us a request | p99 ms |", "|---|---|---|---|---|"]
    for name, (title, grpc) in SERVERS.items():
        rate, cpu, p99 = (statistics.median(values) for values in zip(*figures[name], strict=True))
        lines.append(f"| {title} | {'gRPC' if grpc else 'REST'} | {rate:.0f} | {cpu:.0f} | {p99:.1f} |")
    lines.append("")
    lines.append(
        f"{IN_FLIGHT} in flight; medians of {options.rounds} rounds of {options.seconds} s. Messages are read and "
        f"written, no model is run. {os.cpu_count()} cores ({report.processor()}). Before the first round other work "
        f"used {busy:.2f} cores."
    )
    return "\n".join(lines)


def _grpcio_handlers():
    import grpc

    from serving.protocol import PredictRequest

    message = answer()
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: message, PredictRequest.FromString)
    return {"Predict": handler}


def serve_grpcio(port):
    """Runs grpcio's server with threads."""
    from concurrent import futures

    import grpc

    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_registered_method_handlers("tensorflow.serving.PredictionService", _grpcio_handlers())
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def serve_grpcio_aio(port):
    """Runs grpcio's server on asyncio."""
    import asyncio

    import grpc

    from serving.protocol import PredictRequest

    message = answer()

    async def predict(request, context):
        return message

    async def main():
        server = grpc.aio.server()
        handlers = {"Predict": grpc.unary_unary_rpc_method_handler(predict, PredictRequest.FromString)}
        server.add_registered_method_handlers("tensorflow.serving.PredictionService", handlers)
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        await server.wait_for_termination()

    asyncio.run(main())


def _serve_own(make_factory, port):
    import asyncio

    import uvloop

    async def main():
        server = await asyncio.get_running_loop().create_server(make_factory(), "127.0.0.1", port)
        await server.serve_forever()

    uvloop.run(main())


def serve_own_grpc(port):
    """Runs this project's gRPC front."""
    import functools

    from serving.budget import Budget
    from serving.grpc_protocol import GrpcApplication, Method
    from serving.http2 import Http2Connection, Http2Options
    from serving.protocol import PredictRequest, PredictResponse

    message = PredictResponse.FromString(answer())

    async def predict(request, deadline):
        return message

    def make_factory():
        application = GrpcApplication({PATH: Method(PredictRequest, predict)}, 2**28, Budget(2**30))
        return functools.partial(Http2Connection, application, Http2Options(), set())

    _serve_own(make_factory, port)


def serve_starlette(port):
    """Runs Starlette on uvicorn."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    message = answer()

    async def predict(request):
        await request.body()
        return Response(message, media_type="application/json")

    routes = [Route("/v1/models/{name}:predict", predict, methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), port=port, http="httptools", loop="uvloop", log_level="warning")


def serve_own_rest(port):
    """Runs this project's REST front."""
    import functools

    from serving.budget import Budget
    from serving.http1 import Http1Connection, Response

    message = answer()

    async def predict(request):
        return Response(200, message)

    def make_factory():
        return functools.partial(Http1Connection, predict, None, 2**28, Budget(2**30), set())

    _serve_own(make_factory, port)


if __name__ == "__main__":
    sys.exit(main())
