"""Class names inside the graph."""

import tensorflow as tf


def labels_of(classes, class_names):
    """Names classes.

    Args:
        classes: Integer tensor of any shape; -1 where there is none.
        class_names: One name a class.

    Returns:
        String tensor of the same shape, empty where there is no class.
    """
    return tf.gather(tf.constant(["", *class_names]), classes + 1)


def repeated(class_names, rows):
    """Returns the names of all classes once a row: string tensor `(rows, classes)`."""
    return tf.repeat(tf.constant([class_names]), rows, axis=0)


def named_answer(probabilities, class_names):
    """Returns what a classifier of one label answers.

    Args:
        probabilities: Float tensor `(batch, classes)`.
        class_names: One name a class.

    Returns:
        `classes`, all names a row; `label` and `score` of the likeliest; and `probabilities`.
    """
    return {
        "classes": repeated(class_names, tf.shape(probabilities)[0]),
        "label": labels_of(tf.argmax(probabilities, axis=-1), class_names),
        "score": tf.reduce_max(probabilities, axis=-1),
        "probabilities": probabilities,
    }


def top_labels(probabilities, class_names, k=5):
    """Names the most probable classes.

    Args:
        probabilities: Float tensor `(batch, classes)`.
        class_names: One name a class.
        k: How many to name; all, where there are fewer classes.

    Returns:
        `(labels, scores)`: string and float tensors `(batch, k)`, the most probable first.
    """
    scores, indices = tf.math.top_k(probabilities, min(k, len(class_names)))
    return tf.gather(tf.constant(class_names), indices), scores
