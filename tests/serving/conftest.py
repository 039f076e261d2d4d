"""Small SavedModels, and a server of them in this process."""

import asyncio
import socket
import types

import numpy as np
import pytest
import tensorflow as tf

from serving.config import ModelConfig
from serving.core import Core
from serving.flags import parse_flags
from serving.manager import Manager
from serving.runner import RunnerOptions
from serving.server import Server
from tests.serving.wire import Wire

MODELS = ("affine", "picture", "mixed", "tf1")


class Affine(tf.Module):
    """x * weight + bias."""

    def __init__(self, weight=2.0, bias=1.0):
        super().__init__()
        self.weight, self.bias = tf.Variable(weight), tf.Variable(bias)

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, "x")])
    def __call__(self, x):
        return {"y": x * self.weight + self.bias}

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, "x")])
    def checked(self, x):
        tf.debugging.assert_less(x, 5.0, message="x must be below 5, in [0, 5).")
        return {"y": tf.reshape(x, (2, -1)), "not_finite": x / 0.0}


class Picture(tf.Module):
    """Mean of each PNG."""

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "image_bytes")])
    def __call__(self, image_bytes):
        def read(one):
            return tf.reduce_mean(tf.cast(tf.io.decode_png(one, 3), tf.float32), (0, 1))

        return {"mean": tf.map_fn(read, image_bytes, fn_output_signature=tf.TensorSpec((3,), tf.float32))}


class Mixed(tf.Module):
    """Several named inputs and outputs of several dtypes."""

    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string, "text"),
            tf.TensorSpec((None, 2), tf.int64, "ids"),
            tf.TensorSpec((None,), tf.bool, "flag"),
            tf.TensorSpec((None,), tf.float16, "half"),
        ]
    )
    def __call__(self, text, ids, flag, half):
        return {
            "upper": tf.strings.upper(text),
            "raw_bytes": text,
            "total": tf.reduce_sum(ids, -1),
            "not_flag": tf.logical_not(flag),
            "double": half * 2,
        }


def write_affine(base, version, weight=2.0, bias=1.0):
    model = Affine(weight, bias)
    signatures = {"serving_default": model.__call__, "checked": model.checked}
    tf.saved_model.save(model, str(base / str(version)), signatures=signatures)


def save_tf1(folder):
    """A TensorFlow 1 model with a variable, an asset read by its init op's table, and an input handed straight back."""
    vocabulary = folder.parent / "words.txt"
    folder.parent.mkdir(parents=True, exist_ok=True)
    vocabulary.write_text("zero\none\ntwo\n")
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        word = v1.placeholder(tf.string, (None,), "word")
        table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            -1,
        )
        offset = v1.get_variable("offset", initializer=tf.constant(100, tf.int64), use_resource=False)
        outputs = {"index": table.lookup(word) + offset, "word": word}
        session.run([v1.global_variables_initializer(), v1.tables_initializer()])
        info = v1.saved_model.build_tensor_info
        builder = v1.saved_model.Builder(str(folder))
        signature = v1.saved_model.build_signature_def(
            {"word": info(word)}, {name: info(tensor) for name, tensor in outputs.items()}, "tensorflow/serving/predict"
        )
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": signature},
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A folder with the models affine (version 3), picture (1), mixed (1) and tf1 (1)."""
    base = tmp_path_factory.mktemp("models")
    write_affine(base / "affine", 3)
    for name, model in (("picture", Picture()), ("mixed", Mixed())):
        tf.saved_model.save(model, str(base / name / "1"), signatures=model.__call__)
    save_tf1(base / "tf1" / "1")
    return base


@pytest.fixture(scope="session")
def save_affine():
    """A function that writes a version of the model affine."""
    return write_affine


@pytest.fixture(scope="session")
def free_port():
    """A function that finds a port nobody listens on."""
    return unused_port


@pytest.fixture
def png():
    """A 4x5 picture of one colour and its PNG."""
    picture = np.full((4, 5, 3), (10, 20, 30), np.uint8)
    return picture, tf.io.encode_png(picture).numpy()


def unused_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="session")
def core(models):
    """A `Core` of the models; what it awaits goes through `complete`."""
    configs = [ModelConfig(name, str(models / name)) for name in MODELS]
    manager = Manager(configs, RunnerOptions(), poll_wait_seconds=0)
    manager.start()
    yield Core(manager)
    manager.stop()


@pytest.fixture(scope="session")
def complete():
    """A function that awaits a coroutine, on one event loop for all tests."""
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete
    loop.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """A function that starts a server of flags in this process: `grpc` and `rest` are its addresses."""
    servers = []

    def start(*words):
        ports = unused_port(), unused_port()
        flags = parse_flags([f"--port={ports[0]}", f"--rest_api_port={ports[1]}", *words])
        server = Server(flags)
        server.load()
        server.listen()
        servers.append(server)
        addresses = f"127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
        return types.SimpleNamespace(grpc=addresses[0], rest=addresses[1], manager=server.manager, stop=server.stop)

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def server(models, serve, tmp_path_factory):
    """A server of the models that takes requests of up to 200,000 bytes."""
    config = tmp_path_factory.mktemp("config") / "models.config"
    entries = [f'config {{ name: "{name}" base_path: "{models / name}" }}' for name in MODELS]
    config.write_text(f"model_config_list {{ {' '.join(entries)} }}")
    return serve(f"--model_config_file={config}", "--max_request_bytes=200000", "--file_system_poll_wait_seconds=0")


@pytest.fixture(scope="module")
def shared_wire():
    """A `Wire` for all tests of a file."""
    wire = Wire()
    yield wire
    wire.stop()


@pytest.fixture
def wire(shared_wire):
    """Both protocols with toy procedures; whatever a test does, nothing may be held when it is over."""
    yield shared_wire
    assert shared_wire.settled() is None
