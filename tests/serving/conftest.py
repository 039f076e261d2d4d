"""Small SavedModels, and a server of them in this process."""

import socket
import types

import numpy as np
import pytest
import tensorflow as tf

from serving.__main__ import start_grpc, start_rest
from serving.config import ModelConfig
from serving.core import Core
from serving.manager import Manager
from serving.runner import RunnerOptions


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
    configs = [ModelConfig(name, str(models / name)) for name in ("affine", "picture", "mixed", "tf1")]
    manager = Manager(configs, RunnerOptions(), poll_wait_seconds=0)
    manager.start()
    yield Core(manager)
    manager.stop()


@pytest.fixture(scope="session")
def server(core):
    """Both fronts on free ports: `grpc` and `rest` are their addresses."""
    flags = types.SimpleNamespace(
        bind_address="127.0.0.1",
        port=unused_port(),
        rest_api_port=unused_port(),
        max_request_bytes=200_000,
        grpc_channel_arguments=(),
        grpc_max_threads=8,
        rest_api_num_threads=8,
    )
    stops = [start_grpc(core, flags), start_rest(core, flags)]
    yield types.SimpleNamespace(grpc=f"127.0.0.1:{flags.port}", rest=f"http://127.0.0.1:{flags.rest_api_port}")
    for wait in [stop() for stop in stops]:
        wait()
