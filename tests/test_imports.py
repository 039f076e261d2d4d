"""Who may import what, between the packages and inside them: the house's walls, read from the source."""

import ast
import sys
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path.relative_to(ROOT).as_posix() for room in ("dlkeras", "serving", "apps") for path in (ROOT / room).rglob("*.py")
)

# What dlkeras may import beside itself and the standard library; every row that fits a file counts.
DLKERAS = (
    ("dlkeras/data/**", {"tensorflow", "sklearn", "PIL"}),
    ("dlkeras/data/yolo.py", {"yaml"}),
    ("dlkeras/text/**", {"tensorflow", "tensorflow_text", "tokenizers"}),
    ("dlkeras/training/**", {"tensorflow", "matplotlib"}),
    ("dlkeras/training/reinforce/**", {"gymnasium"}),
    ("dlkeras/export.py", {"tensorflow", "tensorflow_serving"}),
    ("dlkeras/layers/normalization.py", {"tensorflow"}),  # a kernel that no Keras operation reaches
    ("dlkeras/models/weights.py", {"h5py"}),
    ("dlkeras/**", {"keras", "keras_hub", "numpy"}),
)
SERVING_NEVER = {"apps", "dlkeras", "keras", "keras_hub", "gradio"}
APPS_NEVER = {"grpc", "tensorflow_serving"}
GRADIO = ("apps/*/demo.py", "apps/*/*_page.py", "apps/gallery.py", "apps/components.py")


def imports(path, source):
    """Lists the modules that a file imports, anywhere in it, as dotted names; relative ones are made absolute."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = PurePosixPath(path).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            names += [f"{module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "import_module":
            names += [text.value for text in node.args if isinstance(text, ast.Constant)]
    return names


def may_import(path, name):
    """Says whether the file at `path`, below the root, may import the module or member `name`."""
    room, package = PurePosixPath(path).parts[0], name.split(".")[0]
    if package == "gradio":
        return _fits(path, *GRADIO)
    if package == room or package in sys.stdlib_module_names:
        return True
    if room == "dlkeras":
        rows = [allowed for pattern, allowed in DLKERAS if _fits(path, pattern)]
        # Of TensorFlow Serving's protocol the messages only: not its services, which are gRPC.
        messages = package != "tensorflow_serving" or ("_pb2" in name and "_grpc" not in name)
        return package in set().union(*rows) and messages
    if room == "serving":
        return package not in SERVING_NEVER
    return package not in APPS_NEVER and (package != "serving" or f"{name}.".startswith("serving.client."))


def _fits(path, *patterns):
    # `PurePath.match` has no `**` in Python 3.11.
    return any(
        path.startswith(pattern.removesuffix("**")) if pattern.endswith("/**") else PurePosixPath(path).match(pattern)
        for pattern in patterns
    )


def reached(start, sources):
    """Returns every module imported by importing the dotted name `start`, through the files in `sources`."""
    seen, waiting = set(), [start]
    while waiting:
        parts = waiting.pop().split(".")
        # Importing a.b.c runs a and a.b too; c may also be a member of the file a/b.py.
        for name in (".".join(parts[: end + 1]) for end in range(len(parts))):
            if name in seen:
                continue
            seen.add(name)
            stem = name.replace(".", "/")
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                waiting += imports(path, sources[path]) if path in sources else []
    return seen


def test_there_are_files_to_read():
    assert "dlkeras/schedules.py" in FILES


@pytest.mark.parametrize("path", FILES)
def test_imports_what_it_may(path):
    names = imports(path, (ROOT / path).read_text(encoding="utf-8"))
    assert [name for name in names if not may_import(path, name)] == []


def test_the_client_does_not_reach_tensorflow():
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in FILES}
    assert not {"tensorflow", "keras", "tensorflow_serving"} & reached("serving.client", sources)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("dlkeras/layers/attention.py", "import tensorflow as tf"),
        ("dlkeras/models/vision/lenet.py", "def build():\n    from tensorflow import math"),
        ("dlkeras/metrics/classification.py", "import sklearn.metrics"),
        ("dlkeras/data/idx.py", "from apps.base import App"),
        ("dlkeras/training/fit.py", "import serving"),
        ("dlkeras/export.py", "import grpc"),
        ("dlkeras/export.py", "from tensorflow_serving.apis import prediction_service_pb2_grpc"),
        ("dlkeras/export.py", "import gradio"),
        ("serving/core.py", "import dlkeras.models"),
        ("serving/rest.py", "from apps import registry"),
        ("serving/manager.py", "import keras"),
        ("apps/vision/app.py", "import gradio as gr"),
        ("apps/vision/app.py", "from serving import core"),
        ("apps/vision/app.py", "import serving"),
        ("apps/vision/app.py", "import importlib\nimportlib.import_module('serving.core')"),
        ("apps/cli.py", "import grpc"),
    ],
)
def test_refuses(path, line):
    assert not all(may_import(path, name) for name in imports(path, line))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("dlkeras/layers/attention.py", "import math\nimport keras\nimport numpy as np\nfrom dlkeras.ops import boxes"),
        ("dlkeras/data/decode.py", "import tensorflow as tf"),
        ("dlkeras/export.py", "from tensorflow_serving.apis import prediction_log_pb2, predict_pb2"),
        ("serving/core.py", "import tensorflow as tf\nfrom . import errors\nfrom .errors import ServingError"),
        ("apps/vision/app.py", "import keras\nfrom dlkeras import models\nfrom serving.client import Client"),
        ("apps/vision/app.py", "from serving import client"),
        ("apps/vision/demo.py", "import gradio as gr"),
        ("apps/components.py", "import gradio as gr"),
    ],
)
def test_allows(path, line):
    assert all(may_import(path, name) for name in imports(path, line))


def test_reaches_through_files_and_packages():
    sources = {
        "serving/__init__.py": "",
        "serving/client.py": "from serving.codecs import to_array",
        "serving/codecs.py": "def lazily():\n    import tensorflow as tf",
        "serving/other.py": "import keras",
    }
    assert "tensorflow" in reached("serving.client", sources)
    assert "keras" not in reached("serving.client", sources)
    sources["serving/__init__.py"] = "from . import other"
    assert "keras" in reached("serving.client", sources)
