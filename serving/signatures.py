"""What a model takes and gives: signatures read from TensorFlow's SignatureDef, without TensorFlow."""

from typing import NamedTuple

import numpy as np

from serving.errors import ServingError
from serving.tensors import dtype_name, numpy_dtype, to_array

DEFAULT_SIGNATURE = "serving_default"
INIT_SIGNATURES = ("__saved_model_init_op", "__saved_model_train_op")


class TensorSpec(NamedTuple):
    """One input or output.

    Args:
        dtype: A numpy dtype; `object` for strings.
        shape: A tuple of sizes, None where any size will do; None when the rank is not known.
        tensor_name: The tensor's name in the graph.
    """

    dtype: np.dtype
    shape: tuple | None
    tensor_name: str

    def __str__(self):
        shape = "any shape" if self.shape is None else str(list(self.shape)).replace("None", "any")
        return f"{dtype_name(self.dtype)} {shape}"

    def accepts_shape(self, shape):
        """Tell whether an array of this shape fits."""
        if self.shape is None:
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
    """

    inputs: dict
    outputs: dict
    defaults: dict

    @classmethod
    def from_proto(cls, signature_def):
        """Read a `SignatureDef` message, TensorFlow's or ours."""
        return cls(
            {name: _spec(info) for name, info in sorted(signature_def.inputs.items())},
            {name: _spec(info) for name, info in sorted(signature_def.outputs.items())},
            {name: to_array(tensor) for name, tensor in signature_def.defaults.items()},
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
        complete = {**self.defaults, **inputs}
        if complete.keys() != self.inputs.keys():
            accepted = ", ".join(f"{key} ({spec})" for key, spec in self.inputs.items())
            received = ", ".join(sorted(inputs)) or "none"
            raise ServingError(
                "INVALID_ARGUMENT", f"signature {name!r} takes the inputs {accepted}. Received: {received}"
            )
        for key, spec in self.inputs.items():
            array = complete[key]
            if array.dtype != spec.dtype or not spec.accepts_shape(array.shape):
                received = f"{dtype_name(array.dtype)} {list(array.shape)}"
                raise ServingError(
                    "INVALID_ARGUMENT", f"input {key!r} of signature {name!r} takes {spec}. Received: {received}"
                )
        return complete

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
        unknown = sorted(set(output_filter) - self.outputs.keys())
        if unknown:
            accepted = ", ".join(self.outputs)
            raise ServingError(
                "INVALID_ARGUMENT",
                f"output_filter must name outputs of signature {name!r}: {accepted}. Received: {', '.join(unknown)}",
            )
        return tuple(sorted(set(output_filter) or self.outputs))


def _spec(info):
    shape = None
    if not info.tensor_shape.unknown_rank:
        shape = tuple(dim.size if dim.size >= 0 else None for dim in info.tensor_shape.dim)
    return TensorSpec(numpy_dtype(info.dtype), shape, info.name)
