"""The memory of our server over a million requests on the MLP, half of them over gRPC, half over REST."""

from benchmarks.serving import asking, load, processes
from benchmarks.serving.servers import SERVERS

MODEL = "mlp"
REQUESTS = 1_000_000
STEPS = 10
IN_FLIGHT = 64


def measure(folder, examples, options):
    """Sends the requests and weighs the process ten times on the way.

    Returns:
        `{"memory": [MiB at rest, then after each tenth], "failed": count}`.
    """
    failed = 0
    with processes.running("grpc", MODEL, folder, examples, options) as (port, pid, _):
        sizes = {name: asking.check(SERVERS[name], port, MODEL, examples) for name in ("grpc", "rest")}
        memory = [processes.memory(pid)]
        for step in range(STEPS):
            for name, size in sizes.items():
                request = SERVERS[name].request(port, MODEL, examples.rows[0])
                failed += load.send(request, IN_FLIGHT, REQUESTS // STEPS // 2, size)
            memory.append(processes.memory(pid))
            print(f"after {(step + 1) * REQUESTS // STEPS:9,} requests  {memory[-1]:6.0f} MiB", flush=True)
        for name in sizes:
            asking.check(SERVERS[name], port, MODEL, examples)
    return {"memory": memory, "failed": failed}
