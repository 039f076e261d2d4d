"""Runs a version's `model.tflite` in the place of its SavedModel."""

import contextlib
import queue
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving.protocol import SignatureDefMap
from serving.signatures import DEFAULT_SIGNATURE, HasSignatures, Signature
from serving.tensors import string_array

MODEL_FILE = "model.tflite"


class TfLiteRunner(HasSignatures):
    """One loaded TensorFlow Lite model, with the methods of `serving.runner.Runner`.

    Args:
        path: The folder that holds `model.tflite`.
        options: `RunnerOptions`.

    Raises:
        ValueError, RuntimeError: If the file does not hold a model that loads.
    """

    def __init__(self, path, options):
        interpreters = [
            _interpreter(Path(path) / MODEL_FILE, options.intra_op_parallelism)
            for _ in range(options.tflite_interpreters)
        ]
        self.cores = options.intra_op_parallelism
        # An interpreter runs one request at a time.
        self._idle = queue.SimpleQueue()
        for interpreter in interpreters:
            self._idle.put({name: _function(interpreter, name) for name in _names(interpreter)})
        self.signature_defs = SignatureDefMap()
        for name, (_, inputs, outputs) in _borrowed(self._idle, dict).items():
            signature_def = self.signature_defs.signature_def[name]
            signature_def.method_name = "tensorflow/serving/predict"
            for details, infos in ((inputs, signature_def.inputs), (outputs, signature_def.outputs)):
                for key, detail in details.items():
                    _fill_info(infos[key], detail)
        self.signatures = {
            name: Signature.from_proto(signature_def)
            for name, signature_def in self.signature_defs.signature_def.items()
        }

    def is_stateful(self, signature_name):
        """Tell that runs may depend on one another: a TensorFlow Lite model does not say."""
        return True

    def has_loops(self, signature_name):
        """Tell that the signature does not loop in TensorFlow."""
        return False

    def run(self, signature_name, inputs, output_names):
        """Run a signature.

        Args:
            signature_name: A key of `signatures`.
            inputs: Every input's name to a numpy array of the signature's dtype and shape.
            output_names: A tuple of output names.

        Returns:
            Output names to numpy arrays, in the order of `output_names`.

        Raises:
            ValueError, RuntimeError: If the model fails on these inputs.
        """
        outputs = _borrowed(self._idle, lambda functions: functions[signature_name][0](inputs))
        return {
            name: string_array(array) if array.dtype.kind in "OSU" else array
            for name, array in ((name, outputs[name]) for name in output_names)
        }

    def close(self):
        """Release the model's memory. No request may be running."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().clear()


def _borrowed(idle, function):
    functions = idle.get()
    try:
        return function(functions)
    finally:
        idle.put(functions)


def _interpreter(file, threads):
    with warnings.catch_warnings():
        # TensorFlow's own copy goes away with a later TensorFlow; until then it needs no further package.
        warnings.filterwarnings("ignore", "(?s).*tf.lite.Interpreter is deprecated", UserWarning)
        interpreter = tf.lite.Interpreter(str(file), num_threads=threads or None)
    interpreter.allocate_tensors()
    return interpreter


def _names(interpreter):
    return list(interpreter.get_signature_list()) or [DEFAULT_SIGNATURE]


def _function(interpreter, name):
    """A function of the inputs by name, and the details of the inputs and of the outputs by name."""
    if interpreter.get_signature_list():
        runner = interpreter.get_signature_runner(name)
        return lambda inputs: runner(**inputs), runner.get_input_details(), runner.get_output_details()
    inputs = {detail["name"]: detail for detail in interpreter.get_input_details()}
    outputs = {detail["name"]: detail for detail in interpreter.get_output_details()}

    def run(arrays):
        for key, array in arrays.items():
            interpreter.resize_tensor_input(inputs[key]["index"], array.shape)
        interpreter.allocate_tensors()
        for key, array in arrays.items():
            interpreter.set_tensor(inputs[key]["index"], array)
        interpreter.invoke()
        return {key: interpreter.get_tensor(detail["index"]) for key, detail in outputs.items()}

    return run, inputs, outputs


def _fill_info(info, detail):
    info.name = detail["name"]
    info.dtype = tf.as_dtype(np.dtype(detail["dtype"]).type).as_datatype_enum
    # A size that may vary is only told apart in the shape's signature, which older files lack.
    shape = detail["shape_signature"] if len(detail["shape_signature"]) else detail["shape"]
    for size in shape:
        info.tensor_shape.dim.add().size = int(size)
