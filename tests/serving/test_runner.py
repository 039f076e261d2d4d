"""Running SavedModels of TensorFlow 1 and 2."""

import importlib.util
import threading

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

from serving.errors import ServingError
from serving.graphs import GraphReader, missing_ops
from serving.runner import Runner, RunnerOptions


def test_same_answer_as_tensorflow(models):
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    expected = tf.saved_model.load(str(models / "affine" / "3")).signatures["serving_default"](x=tf.constant(x))
    runner = Runner(models / "affine" / "3", RunnerOptions())
    np.testing.assert_allclose(runner.run("serving_default", {"x": x}, ("y",))["y"], expected["y"], rtol=1e-6)
    assert sorted(runner.signatures) == ["checked", "serving_default"]
    with pytest.raises(ServingError, match=r"signatures are checked, serving_default. Received: 'other'"):
        runner.signature("other")
    runner.close()


def test_tensorflow_1_model_with_table_asset_and_returned_input(models):
    runner = Runner(models / "tf1" / "1", RunnerOptions())
    word = np.array([b"two", b"what"], object)
    outputs = runner.run("serving_default", {"word": word}, ("index", "word"))
    assert outputs["index"].tolist() == [102, 99]
    assert outputs["word"].tolist() == [b"two", b"what"]
    assert list(runner.run("serving_default", {"word": word}, ("word",))) == ["word"]
    assert not runner.is_stateful("serving_default")
    runner.close()


@pytest.mark.parametrize("inter_op", [0, 1, 2])
def test_many_threads(models, png, inter_op):
    runner = Runner(models / "picture" / "1", RunnerOptions(inter_op_parallelism=inter_op))
    batch = np.array([png[1]] * 3, object)
    wrong = []

    def work():
        for _ in range(20):
            mean = runner.run("serving_default", {"image_bytes": batch}, ("mean",))["mean"]
            if not np.array_equal(mean, [[10, 20, 30]] * 3):
                wrong.append(mean)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    runner.close()


def test_folders_that_do_not_load(models, tmp_path, save_affine):
    with pytest.raises(ServingError, match=r"Could not find SavedModel .pb or .pbtxt at supplied export") as caught:
        Runner(tmp_path, RunnerOptions())
    assert caught.value.code == "NOT_FOUND"
    (tmp_path / "saved_model.pbtxt").write_text("nonsense")
    with pytest.raises(ServingError, match=r"Can't parse .*pbtxt as text proto"):
        Runner(tmp_path, RunnerOptions())
    (tmp_path / "saved_model.pb").write_bytes(b"not a model")
    with pytest.raises(ServingError, match=r"Can't parse .* as binary proto") as caught:
        Runner(tmp_path, RunnerOptions())
    assert caught.value.code == "DATA_LOSS"
    with pytest.raises(ServingError, match=r"matching supplied tags: \{ train \}.*\[\['serve'\]\]"):
        Runner(models / "affine" / "3", RunnerOptions(tags=("train",)))
    save_affine(tmp_path, 1)
    for file in (tmp_path / "1" / "variables").iterdir():
        file.unlink()
    # Half of a copied folder must not pass for a model.
    with pytest.raises(tf.errors.NotFoundError):
        Runner(tmp_path / "1", RunnerOptions())


def test_session_config(models):
    options = RunnerOptions(session_config="intra_op_parallelism_threads: 7 inter_op_parallelism_threads: 5")
    runner = Runner(models / "affine" / "3", options._replace(inter_op_parallelism=1, gpu_memory_fraction=0.5))
    config = runner._session._config
    assert (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads) == (7, 1)
    assert config.gpu_options.per_process_gpu_memory_fraction == 0.5
    runner.close()
    with pytest.raises(ValueError, match="--tensorflow_session_config_file"):
        Runner(models / "affine" / "3", RunnerOptions(session_config="threads: 7"))


class Kinds(tf.Module):
    """Signatures that do, and do not, depend on what ran before."""

    def __init__(self):
        super().__init__()
        self.count = tf.Variable(0.0)
        keys = tf.lookup.KeyValueTensorInitializer(["a"], [1.0])
        self.table = tf.lookup.StaticHashTable(keys, 0.0)

    def reads(self, x):
        tf.debugging.assert_less(x, 100.0)
        return x * self.count + self.table.lookup(tf.constant("a"))

    def counts(self, x):
        return x + self.count.assign_add(1.0)

    def draws(self, x):
        return x + tf.random.uniform([])

    def prints(self, x):
        tf.print(tf.reduce_sum(x))
        return x + 1.0

    def loops(self, x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 10.0, lambda y: [y + self.count + 1.0], [x])[0]

    def loops_and_draws(self, x):
        return tf.while_loop(lambda y: tf.reduce_sum(y) < 10.0, lambda y: [y + tf.random.uniform([])], [x])[0]

    def chooses(self, x):
        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: x, lambda: x + self.count.assign_add(1.0))

    def compiled(self, x):
        return tf.function(lambda y: y * 2.0, jit_compile=True)(x)


EXPECTED = {  # name: (is_stateful, has_loops)
    "reads": (False, False),
    "counts": (True, False),
    "draws": (True, False),
    "prints": (True, False),
    "loops": (False, True),
    "loops_and_draws": (True, True),
    "chooses": (True, False),
    "compiled": (False, False),
}


def as_signature(method, spec):
    return tf.function(lambda x: {"y": method(x)}, input_signature=[spec], autograph=False)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    folder, model = tmp_path_factory.mktemp("kinds") / "1", Kinds()
    spec = tf.TensorSpec((None,), tf.float32, "x")
    signatures = {name: as_signature(getattr(model, name), spec) for name in EXPECTED}
    tf.saved_model.save(model, str(folder), signatures=signatures)
    runner = Runner(folder, RunnerOptions())
    yield runner
    runner.close()


@pytest.mark.parametrize("name", EXPECTED)
def test_state_and_loops(kinds, name):
    assert (kinds.is_stateful(name), kinds.has_loops(name)) == EXPECTED[name]


def test_models_may_compile_with_xla(kinds):
    assert kinds.run("compiled", {"x": np.ones(2, np.float32)}, ("y",))["y"].tolist() == [2.0, 2.0]


def test_state_in_a_tensorflow_1_graph():
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [], "x")
        plain = v1.Variable(1.0, use_resource=False, name="plain")
        read = tf.add(x, plain, "read")
        tf.add(x, v1.assign_add(plain, 1.0), "written")
        with tf.control_dependencies([v1.assign(plain, 2.0)]):
            tf.identity(read, "ordered")
        v1.disable_control_flow_v2()
        tf.identity(v1.while_loop(lambda y: y < 3.0, lambda y: y + 1.0, [x]), "looped")
        v1.enable_control_flow_v2()
        noise = tf.random.uniform([])
        tf.add(noise, 1.0, "noisy")
    reader = GraphReader(graph.as_graph_def())
    assert reader.traits(["x:0"], ["read:0"]) == (False, False)
    assert reader.traits(["x:0"], ["written:0"]) == (True, False)
    assert reader.traits(["x:0"], ["ordered:0"]) == (True, False)
    assert reader.traits(["x:0"], ["looped:0"]) == (False, True)
    assert reader.traits(["x:0"], ["noisy:0"]) == (True, False)
    # What is fed in the place of a random number is not random.
    assert reader.traits([noise.name], ["noisy:0"]) == (False, False)


def test_tensorflow_text_is_loaded_when_a_model_needs_it(tmp_path):
    if importlib.util.find_spec("tensorflow_text") is None:
        pytest.skip("tensorflow-text is not installed")
    saved_model = saved_model_pb2.SavedModel()
    meta_graph = saved_model.meta_graphs.add()
    meta_graph.meta_info_def.tags.append("serve")
    text = meta_graph.graph_def.node.add(name="text", op="Placeholder")
    text.attr["dtype"].type = tf.string.as_datatype_enum
    meta_graph.graph_def.node.add(name="folded", op="CaseFoldUTF8", input=["text"])
    signature = meta_graph.signature_def["serving_default"]
    for name, info in (("text", signature.inputs["text"]), ("folded", signature.outputs["folded"])):
        info.name, info.dtype = f"{name}:0", tf.string.as_datatype_enum
        info.tensor_shape.dim.add().size = -1
    (tmp_path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    runner = Runner(tmp_path, RunnerOptions())
    folded = runner.run("serving_default", {"text": np.array([b"ABC"], object)}, ("folded",))["folded"]
    assert folded.tolist() == [b"abc"]
    runner.close()


def test_an_unknown_operation_is_named(tmp_path, models):
    text = (models / "affine" / "3" / "saved_model.pb").read_bytes()
    saved_model = saved_model_pb2.SavedModel.FromString(text)
    saved_model.meta_graphs[0].graph_def.node.add(name="strange", op="NoSuchOp")
    (tmp_path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    with pytest.raises(ServingError, match="Op type not registered 'NoSuchOp'") as caught:
        Runner(tmp_path, RunnerOptions())
    assert caught.value.code == "NOT_FOUND"


def test_a_function_is_no_missing_operation():
    graph = graph_pb2.GraphDef()
    graph.library.function.add().signature.name = "mine"
    graph.node.add(name="a", op="mine")
    graph.node.add(name="b", op="Add")
    assert missing_ops(graph) == []
