"""Loads one SavedModel and runs its signatures, TensorFlow 1's and 2's alike."""

import functools
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2

from serving.errors import ServingError
from serving.protocol import SignatureDefMap
from serving.signatures import INIT_SIGNATURES, Signature

CALLER_THREAD = -1
SESSION_POOL = 0
LOOPS = {"While", "StatelessWhile", "Enter"}
VARIABLES = {"VarHandleOp", "VariableV2", "Variable"}


class RunnerOptions(NamedTuple):
    """How TensorFlow runs a model.

    Args:
        intra_op_parallelism: Threads that share one operation; 0 for one a core.
        inter_op_parallelism: Threads that run operations side by side; 1 runs a request on the thread that brought
            it, and 0 does so too but for models with loops, whose iterations then share one thread a core.
        tags: The tags of the MetaGraphDef to load.
    """

    intra_op_parallelism: int = 0
    inter_op_parallelism: int = 0
    tags: tuple = ("serve",)


class Runner:
    """One loaded model. Safe to run from many threads at once.

    Args:
        path: The folder that holds `saved_model.pb`.
        options: `RunnerOptions`.

    Raises:
        tf.errors.OpError, OSError, ValueError: If the folder does not hold a model that loads.
    """

    def __init__(self, path, options):
        meta_graph = _read_meta_graph(Path(path), set(options.tags))
        self.signature_defs = SignatureDefMap()
        for name, signature_def in meta_graph.signature_def.items():
            if name not in INIT_SIGNATURES:
                self.signature_defs.signature_def[name].ParseFromString(signature_def.SerializeToString())
        self.signatures = {
            name: Signature.from_proto(signature_def)
            for name, signature_def in self.signature_defs.signature_def.items()
        }
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=options.intra_op_parallelism,
            inter_op_parallelism_threads=options.inter_op_parallelism,
        )
        # A small model answers up to four times sooner without the hand-over to a pool; loops gain from the pool.
        side_by_side = options.inter_op_parallelism > 1 or (
            options.inter_op_parallelism == 0 and _has_ops(meta_graph, LOOPS)
        )
        self._pool = SESSION_POOL if side_by_side else CALLER_THREAD
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(meta_graph.graph_def, name="")
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            _restore(self._session, meta_graph, Path(path))
        except BaseException:
            self._session.close()
            raise
        # Bounded, because a client chooses which outputs it asks for.
        self._callable = functools.lru_cache(maxsize=64)(self._make_callable)

    def signature(self, name):
        """Find a signature by name.

        Args:
            name: The signature's name.

        Returns:
            The `Signature`.

        Raises:
            ServingError: `INVALID_ARGUMENT` if the model has none of that name.
        """
        if name not in self.signatures:
            accepted = ", ".join(sorted(self.signatures))
            raise ServingError("INVALID_ARGUMENT", f"the model's signatures are {accepted}. Received: {name!r}")
        return self.signatures[name]

    def run(self, signature_name, inputs, output_names):
        """Run a signature.

        Args:
            signature_name: A key of `signatures`.
            inputs: Every input's name to a numpy array of the signature's dtype and shape.
            output_names: A tuple of output names.

        Returns:
            Output names to numpy arrays, in the order of `output_names`.

        Raises:
            tf.errors.OpError: If the model fails on these inputs.
        """
        run, feeds, fetches = self._callable(signature_name, output_names)
        values = dict(zip(fetches, run(*[inputs[name] for name in feeds.values()]), strict=True)) if fetches else {}
        outputs = self.signatures[signature_name].outputs
        # A TensorFlow 1 signature may hand an input straight back, which a session refuses to fetch.
        return {
            name: inputs[feeds[tensor]] if (tensor := outputs[name].tensor_name) in feeds else values[tensor]
            for name in output_names
        }

    def _make_callable(self, signature_name, output_names):
        signature = self.signatures[signature_name]
        feeds = {spec.tensor_name: name for name, spec in signature.inputs.items()}
        fetches = list(dict.fromkeys(signature.outputs[name].tensor_name for name in output_names))
        fetches = [tensor for tensor in fetches if tensor not in feeds]
        if not fetches:
            return None, feeds, fetches
        options = config_pb2.CallableOptions(feed=list(feeds), fetch=fetches)
        options.run_options.inter_op_thread_pool = self._pool
        # Not public, but a third of the cost of `Session.run`, which has no public equal.
        return self._session._make_callable_from_options(options), feeds, fetches

    def close(self):
        """Release the model's memory. No request may be running."""
        self._callable.cache_clear()
        self._session.close()


def _read_meta_graph(path, tags):
    saved_model = saved_model_pb2.SavedModel()
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    if binary.exists():
        saved_model.ParseFromString(binary.read_bytes())
    elif text.exists():
        text_format.Parse(text.read_text(), saved_model)
    else:
        raise FileNotFoundError(f"{path} must hold a saved_model.pb or saved_model.pbtxt")
    for meta_graph in saved_model.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == tags:
            return meta_graph
    found = [list(meta_graph.meta_info_def.tags) for meta_graph in saved_model.meta_graphs]
    raise ValueError(f"{path} must hold a graph with the tags {sorted(tags)}. Found: {found}")


def _has_ops(meta_graph, ops):
    graph = meta_graph.graph_def
    return any(
        node.op in ops for nodes in (graph.node, *(f.node_def for f in graph.library.function)) for node in nodes
    )


def _restore(session, meta_graph, path):
    assets = _asset_feeds(meta_graph, path)
    saver = meta_graph.saver_def
    checkpoint = path / "variables" / "variables"
    # A model with variables must have its checkpoint: without it, it would load and fail on every request.
    needed = checkpoint.with_suffix(".index").exists() or _has_ops(meta_graph, VARIABLES)
    if saver.restore_op_name and needed:
        session.run(saver.restore_op_name, {saver.filename_tensor_name: str(checkpoint), **assets})
    init_op = _init_op(meta_graph)
    if init_op:
        session.run(init_op, assets)


def _asset_feeds(meta_graph, path):
    assets = list(meta_graph.asset_file_def)
    if not assets:
        for packed in meta_graph.collection_def["saved_model_assets"].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            packed.Unpack(asset)
            assets.append(asset)
    return {asset.tensor_info.name: str(path / "assets" / asset.filename) for asset in assets}


def _init_op(meta_graph):
    signature = meta_graph.signature_def.get("__saved_model_init_op")
    if signature:
        return signature.outputs["__saved_model_init_op"].name
    for key in ("saved_model_main_op", "legacy_init_op"):
        names = meta_graph.collection_def[key].node_list.value
        if names:
            return names[0]
    return None
