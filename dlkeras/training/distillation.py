"""Knowledge distillation: a small classifier learns from the answers of a large one."""

import functools

import keras
import numpy as np
from keras import ops

from dlkeras.checks import check_fraction, check_positive
from dlkeras.data.splits import Examples
from dlkeras.losses import SmoothedSparseCrossEntropy
from dlkeras.metrics import Accuracy
from dlkeras.training.fit import fit


def distill(teacher, student, train, validation, directory, *, epochs, temperature=4.0, alpha=0.5, **arguments):
    """Trains a student on the class numbers and on a teacher's probabilities at a temperature.

    The loss is `alpha * temperature ** 2 * D + (1 - alpha) * C`: D is the divergence of the student's probabilities
    from the teacher's, both of logits divided by the temperature, C the cross-entropy with the class numbers.
    Validation has C alone.

    The teacher sees every training picture once, before the first epoch, as it is in `train`. Where the student has
    random layers, it is asked about a changed picture what the teacher said of the unchanged one: much cheaper than a
    teacher that runs in every step, and right as far as the changes leave the answer as it is.

    Args:
        teacher: `keras.Model` that gives logits `(batch, classes)`; an `Ensemble` will do.
        student: `keras.Model` that gives logits `(batch, classes)`, compiled; of that its optimizer is used. Afterwards
            it is compiled with cross-entropy and accuracy.
        train: `Examples` with class numbers `(examples,)`.
        validation: `Examples` to choose the best epoch by.
        directory: The run's folder, as in `fit`, which goes on where an earlier call was broken off.
        epochs: Total number of epochs.
        temperature: Of the softmax, above 0; the higher, the more the student learns of the improbable classes.
        alpha: Weight of the teacher's probabilities, in [0, 1].
        **arguments: Of `fit`: `batch_size`, `seed`, `monitor`, `patience`, `callbacks`.

    Returns:
        The run's state, as `fit` gives it. The student has its best weights.

    Raises:
        ValueError: `temperature` or `alpha` is out of its range, or teacher and student differ in their classes.

    Source: Hinton et al. 2015, "Distilling the Knowledge in a Neural Network", section 2.
    """
    check_positive("temperature", temperature)
    check_fraction("alpha", alpha)
    logits = teacher.predict(train.x, batch_size=500, verbose=0)
    classes = student(train.x[:1], training=False).shape[-1]
    if logits.shape[-1] != classes:
        raise ValueError(
            f"`teacher` and `student` must have the same classes. Received: {logits.shape[-1]} and {classes}"
        )
    targets = np.concatenate([logits, train.y[:, None]], axis=1, dtype="float32")
    jit_compile = student.jit_compile
    loss = functools.partial(distillation_loss, temperature=temperature, alpha=alpha)
    accuracy = keras.metrics.MeanMetricWrapper(_hits, name="accuracy")
    student.compile(student.optimizer, loss, metrics=[accuracy], jit_compile=jit_compile)
    state = fit(student, Examples(train.x, targets), validation, directory, epochs=epochs, **arguments)
    student.compile(student.optimizer, SmoothedSparseCrossEntropy(), metrics=[Accuracy()], jit_compile=jit_compile)
    return state


def distillation_loss(y_true, y_pred, temperature, alpha):
    """The loss of `distill`.

    Args:
        y_true: The teacher's logits and, last, the class number: `(batch, classes + 1)`; or class numbers alone.
        y_pred: The student's logits `(batch, classes)`.
        temperature: Of the softmax.
        alpha: Weight of the teacher's probabilities.

    Returns:
        Tensor `(batch,)`; for class numbers alone, their cross-entropy.
    """
    hard = keras.losses.sparse_categorical_crossentropy(_class_numbers(y_true, y_pred), y_pred, from_logits=True)
    if not _has_teacher(y_true, y_pred):
        return hard
    teacher = ops.log_softmax(ops.cast(y_true[:, :-1], y_pred.dtype) / temperature)
    student = ops.log_softmax(y_pred / temperature)
    # The divergence, and not the cross-entropy: the same gradient, but 0 where the student is the teacher.
    soft = ops.sum(ops.exp(teacher) * (teacher - student), axis=-1)
    return alpha * temperature**2 * soft + (1 - alpha) * hard


def _hits(y_true, y_pred):
    return keras.metrics.sparse_categorical_accuracy(_class_numbers(y_true, y_pred), y_pred)


def _has_teacher(y_true, y_pred):
    return len(y_true.shape) == 2 and y_true.shape[1] == y_pred.shape[1] + 1


def _class_numbers(y_true, y_pred):
    return y_true[:, -1] if _has_teacher(y_true, y_pred) else y_true
