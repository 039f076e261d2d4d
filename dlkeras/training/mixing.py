"""Pictures mixed with each other, and their targets with them."""

import threading

import keras
import numpy as np

from dlkeras.checks import check_choice, check_num_classes

# In float32 also under a mixed policy: what is mixed here is the model's input, still on the host.
_LAYERS = {
    "mixup": lambda alpha: keras.layers.MixUp(alpha, dtype="float32"),
    # Keras draws its alpha from a range for every batch; the paper's is one number.
    "cutmix": lambda alpha: keras.layers.CutMix((alpha, alpha), dtype="float32"),
}


class Mixing:
    """Mixes each picture of a batch with another one of it, by Keras's layers; a `transform` for `fit`.

    It is not part of the model, since it changes the targets: compile with a loss and a metric that take probabilities
    as well as class numbers, `SmoothedSparseCrossEntropy` and `dlkeras.metrics.Accuracy`. What changes pictures only,
    such as `keras.layers.RandAugment`, belongs into the model, where `fit` seeds it for every epoch.

    Args:
        kind: `"mixup"`, which blends two pictures, or `"cutmix"`, which puts a rectangle of one into the other.
        num_classes: Number of classes.
        alpha: The share of a picture is drawn from Beta(alpha, alpha), in (0, 1]. The papers take 0.2 for mixup on
            ImageNet and 1 on CIFAR, and 1 for CutMix.

    Raises:
        ValueError: An argument is out of its range.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization"; Yun et al. 2019, "CutMix: Regularization
    Strategy to Train Strong Classifiers with Localizable Features".
    """

    def __init__(self, kind, num_classes, alpha):
        check_choice("kind", kind, _LAYERS)
        check_num_classes(num_classes)
        if not 0 < alpha <= 1:
            raise ValueError(f"`alpha` must be in (0, 1]. Received: alpha={alpha}")
        self._layer = _LAYERS[kind](alpha)
        self._num_classes = num_classes
        self._lock = threading.Lock()

    def __call__(self, x, y, random):
        """Mixes a batch.

        Args:
            x: Pictures `(batch, height, width, channels)`.
            y: Class numbers `(batch,)`.
            random: `numpy.random.Generator`; the same state gives the same mixture.

        Returns:
            Pictures, `float32`, and probabilities of the classes `(batch, num_classes)`, `float32`.
        """
        targets = np.eye(self._num_classes, dtype="float32")[y]
        # Keras abandons an iterator that is still at work as it builds a model: two threads may come here at once.
        with self._lock:
            self._layer.generator.state.assign(random.integers(0, 2**32, 2, dtype="uint32"))
            mixed = self._layer({"images": x, "labels": targets})
        return keras.ops.convert_to_numpy(mixed["images"]), keras.ops.convert_to_numpy(mixed["labels"])
