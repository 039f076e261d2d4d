"""How each server is started: its command line and what it needs in its environment."""

import os
import sys

from benchmarks.serving.environments import PEERS, python
from benchmarks.serving.models import MODELS

MAX_BATCH_SIZE = 64
# The longest that a first request waits for others, in seconds.
BATCH_TIMEOUT = 0.01


def command(server, model, folder, port, options):
    """Returns the command line of a server.

    Args:
        server: A `Server`.
        model: The model's name.
        folder: The folder of the models.
        port: The first of three free ports.
        options: The command line's options: `environments`.
    """
    process = server.process
    if process == "dlkeras":
        ports = (f"--port={port}", f"--rest_api_port={port + 1}")
        models = (f"--model_name={model}", f"--model_base_path={folder / model}")
        return [sys.executable, "-m", "serving", *ports, *models, *server.flags]
    workers, address = str(_workers(process, options)), ("--host", "127.0.0.1", "--port", str(port))
    arguments = {
        "fastapi": ("-m", "uvicorn", "fastapi_app:app", *address, "--workers", workers, "--no-access-log"),
        "bentoml": ("-m", "bentoml", "serve", "bentoml_app:Service", *address),
        "mlserver": ("-c", "from mlserver.cli import main; main()", "start", "."),
    }
    return [str(python(options.environments, process)), *arguments.get(process, [str(PEERS / f"{process}_app.py")])]


def environment(process, model, folder, port, scratch, options):
    """Returns the environment of a server; `scratch` is a folder that it may fill."""
    added = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if process != "dlkeras":
        added |= {
            "BENCHMARK_PORT": str(port),
            "BENCHMARK_MODEL": str(folder / model / "1"),
            "BENCHMARK_INPUT": MODELS[model].input,
            "BENCHMARK_FOLDER": str(scratch),
            "BENCHMARK_WORKERS": str(_workers(process, options)),
            "BENCHMARK_MAX_BATCH_SIZE": str(MAX_BATCH_SIZE),
            "BENCHMARK_BATCH_TIMEOUT": str(BATCH_TIMEOUT),
            # Workers that are started by name find their module here.
            "PYTHONPATH": str(PEERS),
            "BENTOML_HOME": str(scratch),
            "BENTOML_DO_NOT_TRACK": "True",
        }
    if process == "ray":
        # The high-throughput mode of Ray Serve's documentation.
        added |= {"RAY_SERVE_ENABLE_HA_PROXY": "1", "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
        added |= {"RAY_USAGE_STATS_ENABLED": "0"}
    if process == "mlserver":
        added |= _mlserver(model, port, options)
    return os.environ | added


def _workers(process, options):
    # Ray Serve's proxy is a process of its own: a second replica brought nothing in trials on two cores.
    return options.workers or (1 if process == "ray" else os.cpu_count() or 1)


def _mlserver(model, port, options):
    return {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_GRPC_PORT": str(port + 1),
        "MLSERVER_METRICS_PORT": str(port + 2),
        "MLSERVER_DEBUG": "false",
        "MLSERVER_PARALLEL_WORKERS": str(_workers("mlserver", options)),
        "MLSERVER_MODEL_NAME": model,
        "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_app.Runtime",
        "MLSERVER_MODEL_MAX_BATCH_SIZE": str(MAX_BATCH_SIZE),
        "MLSERVER_MODEL_MAX_BATCH_TIME": str(BATCH_TIMEOUT),
    }
