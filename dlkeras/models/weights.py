"""Weights files: those of other projects, read by the names of their layers, and our own at half the size."""

import h5py
import numpy as np

from dlkeras.files import write_atomically


def read_named_weights(path):
    """Reads a Keras HDF5 weights file of the older layout, as `keras.applications` publishes them.

    Args:
        path: The `.h5` file.

    Returns:
        `{layer name: [array, ...]}` of the layers that have weights.

    Raises:
        ValueError: The file is not of that layout.
    """
    try:
        with h5py.File(path) as file:
            root = file.get("model_weights", file)
            return {
                layer: [np.array(root[layer][name]) for name in root[layer].attrs["weight_names"]]
                for layer in map(_text, root.attrs["layer_names"])
                if len(root[layer].attrs["weight_names"])
            }
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{path} must be a Keras HDF5 weights file with `layer_names`, as keras.applications has them. "
            f"Received: a file that gives {type(error).__name__}: {error}"
        ) from error


def _text(name):
    return name.decode() if isinstance(name, bytes) else str(name)


def load_named_weights(model, path):
    """Loads such a file into a model whose layers have the same names; every layer of the model must be there.

    Args:
        model: A `keras.Model`.
        path: The `.h5` file. Layers of it that the model lacks, such as another head, are left out.

    Raises:
        ValueError: The file is of another kind, lacks layers of the model, or has others' shapes.
    """
    weights = read_named_weights(path)
    layers = [layer for layer in model.layers if layer.weights]
    missing = [layer.name for layer in layers if layer.name not in weights]
    if missing:
        raise ValueError(
            f"{path} lacks {len(missing)} of the {len(layers)} layers of {model.name}: {', '.join(missing[:5])}. "
            f"It has {', '.join(list(weights)[:5])} and so on."
        )
    for layer in layers:
        expected = [tuple(weight.shape) for weight in layer.weights]
        found = [array.shape for array in weights[layer.name]]
        if expected != found:
            raise ValueError(f"{path}: {layer.name} must have weights of shapes {expected}. Received: {found}")
    for layer in layers:
        layer.set_weights(weights[layer.name])


def halve(path):
    """Rewrites a Keras weights file with its float32 arrays in half precision; Keras loads it like the one before.

    Args:
        path: A `.weights.h5` file.
    """
    write_atomically(path, lambda beside: _copy_halved(path, beside))


def _copy_halved(path, target):
    with h5py.File(path) as source, h5py.File(target, "w") as copy:

        def put(name, item):
            if isinstance(item, h5py.Dataset):
                array = item[()]
                made = copy.create_dataset(name, data=array.astype("float16") if array.dtype == "float32" else array)
            else:
                made = copy.require_group(name)
            made.attrs.update(item.attrs)

        copy.attrs.update(source.attrs)
        source.visititems(put)
