"""Learning-rate schedules that Keras lacks: `WarmUp`, `InverseSquareRoot`, `Step`, `Cyclical`, `OneCycle`.

A schedule maps the optimiser's step (one batch, counted from 0) to a learning rate. Exponential decay, cosine decay
with and without restarts, polynomial and inverse-time decay are in `keras.optimizers.schedules`: take them from there,
and wrap them in `WarmUp` where they need one.
"""

import keras
from keras import ops
from keras.optimizers import schedules

from dlkeras.checks import check_fraction, check_positive, check_rate


@keras.saving.register_keras_serializable(package="dlkeras")
class WarmUp(schedules.LearningRateSchedule):
    """Raises the learning rate linearly over the first steps, then follows another schedule from its step 0.

    Args:
        schedule: what follows the warm-up: a `LearningRateSchedule`, or a float for a constant rate.
        steps: length of the warm-up in optimiser steps, at least 1.
        start_factor: the rate at step 0 as a part of the schedule's own first rate, in [0, 1].

    Raises:
        ValueError: an argument is out of its range.

    Source: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.2.
    """

    def __init__(self, schedule, steps, start_factor=0.0):
        if not isinstance(schedule, schedules.LearningRateSchedule):
            check_positive("schedule", schedule)
        check_positive("steps", steps)
        check_fraction("start_factor", start_factor)
        self.schedule = schedule
        self.steps = steps
        self.start_factor = start_factor

    def __call__(self, step):
        step = ops.cast(step, "float32")
        after = ops.maximum(step - self.steps, 0.0)
        rate = self.schedule(after) if callable(self.schedule) else self.schedule
        ramp = self.start_factor + (1.0 - self.start_factor) * step / self.steps
        return rate * ops.minimum(ramp, 1.0)

    def get_config(self):
        schedule = self.schedule
        if callable(schedule):
            schedule = schedules.serialize(schedule)
        return {"schedule": schedule, "steps": self.steps, "start_factor": self.start_factor}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if isinstance(config["schedule"], dict):
            config["schedule"] = schedules.deserialize(config["schedule"])
        return cls(**config)


@keras.saving.register_keras_serializable(package="dlkeras")
class InverseSquareRoot(schedules.LearningRateSchedule):
    """Climbs linearly to a peak, then falls with the inverse square root of the step.

    Args:
        peak: the highest rate, above 0; width^-0.5 times steps^-0.5 in the paper.
        steps: length of the climb in optimiser steps, at least 1.

    Raises:
        ValueError: an argument is out of its range.

    Source: Vaswani et al. 2017, "Attention Is All You Need", section 5.3.
    """

    def __init__(self, peak, steps):
        check_positive("peak", peak)
        check_positive("steps", steps)
        self.peak = peak
        self.steps = steps

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1.0
        return self.peak * ops.minimum(step / self.steps, ops.sqrt(self.steps / step))

    def get_config(self):
        return {"peak": self.peak, "steps": self.steps}


@keras.saving.register_keras_serializable(package="dlkeras")
class Step(schedules.PiecewiseConstantDecay):
    """Multiplies the learning rate by one factor at each of several steps: `Step(0.1, [32_000, 48_000])`.

    As in Keras' own `PiecewiseConstantDecay`, the step on a boundary still has the rate before it.
    For "every n steps" without end take `keras.optimizers.schedules.ExponentialDecay(..., staircase=True)`.

    Args:
        initial_learning_rate: the rate up to the first boundary, above 0.
        boundaries: ascending steps after which the rate is multiplied once more.
        factor: what it is multiplied by, above 0.

    Raises:
        ValueError: an argument is out of its range.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2.
    """

    def __init__(self, initial_learning_rate, boundaries, factor=0.1):
        check_positive("initial_learning_rate", initial_learning_rate)
        check_positive("factor", factor)
        boundaries = [int(boundary) for boundary in boundaries]
        if not boundaries or boundaries[0] <= 0 or boundaries != sorted(set(boundaries)):
            raise ValueError(
                f"`boundaries` must be ascending steps above 0, at least one. Received: boundaries={boundaries}"
            )
        rates = [initial_learning_rate * factor**index for index in range(len(boundaries) + 1)]
        super().__init__(boundaries, rates, name="Step")
        self.initial_learning_rate = initial_learning_rate
        self.factor = factor

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "boundaries": self.boundaries,
            "factor": self.factor,
        }


@keras.saving.register_keras_serializable(package="dlkeras")
class Cyclical(schedules.LearningRateSchedule):
    """Lets the learning rate climb from a minimum to a maximum and back, again and again, along straight lines.

    Args:
        minimum: the lowest rate, at least 0.
        maximum: the highest rate of the first cycle, above `minimum`.
        half_cycle: steps from the lowest to the highest rate (the paper's "stepsize", 2 to 10 epochs' worth).
        decay: what the height of the triangle is multiplied by after every whole cycle, in (0, 1]:
            1 is the paper's policy "triangular", 0.5 its "triangular2".

    Raises:
        ValueError: an argument is out of its range.

    Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.
    """

    def __init__(self, minimum, maximum, half_cycle, decay=1.0):
        if not 0 <= minimum < maximum:
            raise ValueError(
                f"`minimum` must be at least 0 and below `maximum`. Received: minimum={minimum}, maximum={maximum}"
            )
        check_positive("half_cycle", half_cycle)
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` must be in (0, 1]. Received: decay={decay}")
        self.minimum = minimum
        self.maximum = maximum
        self.half_cycle = half_cycle
        self.decay = decay

    def __call__(self, step):
        position = ops.cast(step, "float32") / self.half_cycle  # in half cycles
        cycle = ops.floor(position / 2.0)
        height = 1.0 - ops.abs(position - 2.0 * cycle - 1.0)  # 0 at both ends of a cycle, 1 in its middle
        return self.minimum + (self.maximum - self.minimum) * height * ops.power(self.decay, cycle)

    def get_config(self):
        return {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "half_cycle": self.half_cycle,
            "decay": self.decay,
        }


@keras.saving.register_keras_serializable(package="dlkeras")
class OneCycle(schedules.CosineDecay):
    """Climbs linearly to a peak learning rate once, then falls along a cosine to almost nothing.

    This is `keras.optimizers.schedules.CosineDecay` told in the terms of one training run. The momentum,
    which the paper lets fall and rise against the learning rate, is left to the optimiser and stays constant.

    Args:
        peak: the highest rate, above 0.
        total_steps: steps of the whole run (batches per epoch times epochs), at least 1; the rate stays put after them.
        warmup_fraction: the part of the steps that climbs, in [0, 1).
        start_factor: the rate at step 0 as a part of `peak`, in [0, 1].
        final_factor: the rate at `total_steps` as a part of `peak`, in [0, 1].

    Raises:
        ValueError: an argument is out of its range.

    Source: Smith & Topin 2019, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates".
    """

    def __init__(self, peak, total_steps, warmup_fraction=0.3, start_factor=1 / 25, final_factor=1e-3):
        check_positive("peak", peak)
        check_positive("total_steps", total_steps)
        check_rate("warmup_fraction", warmup_fraction)
        check_fraction("start_factor", start_factor)
        check_fraction("final_factor", final_factor)
        # Rounded down, so that at least one step is left to the fall.
        warmup_steps = int(total_steps * warmup_fraction)
        super().__init__(
            initial_learning_rate=peak * start_factor if warmup_steps else peak,
            decay_steps=total_steps - warmup_steps,
            alpha=final_factor,
            name="OneCycle",
            warmup_target=peak if warmup_steps else None,
            warmup_steps=warmup_steps,
        )
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_fraction = warmup_fraction
        self.start_factor = start_factor
        self.final_factor = final_factor

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_fraction": self.warmup_fraction,
            "start_factor": self.start_factor,
            "final_factor": self.final_factor,
        }
