"""Borders of pictures, continued as SciPy does it: any width, also wider than the picture."""

from keras import ops

MODES = ("reflect", "nearest")


def pad_axis(x, axis, margin, mode):
    """Continues a tensor beyond both ends of an axis.

    `keras.ops.pad` will not do: on TensorFlow it cannot repeat the edge, and reflects no further than the size.

    Args:
        x: Tensor; the axis may be of unknown length.
        axis: The axis.
        margin: Elements to add at each end.
        mode: SciPy's `"reflect"` (d c b a | a b c d | d c b a) or `"nearest"` (a a a a | a b c d | d d d d).

    Returns:
        The tensor, `2 * margin` longer along the axis.
    """
    size = ops.shape(x)[axis]
    index = ops.arange(-margin, size + margin)
    if mode == "reflect":
        index = index % (2 * size)
        index = ops.minimum(index, 2 * size - 1 - index)
    else:
        index = ops.clip(index, 0, size - 1)
    return ops.take(x, index, axis=axis)
