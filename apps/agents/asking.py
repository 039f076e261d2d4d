"""Asks an agent what to do."""

import dataclasses

import numpy as np

ENDPOINT = "act"


@dataclasses.dataclass(frozen=True)
class Choice:
    """What an agent does, and why: the number of its action, and what each is worth or how likely, `(actions,)`."""

    action: int
    values: np.ndarray


def ask(predict, preset, observation):
    """Asks an agent for its action.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        observation: As the environment gives it: a state, a tuple of them, or a vector.

    Returns:
        A `Choice`.

    Raises:
        PredictError: There was no answer.
    """
    answer = predict({"observations": [plain(observation)]}, endpoint=ENDPOINT, preset=preset)
    return Choice(int(answer["action"][0]), np.asarray(answer["values"][0]))


def plain(observation):
    """Returns an observation as a number or a list, as JSON has them."""
    return np.asarray(observation).tolist()
