import keras
import numpy as np
import pytest
from scipy.special import log_softmax, rel_entr, softmax

from dlkeras.data import Examples
from dlkeras.models.ensembles import Ensemble
from dlkeras.training.distillation import distill, distillation_loss


@pytest.fixture
def examples():
    """96 points of 3 separable classes."""
    y = np.arange(96, dtype="int32") % 3
    return Examples(np.eye(3, dtype="float32")[y] + np.random.normal(scale=0.3, size=(96, 3)).astype("float32"), y)


def build(seed=1, learning_rate=0.05, dropout=0.1):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(dropout), keras.layers.Dense(3)])
    model.compile(keras.optimizers.Adam(learning_rate), "mse", jit_compile=False)
    return model


def test_loss_by_hand():
    teacher, student = np.random.normal(scale=3, size=(2, 5, 3)).astype("float32")
    y = np.array([0, 1, 2, 2, 1], "float32")
    soft = rel_entr(softmax(teacher / 2, axis=-1), softmax(student / 2, axis=-1)).sum(-1)
    hard = -log_softmax(student, axis=-1)[np.arange(5), y.astype(int)]
    loss = distillation_loss(np.column_stack([teacher, y]), student, temperature=2.0, alpha=0.7)
    np.testing.assert_allclose(loss, 0.7 * 4 * soft + 0.3 * hard, rtol=1e-4)
    for classes in (y, y[:, None]):
        np.testing.assert_allclose(distillation_loss(classes, student, 2.0, 0.7), hard, rtol=1e-5)


def test_student_becomes_its_teacher(examples, tmp_path):
    """Of a teacher that takes one class for another the student learns just that, with no weight on the truth."""
    teacher = build()
    teacher.layers[-1].set_weights([4 * np.eye(3)[:, [1, 0, 2]], np.zeros(3)])
    student = build(seed=2, learning_rate=0.5, dropout=0.0)
    ensemble = Ensemble([teacher, teacher])
    distill(ensemble, student, examples, examples, tmp_path, epochs=10, alpha=1.0, batch_size=16, monitor="loss")
    answers, expected = (softmax(model.predict(examples.x, verbose=0), axis=-1) for model in (student, teacher))
    np.testing.assert_allclose(answers, expected, atol=0.1)
    _, accuracy = student.evaluate(*examples, verbose=0)
    assert accuracy == pytest.approx(np.mean(answers.argmax(-1) == examples.y)) and accuracy < 0.5


def test_two_parts_are_one_run(examples, tmp_path):
    teacher = build(seed=3)

    def run(folder, epochs):
        student = build()
        state = distill(teacher, student, examples, examples, tmp_path / folder, epochs=epochs, batch_size=16)
        return student, state

    whole, state = run("whole", 2)
    run("parts", 1)
    parts, resumed = run("parts", 2)
    np.testing.assert_array_equal(parts.get_weights()[0], whole.get_weights()[0])
    assert resumed["history"] == state["history"] and set(state["history"][0]) >= {"accuracy", "val_accuracy"}
    # A plain compiled model: the loss is the cross-entropy, and it can be saved and trained further.
    loss, accuracy = whole.evaluate(*examples, verbose=0)
    best = state["history"][state["best_epoch"] - 1]
    assert (loss, accuracy) == pytest.approx((best["val_loss"], best["val_accuracy"]), rel=1e-5)
    whole.save(tmp_path / "student.keras")
    loaded = keras.saving.load_model(tmp_path / "student.keras")
    assert loaded.evaluate(*examples, verbose=0) == pytest.approx([loss, accuracy], rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0}, "`temperature` must be above 0. Received: temperature=0"),
        ({"alpha": 1.5}, "`alpha` must be in [0, 1]. Received: alpha=1.5"),
    ],
)
def test_refuses(examples, tmp_path, arguments, message):
    with pytest.raises(ValueError) as error:
        distill(build(), build(), examples, examples, tmp_path, epochs=1, **arguments)
    assert str(error.value) == message


def test_refuses_other_classes(examples, tmp_path):
    teacher = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    with pytest.raises(ValueError) as error:
        distill(teacher, build(), examples, examples, tmp_path, epochs=1)
    message = "`teacher` and `student` must have the same classes. Received: 4 and 3"
    assert str(error.value) == message
