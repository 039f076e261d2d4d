"""Where training runs: one device, or a mirrored copy on each of several."""

import contextlib

import keras

STRATEGIES = ("auto", "none", "mirrored")


def strategy_scope(name="auto"):
    """Returns the context in which a model is to be built and fitted.

    Args:
        name: `"none"` for one device; `"mirrored"` for TensorFlow's `MirroredStrategy` over all GPUs, or, where there
            is none, over the logical CPU devices that have been configured; `"auto"` for mirrored where there are
            several GPUs, else none.

    Returns:
        A context manager.

    Raises:
        ValueError: The name is unknown, or mirrored is asked for on another backend than TensorFlow.
    """
    if name not in STRATEGIES:
        raise ValueError(f"`strategy` must be one of {', '.join(STRATEGIES)}. Received: strategy={name!r}")
    if keras.backend.backend() != "tensorflow":
        if name == "mirrored":
            raise ValueError(
                "`strategy` 'mirrored' needs the TensorFlow backend. "
                f"Received: strategy='mirrored' on {keras.backend.backend()}"
            )
        return contextlib.nullcontext()
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    if name == "none" or (name == "auto" and len(gpus) < 2):
        return contextlib.nullcontext()
    devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
    return tf.distribute.MirroredStrategy(devices).scope()
