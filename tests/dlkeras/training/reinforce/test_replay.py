import numpy as np
import pytest

from dlkeras.training.reinforce.n_step import NStep
from dlkeras.training.reinforce.replay import Replay, Steps, SumTree


def steps(*numbers):
    numbers = np.array(numbers, "float32")
    return Steps(numbers[:, None], numbers.astype("int32"), numbers, numbers[:, None] + 1, numbers / 10)


def test_the_oldest_give_way():
    replay = Replay(4, 1)
    replay.add(steps(1, 2, 3))
    assert len(replay) == 3
    replay.add(steps(4, 5))
    assert len(replay) == 4
    rows, drawn, weights = replay.sample(np.random.default_rng(0), (3, 100))
    assert set(drawn.actions.ravel()) == {2, 3, 4, 5}
    assert drawn.observations.shape == drawn.after.shape == (3, 100, 1)
    np.testing.assert_array_equal(drawn.after[..., 0], drawn.actions + 1)
    np.testing.assert_array_equal(weights, np.ones((3, 100)))
    np.testing.assert_array_equal(drawn.returns, np.array([5, 2, 3, 4])[rows])


def test_a_sum_tree_draws_in_proportion():
    tree = SumTree(5)
    tree.set(np.arange(5), np.array([1.0, 0.0, 3.0, 2.0, 2.0]))
    tree.set(np.array([4, 4]), np.array([1.0, 4.0]))
    drawn, chances = tree.sample(np.random.default_rng(0), (20_000,))
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 20_000, [0.1, 0, 0.3, 0.2, 0.4], atol=0.015)
    np.testing.assert_allclose(chances, np.array([0.1, 0, 0.3, 0.2, 0.4])[drawn])


def test_priorities_are_errors_to_a_power_and_weights_undo_them():
    replay = Replay(8, 1, priority=0.5)
    replay.add(steps(0, 1, 2))
    replay.learned(np.array([0, 1, 2]), np.array([1.0, -4.0, 25.0]))
    rng = np.random.default_rng(0)
    rows, _, weights = replay.sample(rng, (20_000,))
    np.testing.assert_allclose(np.bincount(rows) / 20_000, [1 / 8, 2 / 8, 5 / 8], atol=0.015)
    np.testing.assert_allclose(weights, np.array([1, 1 / 2, 1 / 5])[rows], atol=1e-3)
    # As much as it is drawn too often, it counts too little.
    np.testing.assert_allclose(np.bincount(rows, weights), np.full(3, 20_000 / 8), rtol=0.1)
    # A new step counts as much as the worst of all.
    replay.add(steps(3))
    rows, _, _ = replay.sample(rng, (20_000,), correction=0.0)
    np.testing.assert_allclose(np.bincount(rows)[2:] / 20_000, [5 / 13, 5 / 13], atol=0.015)


@pytest.mark.parametrize("priority", [0.0, 0.5])
def test_is_taken_up_as_it_was(priority):
    before, after = Replay(4, 1, priority), Replay(4, 1, priority)
    before.add(steps(1, 2, 3, 4, 5))
    before.learned(np.array([0, 2]), np.array([3.0, 5.0]))
    after.restore(before.arrays())
    for replay in (before, after):
        replay.add(steps(6))
    drawn = [replay.sample(np.random.default_rng(0), (50,)) for replay in (before, after)]
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
    np.testing.assert_array_equal(drawn[0][1].returns, drawn[1][1].returns)


def slowly(n, discount, episode, terminated):
    """Steps of up to n of one episode `[(observation, action, reward)...]`, and what was seen last, as plain loops."""
    *played, last = episode
    result = []
    for begin, (observation, action, _) in enumerate(played):
        rewards = [reward for _, _, reward in played[begin : begin + n]]
        reached = begin + len(rewards)
        over = reached == len(played)
        after = last if over else played[reached][0]
        value = 0.0 if over and terminated else discount ** len(rewards)
        result.append((observation, action, sum(discount**k * r for k, r in enumerate(rewards)), after, value))
    return sorted(result)


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("terminated", [True, False])
def test_n_steps_agree_with_plain_loops(n, terminated):
    rng = np.random.default_rng(0)
    # Two environments, whose episodes are of 5 + 2 and of 3 + 4 steps.
    ends, numbers = np.zeros((7, 2), bool), np.arange(7.0)
    ends[[4, 6], 0] = ends[[2, 6], 1] = True
    seen = np.stack([numbers, 100 + numbers], axis=1)
    after = np.where(ends, seen + 0.5, seen + 1)
    actions, rewards = rng.integers(3, size=(7, 2)), rng.normal(size=(7, 2))
    transform = NStep(n, 0.9, 2, 1)
    given = []
    for t in range(7):
        out = transform.add(
            seen[t][:, None],
            actions[t],
            rewards[t],
            after[t][:, None],
            ends[t] & terminated,
            ends[t] & (not terminated),
        )
        given += list(zip(*(np.ravel(part).tolist() for part in out), strict=True))
    expected = []
    for which, episodes in enumerate([[(0, 5), (5, 7)], [(0, 3), (3, 7)]]):
        for begin, end in episodes:
            episode = [(seen[t, which], actions[t, which], rewards[t, which]) for t in range(begin, end)]
            expected += slowly(n, 0.9, [*episode, after[end - 1, which]], terminated)
    np.testing.assert_allclose(sorted(given), sorted(expected), rtol=1e-5)


def test_refuses():
    with pytest.raises(ValueError, match=r"`buffer_size` must be above 0. Received: buffer_size=0"):
        Replay(0, 1)
    with pytest.raises(ValueError, match=r"`priority` must be in \[0, 1\]. Received: priority=2"):
        Replay(4, 1, priority=2)
    with pytest.raises(ValueError, match=r"`n_steps` must be above 0. Received: n_steps=0"):
        NStep(0, 0.9, 1, 1)
