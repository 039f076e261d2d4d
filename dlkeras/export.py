"""A model and its endpoints as a numbered SavedModel: whole or not at all."""

import contextlib
import dataclasses
import functools
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

DEFAULT = "serving_default"
EXTRA_FOLDER = "assets.extra"
"""The folder of a version that TensorFlow Serving leaves to its users, but for the warm-up file."""


class RequestError(ValueError):
    """A request that an endpoint refused. Its text is for the person who asked."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """A signature of the SavedModel.

    Attributes:
        name: Its name; `serving_default` is what is answered when none is asked for.
        function: Takes one tensor an input, by name, and gives a dict of named tensors.
        inputs: `{name: (shape, dtype)}`, the batch as `None`, for example `{"image_bytes": ((None,), "string")}`.
        example: One request that gives an answer: `{name: array or list}`. It warms the served model up.
    """

    name: str
    function: Callable
    inputs: dict
    example: dict

    def arrays(self, inputs=None):
        """Returns a request, by default the example, as tensors of the types of the endpoint."""
        return {
            name: tf.convert_to_tensor(value, self.inputs[name][1]) for name, value in (inputs or self.example).items()
        }

    @functools.cached_property
    def graph(self):
        """The function as it is exported: a `tf.function` of the endpoint's input signature."""
        signature = [tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in self.inputs.items()]
        return tf.function(self.function, input_signature=signature, autograph=False)

    def __call__(self, inputs):
        """Answers a request in this process.

        Args:
            inputs: `{name: array or list}`.

        Returns:
            `{name: numpy array}`.

        Raises:
            RequestError: The graph refused the request, with its sentence.
        """
        if set(inputs) != set(self.inputs):
            raise RequestError(
                f"{self.name} takes {', '.join(self.inputs)}. Received: {', '.join(inputs) or 'nothing'}"
            )
        tensors = self._convert(inputs)
        function = (
            self.graph.get_concrete_function()
        )  # outside of `try`: what cannot be traced is no fault of the request
        try:
            answer = function(**tensors)
        except tf.errors.InvalidArgumentError as error:
            raise RequestError(_sentence(error)) from error
        return {name: value.numpy() for name, value in answer.items()}

    def _convert(self, inputs):
        tensors = {}
        for name, (shape, dtype) in self.inputs.items():
            wanted = f"{name} must be {dtype} of shape {shape}"
            try:
                tensors |= self.arrays({name: inputs[name]})
            except (TypeError, ValueError, tf.errors.OpError) as error:
                raise RequestError(f"{wanted}. Received: {_sentence(error)}") from error
            if not tensors[name].shape.is_compatible_with(shape):
                raise RequestError(f"{wanted}. Received: shape {tuple(tensors[name].shape)}")
        return tensors


def _sentence(error):
    """Returns what an operation had to say, without TensorFlow's account of where it stood in the graph."""
    text = getattr(error, "message", None) or str(error)
    found = re.search(r"assertion failed: \[(.*?)\](?: \[|\s*\[\[|\s*$)", text, re.DOTALL)
    if found:
        return found[1]
    text = re.sub(r"\{\{[^{}]*\}\}|\[Op:\w+\].*", "", text)
    lines = [line.strip() for line in text.splitlines()]
    noise = ("Graph execution error", "Detected at node", "<stack traces", "[[")
    return " ".join(line for line in lines if line and not line.startswith(noise))


def export(model, endpoints, directory, *, card="", files=None):
    """Writes the next version of a model.

    The version is written beside its place and renamed into it when it is complete, so a server that watches the
    folder never sees a part of one. Its `assets.extra` holds a model card, the files given, and a warm-up request for
    each endpoint, which TensorFlow Serving replays before the version takes traffic.

    Args:
        model: The `keras.Model` that the endpoints call, TensorFlow backend.
        endpoints: `Endpoint`s; one is named `serving_default`.
        directory: Folder of the model's versions, such as `models/image_classification`; made if it is not there.
        card: Text of the model card, in Markdown.
        files: Further text files for `assets.extra`: `{name: text}`.

    Returns:
        The `Path` of the version, `directory/<number>`; numbers count up from 1.

    Raises:
        ValueError: No endpoint is named `serving_default`, two have one name, or a name is no word.
    """
    names = [endpoint.name for endpoint in endpoints]
    if DEFAULT not in names or len(set(names)) != len(names):
        raise ValueError(f"`endpoints` must have different names, one of them {DEFAULT}. Received: {', '.join(names)}")
    for name in names:
        if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
            raise ValueError(f"An endpoint's name must be letters, digits and underscores. Received: {name!r}")
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        # A folder of its own for each export; it has no number, so no server takes it for a version.
        with tempfile.TemporaryDirectory(prefix=".incomplete-", dir=directory) as incomplete:
            beside = Path(incomplete, "version")  # within, as the temporary folder itself is closed to other users
            _write_saved_model(model, endpoints, beside)
            _write_extra(beside / EXTRA_FOLDER, directory.name, endpoints, {"README.md": card, **(files or {})})
            return _rename_to_next_version(beside, directory)
    finally:
        with contextlib.suppress(OSError):  # there are versions in it, unless the first export failed
            directory.rmdir()


def versions(directory):
    """Returns the version numbers in a model's folder, ascending."""
    directory = Path(directory)
    return sorted(int(path.name) for path in directory.glob("*") if path.name.isdecimal()) if directory.is_dir() else []


def _write_saved_model(model, endpoints, path):
    functions = {endpoint.name: endpoint.graph.get_concrete_function() for endpoint in endpoints}
    # Not by `keras.export`: TensorFlow traces each `tf.function` that it finds once more, which takes as long as all
    # the rest, so it gets to see the traces alone, and what they use.
    root = tf.Module()
    root.used = [variable for function in functions.values() for variable in function.graph.variables]
    # What layers hold besides variables, such as the tables of `StringLookup`.
    parts = tf.train.TrackableView(model).descendants()
    root.resources = [part for part in parts if isinstance(part, tf.saved_model.experimental.TrackableResource)]
    tf.saved_model.save(root, str(path), signatures=functions)


def _write_extra(folder, name, endpoints, files):
    folder.mkdir()
    for file, text in files.items():
        (folder / file).write_text(text)
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for endpoint in endpoints:
            writer.write(_warmup_record(name, endpoint).SerializeToString())


def _warmup_record(name, endpoint):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = endpoint.name
    for key, value in endpoint.arrays().items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def _rename_to_next_version(beside, directory):
    while True:
        target = directory / str(max(versions(directory), default=0) + 1)
        try:
            return beside.rename(target)
        except OSError:
            if not target.exists():  # another export took the number: take the next
                raise
