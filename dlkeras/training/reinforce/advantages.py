"""How much better an action was than expected (Schulman et al. 2016, "High-dimensional continuous control using
generalized advantage estimation")."""

import numpy as np


def advantages_of(rewards, values, after, terminated, truncated, *, discount, decay):
    """Returns generalized advantages, float32 `(steps, environments)`.

    Args:
        rewards: Of each step, `(steps, environments)`.
        values: What the critic gives for the observation before each step, `(steps, environments)`.
        after: What it gives for the one after, that of the same episode, `(steps, environments)`.
        terminated: Whether the episode ended by itself; then nothing comes after, `(steps, environments)`.
        truncated: Whether a time limit ended it; then `after` stands for what would have come.
        discount: Of the next reward.
        decay: Of errors that lie further ahead, lambda: 0 to trust the critic, 1 to trust the rewards.
    """
    errors = rewards + discount * after * ~terminated - values
    onward = discount * decay * ~(terminated | truncated)
    advantages, last = np.zeros(errors.shape, "float32"), 0.0
    for step in range(len(errors) - 1, -1, -1):
        last = errors[step] + onward[step] * last
        advantages[step] = last
    return advantages
