import keras
import numpy as np
import pytest

from dlkeras.losses import BPRLoss, KnownRatingsLoss, MultinomialLoss, RankingHingeLoss, SampledSoftmaxLoss

PLACES = np.zeros(2, "int32")
# The seen item leads by 1 and by -2, and by 0 and by 3.
SCORES = np.array([[2.0, 1.0, 4.0], [0.5, 0.5, -2.5]], "float32")
LEADS = SCORES[:, :1] - SCORES[:, 1:]


def test_bpr_by_hand():
    np.testing.assert_allclose(BPRLoss()(PLACES, SCORES), np.log(1 + np.exp(-LEADS)).mean(), rtol=1e-6)
    assert float(BPRLoss()(PLACES, 1e4 * SCORES)) == pytest.approx(5000, rel=1e-4)  # without an overflow


def test_hinge_by_hand():
    assert float(RankingHingeLoss()(PLACES, SCORES)) == pytest.approx((0 + 3 + 1 + 0) / 4)
    assert float(RankingHingeLoss(2)(PLACES, SCORES)) == pytest.approx((1 + 4 + 2 + 0) / 4)


def test_softmax_among_the_candidates_is_that_of_keras():
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(PLACES, SCORES)
    np.testing.assert_allclose(SampledSoftmaxLoss()(PLACES, SCORES), expected, rtol=1e-6)


def test_softmax_estimates_that_of_all_items():
    every = np.random.default_rng(0).normal(size=(1, 6)).astype("float32")
    full = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(PLACES[:1], every)
    np.testing.assert_allclose(SampledSoftmaxLoss(6)(PLACES[:1], every), full, rtol=1e-6)
    # Each single draw stands for all five: their mean inside the logarithm is the sum over all.
    singles = [float(SampledSoftmaxLoss(6)(PLACES[:1], every[:, [0, other]])) for other in range(1, 6)]
    assert np.log(np.mean(np.exp(singles))) == pytest.approx(float(full), rel=1e-5)


def test_only_known_ratings_count():
    y = np.array([[5, 0, 3], [0, 0, 1]], "float32")
    rated = np.array([[4, 9, 3.5], [9, 9, 3]], "float32")
    loss = KnownRatingsLoss()
    assert float(loss(y, rated)) == pytest.approx((1 + 0.25 + 4) / 3)
    assert float(loss(np.zeros_like(y), rated)) == 0.0


def test_multinomial_by_hand():
    logs = SCORES - np.log(np.exp(SCORES).sum(axis=-1, keepdims=True))
    seen = np.array([[1, 1, 0], [0, 2, 0]], "float32")
    expected = -(logs[0, 0] + logs[0, 1] + 2 * logs[1, 1]) / 2
    np.testing.assert_allclose(MultinomialLoss()(seen, SCORES), expected, rtol=1e-6)


def test_multinomial_pulls_towards_the_share_of_each_item():
    # Logits that a bias alone gives: training it by all counts must end at the log of the shares.
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.02), MultinomialLoss())
    seen = np.array([[3, 2, 1]], "float32")
    model.fit(np.zeros((400, 1)), np.repeat(seen, 400, axis=0), batch_size=1, verbose=0)
    shares = keras.ops.convert_to_numpy(keras.ops.softmax(model(np.zeros((1, 1)))))
    np.testing.assert_allclose(shares, seen / 6, atol=1e-3)


@pytest.mark.parametrize(
    "loss", [BPRLoss(), RankingHingeLoss(0.5), SampledSoftmaxLoss(7), KnownRatingsLoss(), MultinomialLoss()]
)
def test_configs(loss):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()


def test_refusals():
    with pytest.raises(ValueError, match=r"`margin` must be above 0. Received: margin=0"):
        RankingHingeLoss(0)
    with pytest.raises(ValueError, match=r"`num_items` must be at least 2, or None. Received: num_items=1"):
        SampledSoftmaxLoss(1)
