import numpy as np
import pytest

from dlkeras.training.reinforce.advantages import advantages_of


def slowly(rewards, values, after, terminated, truncated, discount, decay):
    """The sum of decayed errors as the paper writes it, for one environment."""
    result = []
    for begin in range(len(rewards)):
        total = 0.0
        for ahead, step in enumerate(range(begin, len(rewards))):
            future = 0.0 if terminated[step] else discount * after[step]
            total += (discount * decay) ** ahead * (rewards[step] + future - values[step])
            if terminated[step] or truncated[step]:
                break
        result.append(total)
    return result


@pytest.mark.parametrize("decay", [0.0, 0.8, 1.0])
def test_agree_with_plain_loops(decay):
    rng = np.random.default_rng(0)
    rewards, values, after = rng.normal(size=(3, 9, 4))
    terminated = rng.random((9, 4)) < 0.2
    truncated = (rng.random((9, 4)) < 0.2) & ~terminated
    given = advantages_of(rewards, values, after, terminated, truncated, discount=0.9, decay=decay)
    for which in range(4):
        columns = (part[:, which] for part in (rewards, values, after, terminated, truncated))
        np.testing.assert_allclose(given[:, which], slowly(*columns, 0.9, decay), rtol=1e-5, atol=1e-6)


def test_a_time_limit_is_no_end():
    one = np.ones((1, 1))
    arguments = {"discount": 0.5, "decay": 0.9}
    yes, no = np.array([[True]]), np.array([[False]])
    # A reward of 1 where 3 was expected; after it 10 are expected, if there is an after.
    assert advantages_of(one, 3 * one, 10 * one, no, yes, **arguments).item() == 1 + 0.5 * 10 - 3
    assert advantages_of(one, 3 * one, 10 * one, yes, no, **arguments).item() == 1 - 3
