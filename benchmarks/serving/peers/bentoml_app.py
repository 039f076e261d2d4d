"""BentoML with adaptive batching: a batchable API."""

from pathlib import Path
from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import DType
from common import MAX_BATCH_SIZE, PICTURES, WORKERS, Model, plain

MAX_LATENCY_MS = 1000


@bentoml.service(workers=WORKERS, traffic={"timeout": 60})
class Service:
    """One endpoint, `/predict`."""

    def __init__(self):
        self.model = Model()

    if PICTURES:

        @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=MAX_LATENCY_MS)
        def predict(self, image_bytes: list[Path]) -> list[dict]:
            """Answers uploaded pictures."""
            return [plain(row) for row in self.model([path.read_bytes() for path in image_bytes])]

    else:

        @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=MAX_LATENCY_MS)
        def predict(self, x: Annotated[np.ndarray, DType("float32")]) -> list[dict]:
            """Answers rows."""
            return [plain(row) for row in self.model(x)]
