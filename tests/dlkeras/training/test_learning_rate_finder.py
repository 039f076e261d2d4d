import keras
import numpy as np
import pytest
from PIL import Image

from dlkeras.data import Examples
from dlkeras.schedules import OneCycle
from dlkeras.training import learning_rate_finder as finder
from dlkeras.training.learning_rate_finder import LearningRates, find_learning_rate


@pytest.fixture
def examples():
    """64 points on a plane, whose second input is three times as large as the first."""
    x = np.random.normal(size=(64, 2)).astype("float32") * [1, 3]
    return Examples(x.astype("float32"), (x @ [[2.0], [-1.0]]).astype("float32"))


def build(optimizer, layers=()):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    model.compile(optimizer, "mse", jit_compile=False)
    return model


def test_gradient_descent_on_a_parabola(examples):
    """A step of gradient descent overshoots for rates above 1 / (largest eigenvalue of the mean of x x^T)."""
    found = find_learning_rate(build("sgd"), examples, batch_size=64, lowest=1e-4, highest=10.0)
    critical = 1 / np.linalg.eigvalsh(examples.x.T @ examples.x / 64)[-1]
    assert critical / 30 < found.suggestion < critical
    assert critical < found.rates[-1] < 10.0  # it went on beyond, but not to the end
    np.testing.assert_allclose(found.rates, np.geomspace(1e-4, 10, 100)[: len(found.rates)])
    assert len(found.losses) == len(found.rates) and np.isfinite(found.losses).all()


def test_chance_at_the_lowest_rates_decides_nothing():
    """The loss jumps up and down before it falls, and is steepest there."""
    noise = np.random.default_rng(0).normal(scale=0.3, size=30)
    losses = np.concatenate([2 + noise, np.linspace(2, 0.5, 40), np.linspace(0.5, 3, 10)])
    begin, end = finder._longest_fall(losses)
    assert end == 69
    assert 35 < begin + 2 * (end - begin) // 3 < 60


def test_agrees_with_a_sweep_by_hand(examples):
    model = build("sgd")
    kernel, bias = (weight.astype("float64") for weight in model.get_weights())
    found = find_learning_rate(model, examples, batch_size=64, lowest=1e-3, highest=0.1, steps=10)
    average = 0
    for step, rate in enumerate(np.geomspace(1e-3, 0.1, 10)):
        error = examples.x @ kernel + bias - examples.y
        average = 0.9 * average + 0.1 * np.mean(error**2)
        assert found.losses[step] == pytest.approx(average / (1 - 0.9 ** (step + 1)), rel=1e-4)
        kernel -= rate * 2 * examples.x.T @ error / 64
        bias -= rate * 2 * error.mean(0)


@pytest.mark.parametrize("rate", [0.03, OneCycle(0.1, 20)])
def test_leaves_everything_as_it_was(examples, rate):
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=1)]
    model = build(keras.optimizers.Adam(rate, weight_decay=0.1), layers)
    model.train_on_batch(*examples)
    model.steps_per_execution = 2

    def state():
        variables = (*model.variables, *model.optimizer.variables)
        return [keras.ops.convert_to_numpy(variable) for variable in variables]

    before = state()
    find_learning_rate(model, examples, batch_size=16, steps=10)
    assert model.steps_per_execution == 2
    for one, other in zip(before, state(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rate", [0.03, OneCycle(0.1, 20)])
def test_the_model_trains_on_at_its_own_rate(examples, rate):
    model = build(keras.optimizers.SGD(rate))
    find_learning_rate(model, examples, batch_size=64, lowest=1e-3, highest=0.1, steps=10)
    kernel, bias = model.get_weights()
    error = examples.x @ kernel + bias - examples.y
    model.train_on_batch(*examples)
    step = float(rate(0)) if callable(rate) else rate
    np.testing.assert_allclose(model.get_weights()[0], kernel - step * 2 * examples.x.T @ error / 64, rtol=1e-4)


def test_the_seed_decides(examples):
    def losses(seed):
        model = build("adam", [keras.layers.Dropout(0.5)])
        return find_learning_rate(model, examples, batch_size=16, steps=10, seed=seed).losses

    np.testing.assert_array_equal(losses(1), losses(1))
    assert not np.array_equal(losses(1), losses(2))


def test_plots(tmp_path):
    found = LearningRates(np.geomspace(1e-4, 1, 20), np.linspace(2, 1, 20), 0.01)
    found.plot(tmp_path / "rates.png")
    with Image.open(tmp_path / "rates.png") as picture:
        assert picture.format == "PNG" and picture.size == (600, 432)
        assert len(picture.convert("RGB").getcolors(100_000)) > 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lowest": 0}, "`lowest` must be in (0, highest). Received: lowest=0, highest=1.0"),
        ({"lowest": 2.0}, "`lowest` must be in (0, highest). Received: lowest=2.0, highest=1.0"),
        ({"steps": 9}, "`steps` must be at least 10. Received: steps=9"),
        ({"lowest": 1e3, "highest": 1e4}, "The loss diverges at the lowest rate. Received: lowest=1000.0"),
    ],
)
def test_refuses(examples, arguments, message):
    with pytest.raises(ValueError) as error:
        find_learning_rate(build("sgd"), examples, **arguments)
    assert str(error.value) == message
