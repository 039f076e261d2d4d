"""Models by name: `create("resnet20", num_classes=10, input_shape=(32, 32, 3))`."""

import difflib
import importlib

# The files that hold named sizes. Each has VARIANTS: name -> (class, keyword arguments).
_MODULES = (
    "dlkeras.models.vision.mlp",
    "dlkeras.models.vision.lenet",
    "dlkeras.models.vision.alexnet",
    "dlkeras.models.vision.vgg",
    "dlkeras.models.vision.nin",
    "dlkeras.models.vision.googlenet",
    "dlkeras.models.vision.resnet",
    "dlkeras.models.vision.densenet",
    "dlkeras.models.vision.regnet",
    "dlkeras.models.vision.mobilenet",
    "dlkeras.models.vision.efficientnet",
    "dlkeras.models.vision.vision_transformer",
)


def _variants():
    """Returns every named size: `{name: (class, keyword arguments)}`."""
    variants = {}
    for module in _MODULES:
        variants.update(importlib.import_module(module).VARIANTS)
    return variants


def list():
    """Returns the names that `create` accepts, sorted."""
    return sorted(_variants())


def create(name, **kwargs):
    """Builds a model by the name of its size.

    Args:
        name: One of `list()`, such as `"resnet20"`.
        **kwargs: Passed to the model's class, over the size's own; for example `num_classes` and `input_shape`.

    Returns:
        A `keras.Model` that takes pictures `(batch, height, width, channels)` and gives logits `(batch, num_classes)`.

    Raises:
        ValueError: The name is not known.
    """
    variants = _variants()
    if name not in variants:
        near = difflib.get_close_matches(name, variants, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"`name` must be one of {', '.join(sorted(variants))}. Received: name={name!r}.{hint}")
    model_class, defaults = variants[name]
    return model_class(**{"name": name, **defaults, **kwargs})
