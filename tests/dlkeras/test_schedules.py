import keras
import numpy as np
import pytest
from keras.optimizers import schedules

from dlkeras.schedules import Cyclical, InverseSquareRoot, OneCycle, Step, WarmUp

ALL = [
    WarmUp(0.5, 4),
    WarmUp(schedules.ExponentialDecay(0.5, 10, 0.5), 5, start_factor=0.2),
    WarmUp(WarmUp(Step(0.5, [3]), 2), 4),
    InverseSquareRoot(0.5, 4),
    Step(0.1, [3, 7], factor=0.5),
    Cyclical(0.1, 0.5, half_cycle=4, decay=0.5),
    OneCycle(0.5, 20),
    OneCycle(0.5, 3, warmup_fraction=0.0, final_factor=0.0),
]
EVERY = pytest.mark.parametrize("schedule", ALL, ids=lambda schedule: type(schedule).__name__)


def _rates(schedule, steps):
    return [float(schedule(step)) for step in steps]


@EVERY
def test_config_round_trip(schedule):
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert schedules.serialize(again) == schedules.serialize(schedule)
    assert _rates(again, range(0, 25, 8)) == _rates(schedule, range(0, 25, 8))


@EVERY
def test_trains_with_the_rates_it_says(schedule, tmp_path):
    # One weight under a constant gradient of 1: plain descent moves it by the rates, in the backend's own loop.
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs))
    model.compile(keras.optimizers.SGD(schedule), loss=lambda y_true, y_pred: y_pred)
    ones = np.ones((12, 1), "float32")
    model.fit(ones, ones, batch_size=2, verbose=0)
    assert model.get_weights()[0].item() == pytest.approx(-sum(_rates(schedule, range(6))), rel=1e-5)

    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(model.optimizer))
    assert _rates(optimizer._learning_rate, range(0, 25, 8)) == _rates(schedule, range(0, 25, 8))


def test_warm_up_by_hand():
    decay = schedules.ExponentialDecay(0.8, decay_steps=1, decay_rate=0.5)
    assert _rates(WarmUp(decay, 4), range(7)) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 0.4, 0.2])
    assert _rates(WarmUp(decay, 2, start_factor=0.5), range(4)) == pytest.approx([0.4, 0.6, 0.8, 0.4])
    assert _rates(WarmUp(0.3, 3), [0, 1, 2, 3, 100]) == pytest.approx([0, 0.1, 0.2, 0.3, 0.3])


def test_inverse_square_root_is_the_papers_formula():
    width, warmup = 512, 4000
    schedule = InverseSquareRoot((width * warmup) ** -0.5, warmup)
    for step in (1, 100, 4000, 100_000):
        expected = width**-0.5 * min(step**-0.5, step * warmup**-1.5)
        # Ours counts from 0.
        np.testing.assert_allclose(schedule(step - 1), expected, rtol=1e-5)


def test_step_by_hand():
    # The step on a boundary still has the rate before it, as in Keras.
    steps = [0, 3, 4, 7, 8, 1000]
    assert _rates(Step(0.8, [3, 7]), steps) == pytest.approx([0.8, 0.8, 0.08, 0.08, 0.008, 0.008])
    assert _rates(Step(0.8, [3, 7], factor=0.5), steps) == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2])


@pytest.mark.parametrize("decay", [1.0, 0.5])
def test_cyclical_agrees_with_the_papers_formula(decay):
    lowest, highest, stepsize = 0.001, 0.006, 5
    steps = np.arange(33)
    cycle = np.floor(1 + steps / (2 * stepsize))
    x = np.abs(steps / stepsize - 2 * cycle + 1)
    expected = lowest + (highest - lowest) * np.maximum(0, 1 - x) * decay ** (cycle - 1)
    assert _rates(Cyclical(lowest, highest, stepsize, decay), steps) == pytest.approx(expected, rel=1e-4)


def test_one_cycle_agrees_with_its_description():
    schedule = OneCycle(2.0, 100, warmup_fraction=0.2, start_factor=0.1, final_factor=0.01)
    steps = np.arange(0, 140, 15)
    climb = 0.2 + 1.8 * steps / 20
    part = np.clip((steps - 20) / 80, 0, 1)
    fall = 0.02 + 1.98 * (1 + np.cos(np.pi * part)) / 2
    assert _rates(schedule, steps) == pytest.approx(np.where(steps < 20, climb, fall), rel=1e-4)
    # By hand: the start, half the climb, the peak, half the fall, the end and after it.
    assert _rates(schedule, [0, 10, 20, 60, 100, 139]) == pytest.approx([0.2, 1.1, 2.0, 1.01, 0.02, 0.02], rel=1e-4)


def test_one_cycle_of_few_steps():
    assert _rates(OneCycle(0.5, 1), [0, 1]) == pytest.approx([0.5, 0.0005])
    assert _rates(OneCycle(0.5, 4, warmup_fraction=0.25), [0, 1, 4]) == pytest.approx([0.02, 0.5, 0.0005])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: WarmUp(0.1, 0), "`steps` must be above 0. Received: steps=0"),
        (lambda: WarmUp(-0.1, 5), "`schedule` must be above 0. Received: schedule=-0.1"),
        (lambda: WarmUp(0.1, 5, start_factor=2), "`start_factor` must be in [0, 1]. Received: start_factor=2"),
        (lambda: Step(0, [5]), "`initial_learning_rate` must be above 0. Received: initial_learning_rate=0"),
        (
            lambda: Step(0.1, [5, 5]),
            "`boundaries` must be ascending steps above 0, at least one. Received: boundaries=[5, 5]",
        ),
        (lambda: Step(0.1, []), "`boundaries` must be ascending steps above 0, at least one. Received: boundaries=[]"),
        (
            lambda: Cyclical(0.5, 0.1, 4),
            "`minimum` must be at least 0 and below `maximum`. Received: minimum=0.5, maximum=0.1",
        ),
        (lambda: Cyclical(0.1, 0.5, 0), "`half_cycle` must be above 0. Received: half_cycle=0"),
        (lambda: Cyclical(0.1, 0.5, 4, decay=1.5), "`decay` must be in (0, 1]. Received: decay=1.5"),
        (lambda: OneCycle(0, 10), "`peak` must be above 0. Received: peak=0"),
        (lambda: OneCycle(0.1, 0), "`total_steps` must be above 0. Received: total_steps=0"),
        (
            lambda: OneCycle(0.1, 10, warmup_fraction=1),
            "`warmup_fraction` must be in [0, 1). Received: warmup_fraction=1",
        ),
        (lambda: OneCycle(0.1, 10, final_factor=-1), "`final_factor` must be in [0, 1]. Received: final_factor=-1"),
    ],
)
def test_refuses(build, message):
    with pytest.raises(ValueError) as error:
        build()
    assert str(error.value) == message
