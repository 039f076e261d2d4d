"""Loads one SavedModel and runs its signatures, TensorFlow 1's and 2's alike."""

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2
from tensorflow.python.framework import ops

from serving.errors import ServingError
from serving.graphs import LOOPS, GraphReader, missing_ops
from serving.protocol import SignatureDefMap
from serving.signatures import INIT_SIGNATURES, HasSignatures, Signature

CALLER_THREAD = -1
SESSION_POOL = 0
VARIABLES = {"VarHandleOp", "VariableV2", "Variable"}


class RunnerOptions(NamedTuple):
    """How versions are loaded and run.

    Args:
        intra_op_parallelism: Threads that share one operation; 0 for one a core.
        inter_op_parallelism: Threads that run operations side by side; 1 runs a request on the thread that brought
            it, and 0 does so too but for models with loops, whose iterations then share one thread a core.
        tags: The tags of the MetaGraphDef to load.
        session_config: A text `ConfigProto`; what is set above overrides it.
        gpu_memory_fraction: The share of a GPU's memory to take, in [0, 1]; 0 to let TensorFlow choose.
        prefer_tflite: Whether a version's `model.tflite` is served rather than its SavedModel.
        tflite_interpreters: How many requests a `model.tflite` runs at a time.
        warm_up: Whether the recorded requests are replayed before a version serves.
        warm_up_iterations: How many times each of them is.
        replay: A function of a runner and a `PredictionLog` that runs a recorded Classify, Regress or MultiInference;
            None to leave these out.
        per_model_batching: Whether versions bring their own `batching_params.pbtxt`.
        merge: Whether to find out which signatures' requests may be merged.
        metrics: `Metrics` that count loads and measure them; None for none.
    """

    intra_op_parallelism: int = 0
    inter_op_parallelism: int = 0
    tags: tuple = ("serve",)
    session_config: str = ""
    gpu_memory_fraction: float = 0.0
    prefer_tflite: bool = False
    tflite_interpreters: int = 1
    warm_up: bool = True
    warm_up_iterations: int = 1
    replay: Callable | None = None
    per_model_batching: bool = False
    merge: bool = False
    metrics: object = None

    @classmethod
    def from_flags(cls, flags, replay=None, metrics=None):
        """Read what the command line says of it.

        Args:
            flags: What `parse_flags` returned.
            replay: See above.
            metrics: See above.

        Returns:
            `RunnerOptions`.
        """
        return cls(
            intra_op_parallelism=flags.tensorflow_intra_op_parallelism,
            inter_op_parallelism=flags.tensorflow_inter_op_parallelism,
            tags=tuple(flags.saved_model_tags.split(",")),
            session_config=flags.session_config,
            gpu_memory_fraction=flags.per_process_gpu_memory_fraction,
            prefer_tflite=flags.prefer_tflite_model,
            tflite_interpreters=flags.num_tflite_pools * flags.num_tflite_interpreters_per_pool,
            warm_up=flags.enable_model_warmup,
            warm_up_iterations=max(flags.num_request_iterations_for_warmup, 1),
            replay=replay,
            per_model_batching=flags.enable_per_model_batching_parameters,
            merge=flags.merge_requests and not flags.enable_batching,
            metrics=metrics,
        )


class Runner(HasSignatures):
    """One loaded model. Safe to run from many threads at once.

    Attributes:
        signatures: Names to `Signature`s.
        signature_defs: The same as a `SignatureDefMap` message.
        cores: How many threads share one operation; 0 for all there are.
        side_by_side: How many threads run operations side by side; 0 where nobody has said.

    Args:
        path: The folder that holds `saved_model.pb`.
        options: `RunnerOptions`.

    Raises:
        ServingError, tf.errors.OpError, OSError, ValueError: If the folder does not hold a model that loads.
    """

    def __init__(self, path, options):
        meta_graph = _read_meta_graph(Path(path), set(options.tags))
        _require_ops(meta_graph.graph_def)
        self.signature_defs = SignatureDefMap()
        for name, signature_def in meta_graph.signature_def.items():
            if name not in INIT_SIGNATURES:
                self.signature_defs.signature_def[name].ParseFromString(signature_def.SerializeToString())
        placeholders = {node.name for node in meta_graph.graph_def.node if node.op.startswith("Placeholder")}
        self.signatures = {
            name: _mark_fed_inside(Signature.from_proto(signature_def), placeholders)
            for name, signature_def in self.signature_defs.signature_def.items()
        }
        # A small model answers up to four times sooner without the hand-over to a pool; loops gain from the pool.
        config = _session_config(options)
        self.cores = config.intra_op_parallelism_threads
        self.side_by_side = threads = config.inter_op_parallelism_threads
        in_pool = threads > 1 or (threads == 0 and _has_ops(meta_graph, LOOPS))
        self._pool = SESSION_POOL if in_pool else CALLER_THREAD
        reader = GraphReader(meta_graph.graph_def)
        self._traits = {
            name: reader.traits(
                [spec.tensor_name for spec in signature.inputs.values()],
                [spec.tensor_name for spec in signature.outputs.values()],
            )
            for name, signature in self.signatures.items()
        }
        self._graph = tf.Graph()
        with self._graph.as_default():
            tf.import_graph_def(meta_graph.graph_def, name="")
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        # Bounded, because a client chooses which outputs it asks for.
        self._callable = functools.lru_cache(maxsize=64)(self._make_callable)
        try:
            _restore(self._session, meta_graph, Path(path))
        except BaseException:
            self.close()
            raise

    def is_stateful(self, signature_name):
        """Tell whether one run of a signature can change the answer of another, by state or by chance."""
        return self._traits[signature_name].is_stateful

    def has_loops(self, signature_name):
        """Tell whether a signature loops."""
        return self._traits[signature_name].has_loops

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
            name: inputs[feeds[tensor]] if (tensor := outputs[name].tensor_name) in feeds else _array(values[tensor])
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
        self._session.close()
        # The variables live as long as the session, the constants as long as the graph. Both are in reference cycles,
        # and a server cannot stop for the garbage collector to find them.
        self._callable = self._session = None
        ops.dismantle_graph(self._graph)
        self._graph = None


def _mark_fed_inside(signature, placeholders):
    inputs = {
        name: spec._replace(fed_inside=spec.tensor_name.partition(":")[0] not in placeholders)
        for name, spec in signature.inputs.items()
    }
    return signature._replace(inputs=inputs)


def _array(value):
    # One string without a dimension comes as bytes.
    if not isinstance(value, bytes):
        return value
    array = np.empty((), object)
    array[()] = value
    return array


def _session_config(options):
    config = config_pb2.ConfigProto()
    try:
        text_format.Parse(options.session_config, config)
    except text_format.ParseError as error:
        raise ValueError(f"--tensorflow_session_config_file: not a text ConfigProto: {error}") from None
    if options.intra_op_parallelism:
        config.intra_op_parallelism_threads = options.intra_op_parallelism
    if options.inter_op_parallelism:
        config.inter_op_parallelism_threads = options.inter_op_parallelism
    if options.gpu_memory_fraction:
        config.gpu_options.per_process_gpu_memory_fraction = options.gpu_memory_fraction
    return config


def _require_ops(graph_def):
    if not missing_ops(graph_def):
        return
    # TensorFlow Serving has TensorFlow Text's operations built in. Its Python side would import Keras; its libraries
    # alone will do.
    text = importlib.util.find_spec("tensorflow_text")
    if text is not None:
        tf.load_library(str(Path(text.submodule_search_locations[0]) / "python" / "ops"))
    missing = missing_ops(graph_def)
    if missing:
        raise ServingError(
            "NOT_FOUND", f"Op type not registered {', '.join(map(repr, missing))}. The model needs a library with it"
        )


def _read_meta_graph(path, tags):
    saved_model = saved_model_pb2.SavedModel()
    binary, text = path / "saved_model.pb", path / "saved_model.pbtxt"
    try:
        if binary.exists():
            saved_model.ParseFromString(binary.read_bytes())
        elif text.exists():
            text_format.Parse(text.read_text(), saved_model)
        else:
            message = f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {path}"
            raise ServingError("NOT_FOUND", message)
    except (DecodeError, UnicodeDecodeError):
        raise ServingError("DATA_LOSS", f"Can't parse {binary} as binary proto") from None
    except text_format.ParseError as error:
        raise ServingError("DATA_LOSS", f"Can't parse {text} as text proto: {error}") from None
    for meta_graph in saved_model.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == tags:
            return meta_graph
    found = [sorted(meta_graph.meta_info_def.tags) for meta_graph in saved_model.meta_graphs]
    raise ServingError(
        "NOT_FOUND",
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(sorted(tags))} }}. "
        f"{path} holds graphs with the tags: {found or 'none'}",
    )


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
