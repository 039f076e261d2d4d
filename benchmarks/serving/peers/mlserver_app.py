"""MLServer with adaptive batching and a custom runtime, since it brings none for TensorFlow."""

import numpy as np
from common import INPUT, PICTURES, Model
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec
from mlserver.types import InferenceResponse


class Runtime(MLModel):
    """Answers the V2 inference protocol from the signature."""

    async def load(self):
        """Loads the model in the worker."""
        self.model = Model()
        return True

    async def predict(self, payload):
        """Answers a request; where MLServer has merged several, its first dimension is theirs together."""
        received = next(entry for entry in payload.inputs if entry.name == INPUT)
        rows = (Base64Codec if PICTURES else NumpyCodec).decode_input(received)
        answers = self.model(rows)
        outputs = [_output(name, np.stack([row[name] for row in answers])) for name in answers[0]]
        return InferenceResponse(model_name=self.name, outputs=outputs)


def _output(name, values):
    return NumpyCodec.encode_output(name, values.astype(bytes) if values.dtype == object else values)
