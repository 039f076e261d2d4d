"""What a model takes and gives: signatures read from TensorFlow's SignatureDef, without TensorFlow."""

import difflib
import itertools
from typing import NamedTuple

import numpy as np

from serving.errors import ServingError, listed
from serving.samples import correct_request
from serving.tensors import dtype_name, numpy_dtype, to_array

DEFAULT_SIGNATURE = "serving_default"
INIT_SIGNATURES = ("__saved_model_init_op", "__saved_model_train_op")

# What one message may take of a name or a list of them: a model's names are anybody's, as a request's are.
_MAX_NAME = 100
_MAX_MISFITS = 3
_MAX_COMPARED = 20
_MAX_ACCEPTED = 300


class TensorSpec(NamedTuple):
    """One input or output.

    Args:
        dtype: A numpy dtype; `object` for strings.
        shape: A tuple of sizes, None where any size will do; None when the rank is not known.
        tensor_name: The tensor's name in the graph.
        fed_inside: Whether it is fed into the middle of the graph, as TensorFlow 1's models often are. Then the shape
            is no promise, and the graph judges it, as it does in TensorFlow Serving for all.
    """

    dtype: np.dtype
    shape: tuple | None
    tensor_name: str
    fed_inside: bool = False

    def __str__(self):
        shape = "any shape" if self.shape is None else str(list(self.shape)).replace("None", "any")
        return f"{dtype_name(self.dtype)} {shape}"

    def accepts_shape(self, shape):
        """Tell whether an array of this shape fits."""
        # Any number of rows of the one shape: what most models take.
        if self.shape is None or (self.shape[:1] == (None,) and shape[1:] == self.shape[1:] and shape):
            return True
        return len(shape) == len(self.shape) and all(
            size is None or size == received for size, received in zip(self.shape, shape, strict=True)
        )


class Signature(NamedTuple):
    """A named function of a model.

    Args:
        inputs: Names to `TensorSpec`.
        outputs: Names to `TensorSpec`.
        defaults: Names of inputs that may be left out, to the array that then stands in.
        method_name: What the signature is for, such as `tensorflow/serving/predict`.
    """

    inputs: dict
    outputs: dict
    defaults: dict
    method_name: str = ""

    @classmethod
    def from_proto(cls, signature_def):
        """Read a `SignatureDef` message, TensorFlow's or ours."""
        return cls(
            {name: _spec(info) for name, info in sorted(signature_def.inputs.items())},
            {name: _spec(info) for name, info in sorted(signature_def.outputs.items())},
            {name: to_array(tensor) for name, tensor in signature_def.defaults.items()},
            signature_def.method_name,
        )

    def check_inputs(self, inputs, name):
        """Refuse arrays that the signature does not take.

        Args:
            inputs: Input names to numpy arrays.
            name: The signature's name, for the message.

        Returns:
            `inputs`, completed with the defaults of those left out.

        Raises:
            ServingError: `INVALID_ARGUMENT`, saying what was wrong, what is accepted, and what was received.
        """
        complete = {**self.defaults, **inputs} if self.defaults else inputs
        if complete.keys() != self.inputs.keys():
            raise ServingError("INVALID_ARGUMENT", f"{_misnamed(inputs, self, name)}. {correct_request(name, self)}")
        for key, spec in self.inputs.items():
            array = complete[key]
            if array.dtype != spec.dtype or not (spec.fed_inside or spec.accepts_shape(array.shape)):
                message = (
                    f"input {key!r} of signature {name!r} takes {spec}. "
                    f"Received: {dtype_name(array.dtype)} {list(array.shape)}. {correct_request(name, self)}"
                )
                raise ServingError("INVALID_ARGUMENT", message)
        return complete

    def fits(self, inputs):
        """Tell whether arrays that `check_inputs` took have the shapes that the signature names."""
        for key, spec in self.inputs.items():
            if spec.fed_inside and not spec.accepts_shape(inputs[key].shape):
                return False
        return True

    def misfit(self, inputs, name):
        """Say which shapes are not the signature's, and what a correct request looks like.

        Args:
            inputs: Input names to numpy arrays.
            name: The signature's name.

        Returns:
            Sentences.
        """
        wrong = [
            f"Input {key!r} takes {spec}. Received: {list(inputs[key].shape)}."
            for key, spec in self.inputs.items()
            if not spec.accepts_shape(inputs[key].shape)
        ]
        return f"{' '.join(wrong[:_MAX_MISFITS])} {correct_request(name, self)}"

    def select_outputs(self, output_filter, name):
        """Give the names of the outputs to compute: all of them, or those asked for.

        Args:
            output_filter: A sequence of output names; empty for all.
            name: The signature's name, for the message.

        Returns:
            A sorted tuple of output names.

        Raises:
            ServingError: `INVALID_ARGUMENT` if one is not an output of this signature.
        """
        if not output_filter:
            return tuple(self.outputs)
        for index, alias in enumerate(output_filter):
            if alias not in self.outputs:
                message = (
                    f"output tensor alias not found in signature: {alias[:_MAX_NAME]} "
                    f"Outputs expected to be in the set {{{listed(self.outputs)}}}.{did_you_mean(alias, self.outputs)}"
                    f" output_filter must name outputs of signature {name!r}: {listed(self.outputs)}."
                    f" Received: {listed(output_filter)}"
                )
                raise ServingError("INVALID_ARGUMENT", message)
            if alias in output_filter[:index]:
                raise ServingError("INVALID_ARGUMENT", f"duplicate output tensor alias: {alias[:_MAX_NAME]}")
        return tuple(sorted(output_filter))


class HasSignatures:
    """What has `signatures`, names to `Signature`s."""

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


def did_you_mean(received, names):
    """Point to the name that was probably meant.

    Args:
        received: A name that is not known.
        names: Those that are.

    Returns:
        A sentence that begins with a space, or nothing where none is near.
    """
    near = difflib.get_close_matches(received[:_MAX_NAME], itertools.islice(names, _MAX_COMPARED), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _misnamed(inputs, signature, name):
    # The first sentence is TensorFlow Serving's own.
    extra = sorted(inputs.keys() - signature.inputs.keys())
    missing = [key for key in signature.inputs if key not in inputs and key not in signature.defaults]
    received = listed(sorted(inputs))
    if extra and len(inputs) == len(signature.inputs):
        wrong = f"input tensor alias not found in signature: {extra[0][:_MAX_NAME]}."
    else:
        wrong = (
            f"input size does not match signature: {len(inputs)}!={len(signature.inputs)} "
            f"len({{{received}}}) != len({{{listed(signature.inputs)}}}). "
            f"Sent extra: {{{listed(extra)}}}. Missing but required: {{{listed(missing)}}}."
        )
    hint = did_you_mean(extra[0], missing) if extra else ""
    described = (f"{key} ({spec})" for key, spec in itertools.islice(signature.inputs.items(), _MAX_COMPARED))
    accepted = ", ".join(described)[:_MAX_ACCEPTED]
    return f"{wrong}{hint} Signature {name!r} takes the inputs {accepted}. Received: {received or 'none'}"


def _spec(info):
    shape = None
    if not info.tensor_shape.unknown_rank:
        shape = tuple(dim.size if dim.size >= 0 else None for dim in info.tensor_shape.dim)
    return TensorSpec(numpy_dtype(info.dtype), shape, info.name)
