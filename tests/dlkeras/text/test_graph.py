"""The form for graphs gives the ids of the other form, whatever the text, and is served without anything of ours."""

import json
import subprocess
import sys

import keras
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlkeras.export import Endpoint, export
from dlkeras.text import utf8
from tests.dlkeras.text import fuzz

LAZY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


@pytest.fixture(scope="module", params=fuzz.KINDS)
def forms(request):
    return fuzz.fitted(request.param)


@settings(max_examples=25, **LAZY)
@given(st.lists(fuzz.texts, max_size=6))
def test_same_ids(forms, batch):
    fuzz.check(*forms, batch)


@settings(max_examples=25, **LAZY)
@given(st.lists(st.binary(max_size=30), max_size=4))
def test_same_ids_of_bytes_that_are_no_text(forms, batch):
    tokenizer, graph = forms
    assert graph(tf.constant(batch, tf.string)).to_list() == [tokenizer.encode(data) for data in batch]


def test_same_ids_of_long_texts(forms):
    for text in ("x" * 100_000, "don't, 東京é " * 8000):
        fuzz.check(*forms, ["", text, "good"])


def test_padded(forms):
    tokenizer, _ = forms
    graph = tokenizer.graph()
    texts = ["the good films", "", "films"]
    for length in (None, 2):
        ids, lengths = graph(tf.constant(texts), length)
        expected, counts = tokenizer.encode_batch(texts, length)
        assert ids.numpy().tolist() == expected.tolist() and lengths.numpy().tolist() == counts.tolist()
        assert ids.dtype == lengths.dtype == tf.int32
    assert graph(tf.constant([""]))[0].shape == (1, 1) and graph(tf.zeros([0], tf.string))[0].shape == (0, 1)


def test_spans():
    tokenizer, _ = fuzz.fitted("words")
    texts = ["Don't  e\u0301\u00ad-\0x 👍🏽 end", "", "a"]
    starts, ends = tokenizer.graph().spans(tf.constant([utf8(text) for text in texts]))
    spans = [[*zip(*pair, strict=True)] for pair in zip(starts.to_list(), ends.to_list(), strict=True)]
    assert spans == [tokenizer.spans(text) for text in texts]


SERVED = """
import importlib.util, json, sys
sys.modules.update(dict.fromkeys(("keras", "jax")))
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry
path, texts = sys.argv[1], [bytes.fromhex(text) for text in json.loads(sys.argv[2])]
graph = saved_model_pb2.SavedModel.FromString(open(path + "/saved_model.pb", "rb").read()).meta_graphs[0].graph_def
functions = {function.signature.name for function in graph.library.function}
used = {node.op for part in [graph, *graph.library.function] for node in getattr(part, "node", None) or part.node_def}
foreign = sorted(op for op in used - functions if op_def_registry.get(op) is None)
if foreign:  # the library alone: its Python side imports Keras
    folder = importlib.util.find_spec("tensorflow_text").submodule_search_locations[0]
    tf.load_library(folder + "/python/ops")
resources = sorted(op for op in used if "Table" in op or "Py" in op)
session = tf.compat.v1.Session(graph=tf.Graph())
signatures = tf.compat.v1.saved_model.load(session, ["serve"], path).signature_def
answers = {}
for name, signature in signatures.items():
    if "text" in signature.inputs:
        fed = {signature.inputs["text"].name: texts}
        answers[name] = session.run(signature.outputs["ids"].name, fed).tolist()
print(json.dumps([foreign, resources, answers]))
"""
TEXT_OPERATION = "FastWordpieceTokenizeWithOffsets"


def _endpoint(name, graph):
    return Endpoint(name, lambda text: {"ids": graph(text)[0]}, {"text": ((None,), "string")}, {"text": ["a"]})


@pytest.mark.parametrize(
    ("names", "foreign"), [(("words", "characters", "byte pairs"), []), (("word pieces",), [TEXT_OPERATION])]
)
def test_a_saved_model_needs_no_python(tmp_path, names, foreign):
    tokenizers = {name.replace(" ", "_"): fuzz.KINDS[name].fit(fuzz.TEXTS) for name in names}
    tokenizers["serving_default"] = tokenizers[next(iter(tokenizers))]
    texts = [utf8(text) for text in ("Don't 東京, the films!", "", "\ud800\0")] + [b"\xff\xc3 good"]
    endpoints = [_endpoint(name, tokenizer.graph()) for name, tokenizer in tokenizers.items()]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    path = export(model, endpoints, tmp_path / "m")
    command = [sys.executable, "-c", SERVED, str(path), json.dumps([text.hex() for text in texts])]
    program = subprocess.run(command, capture_output=True, text=True)
    assert program.returncode == 0, program.stderr[-2000:]
    needed, resources, answers = json.loads(program.stdout.splitlines()[-1])
    assert (needed, resources) == (foreign, [])
    assert answers == {name: tokenizer.encode_batch(texts)[0].tolist() for name, tokenizer in tokenizers.items()}
