import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error

from dlkeras.metrics.rating import mae, rmse


def test_agrees_with_scikit_learn():
    random = np.random.default_rng(0)
    truth, predictions = random.integers(1, 6, 100), random.uniform(1, 5, 100)
    assert rmse(truth, predictions) == pytest.approx(mean_squared_error(truth, predictions) ** 0.5, rel=1e-12)
    assert mae(truth, predictions) == pytest.approx(mean_absolute_error(truth, predictions), rel=1e-12)


@pytest.mark.parametrize("metric", [rmse, mae])
def test_refuses(metric):
    with pytest.raises(ValueError, match=r"truth.shape=\(2,\), predictions.shape=\(2, 1\)"):
        metric([1, 2], [[1], [2]])
    with pytest.raises(ValueError, match="with a rating at least"):
        metric([], [])
    with pytest.raises(ValueError, match=r"must be finite. Received: 2.0 and nan in row 1"):
        metric([1, 2], [1, np.nan])
