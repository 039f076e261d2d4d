"""What all that learns by playing shares: a count of steps, and a state that can be kept."""

import json

import numpy as np

from dlkeras.checks import check_fraction, check_positive


class Learner:
    """Plays an environment and learns from it; what learns a policy derives from it.

    Args:
        env: Name in Gymnasium's registry.
        model: `keras.Model` that `act` acts by.
        seed: Of everything drawn by chance.

    Attributes:
        env: The environment's name.
        model: The model.
        steps: Steps of play so far, those of all environments together.
    """

    def __init__(self, env, model, seed):
        self.env, self.model, self.steps = env, model, 0
        self._seed = seed
        self._rng = np.random.default_rng(seed)

    def advance(self, until):
        """Plays and learns until `steps` is at least `until`."""
        raise NotImplementedError

    def act(self, observations):
        """Returns the best action of each observation, int `(batch,)`; nothing is drawn by chance."""
        raise NotImplementedError

    def close(self):
        """Closes the environments."""

    def _episode_seed(self):
        """Returns a seed for the episodes that begin at this step, another one after every taking up."""
        return int(np.random.default_rng((self._seed, self.steps)).integers(2**30))

    def arrays(self):
        """Returns all that `restore` needs, arrays by name. Episodes under way are not kept: new ones begin."""
        return {
            **{f"weight{index}": value for index, value in enumerate(self.model.get_weights())},
            "steps": np.array(self.steps),
            "generator": np.array(json.dumps(self._rng.bit_generator.state)),
        }

    def restore(self, arrays):
        """Takes up what `arrays` gave, of a learner that was made with the same arguments."""
        self.model.set_weights([arrays[f"weight{index}"] for index in range(len(self.model.weights))])
        self.steps = int(arrays["steps"])
        self._rng.bit_generator.state = json.loads(str(arrays["generator"]))


class Linear:
    """A number that goes from one value to another in a straight line, and then stays.

    Args:
        first: At step 0.
        last: At step `steps` and after.
        steps: Steps it takes.
    """

    def __init__(self, first, last, steps):
        self._first, self._last, self._steps = first, last, steps

    def __call__(self, step):
        return self._first + (self._last - self._first) * min(step / self._steps, 1.0)


def exploration(epsilon, final_epsilon, steps):
    """Returns the chance of a random action as a `Linear`.

    Raises:
        ValueError: A chance is not in [0, 1], or `steps` not above 0.
    """
    check_fraction("epsilon", epsilon)
    check_fraction("final_epsilon", final_epsilon)
    check_positive("exploration_steps", steps)
    return Linear(epsilon, final_epsilon, steps)
