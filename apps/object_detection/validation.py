"""Average precision of the validation pictures, as training goes on."""

import keras
import numpy as np

from apps.object_detection.report import mean_average_precision


class ValidatePrecision(keras.callbacks.Callback):
    """Adds `val_ap50` to the figures of an epoch.

    It is measured after the first epoch, the last one, and every few between; the others repeat the figure before them,
    and so are never better.

    Args:
        detect: Turns what the model gives into detections.
        examples: The validation `Examples`.
        info: Of the data.
        every: Epochs from one measurement to the next.
    """

    def __init__(self, detect, examples, info, every):
        super().__init__()
        self._detect = detect
        self._examples = examples
        self._info = info
        self._every = every
        self._last = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self._due = epoch == 0 or (epoch + 1) % self._every == 0 or epoch + 1 == self.params["epochs"]

    def on_test_end(self, logs=None):
        # Here, and not as the epoch ends: averaged weights are in the model for validation only.
        if self._due:
            predictions = self.model.predict(self._examples.x, batch_size=64, verbose=0)
            detections = self._detect.in_batches(predictions)
            ap50 = mean_average_precision(self._examples.y, detections, self._info).result()["ap50"]
            self._last = float(np.nan_to_num(ap50))

    def on_epoch_end(self, epoch, logs=None):
        logs["val_ap50"] = self._last
