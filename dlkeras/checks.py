"""The checks of arguments that layers, models, losses and schedules share: each says what is accepted and what came."""


def check_num_classes(num_classes):
    """Refuses a number of classes below 1."""
    if num_classes < 1:
        raise ValueError(f"`num_classes` must be at least 1. Received: num_classes={num_classes}")


def check_choice(name, value, choices):
    """Refuses a value that is not among the choices."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(map(str, choices))}. Received: {name}={value!r}")


def check_positive(name, value):
    """Refuses a number that is not above 0."""
    if not value > 0:
        raise ValueError(f"`{name}` must be above 0. Received: {name}={value}")


def check_rate(name, value):
    """Refuses a dropout rate, or the like, outside of [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={value}")


def check_least_size(input_shape, least):
    """Refuses pictures that are smaller than `least` in height or width."""
    if min(input_shape[:2]) < least:
        raise ValueError(
            f"`input_shape` must be at least {least} x {least}. Received: input_shape={tuple(input_shape)}"
        )


def check_fraction(name, value):
    """Refuses a number outside of [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"`{name}` must be in [0, 1]. Received: {name}={value}")
