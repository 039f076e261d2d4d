"""Models by name: `create("resnet20", num_classes=10, input_shape=(32, 32, 3))`."""

import difflib
import importlib

from dlkeras.checks import check_choice

# The files that hold named sizes, by what they are for. Each has VARIANTS: name -> (class or function, keyword
# arguments). A file is in the folder of its room, or in the one that its name begins with.
_ROOMS = {
    "vision": (
        "mlp",
        "lenet",
        "alexnet",
        "vgg",
        "nin",
        "googlenet",
        "resnet",
        "densenet",
        "regnet",
        "mobilenet",
        "efficientnet",
        "vision_transformer",
    ),
    "detection": ("tiny_ssd", "ssd"),
    "segmentation": ("fcn", "unet", "light"),
    "style": ("conditional",),
    "text": ("bag_of_words", "birnn", "text_cnn"),
    "pairs": ("decomposable_attention",),
    "translation": ("text.seq2seq", "text.transformer"),
    "language": ("text.recurrent_language", "text.gpt"),
    "recommend": (
        "matrix_factorization",
        "autorec",
        "autoencoder",
        "bpr",
        "neumf",
        "factorization_machine",
        "deepfm",
        "caser",
    ),
    "reinforce": ("tables", "q_network", "actor_critic"),
}


def _variants(rooms=_ROOMS):
    """Returns every named size of some rooms: `{name: (class, keyword arguments)}`."""
    variants = {}
    for room in rooms:
        for file in _ROOMS[room]:
            path = file if "." in file else f"{room}.{file}"
            variants.update(importlib.import_module(f"dlkeras.models.{path}").VARIANTS)
    return variants


def list(room=None):
    """Returns the names that `create` accepts, sorted.

    Args:
        room: `"vision"` for the picture classifiers alone, `"detection"`, `"segmentation"`, `"style"`, `"text"` for
            classifiers of texts, `"pairs"` for those of pairs of texts, `"translation"`, `"language"` for models that
            go on with a text, `"recommend"` for ratings and rankings of items, `"reinforce"` for agents that play.

    Raises:
        ValueError: There is no such room.
    """
    if room is not None:
        check_choice("room", room, _ROOMS)
    return sorted(_variants([room] if room else _ROOMS))


def create(name, /, **kwargs):
    """Builds a model by the name of its size.

    Args:
        name: One of `list()`, such as `"resnet20"`.
        **kwargs: Passed to the model's class, over the size's own; for example `num_classes` and `input_shape`.

    Returns:
        A `keras.Model` that takes pictures `(batch, height, width, channels)` and gives logits `(batch, num_classes)`;
        a detector gives offsets and logits at its anchors, `(batch, anchors, 4 + num_classes + 1)`, one that segments
        logits of every pixel, `(batch, height, width, num_classes)`. What models of texts, of recommendation and
        of agents take is said in their files.

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
