"""From logits to what a request is answered with."""

import keras

from apps.segmentation.colouring import tints
from dlkeras.data.labels import repeated
from dlkeras.data.mask_pictures import mask_pngs, masks_at, overlay_pngs


def _shared(logits, class_names):
    """Gives `classes` and `shares`, by the model's own pixels, of which each stands for as much of the picture."""
    best = keras.ops.argmax(logits, axis=-1)
    shares = keras.ops.mean(keras.ops.one_hot(best, len(class_names), dtype="float32"), axis=(1, 2))
    classes = repeated(class_names, keras.ops.shape(logits)[0])
    return {"classes": classes, "shares": shares}  # both (batch, classes)


def mask_answer(logits, sizes, class_names):
    """Answers with masks as arrays.

    Args:
        logits: Float tensor `(batch, height, width, classes)`.
        sizes: Heights and widths of the pictures, `int32` `(batch, 2)`.
        class_names: One a class.

    Returns:
        A dict: `mask`, `classes` and `shares`.
    """
    return {"mask": masks_at(logits, sizes), **_shared(logits, class_names)}


def overlay_answer(logits, sizes, class_names, data):
    """Answers as `mask_answer`, with `overlay_png_bytes` too; `data` are the files, string `(batch,)`."""
    overlay = overlay_pngs(data, logits, sizes, tints(class_names))
    return {**mask_answer(logits, sizes, class_names), "overlay_png_bytes": overlay}


def mask_png_answer(logits, sizes, class_names, data):
    """Answers with `mask_png_bytes` in place of `mask`: a hundredth of the bytes, and each at its own size."""
    return {"mask_png_bytes": mask_pngs(logits, sizes), **_shared(logits, class_names)}
