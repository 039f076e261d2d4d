import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from dlkeras.layers.pca_color import PCAColor
from dlkeras.training.randomness import seed_epoch

GIVEN = {"eigenvalues": [0.5, 0.2, 0.1], "eigenvectors": np.linalg.qr(np.vander([1.0, 2, 3]))[0].tolist()}


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_harness(harness):
    inputs = np.random.uniform(-1, 1, (2, 5, 6, 3)).astype("float32")
    harness(PCAColor, {"value_range": (-1, 1), "seed": 3, **GIVEN}, inputs=inputs, output_shape=(2, 5, 6, 3))


def test_shifts_have_the_given_covariance():
    layer = PCAColor(stddev=0.2, value_range=(-1, 1), seed=0, **GIVEN)
    pictures = np.random.uniform(-1, 1, (20_000, 1, 2, 3)).astype("float32")
    shifts = array(layer(pictures, training=True)) - pictures
    np.testing.assert_allclose(shifts[:, 0, 0], shifts[:, 0, 1], atol=1e-6)  # one a picture, the same everywhere
    vectors = np.array(GIVEN["eigenvectors"])
    deviations = 2 * 0.2 * np.array(GIVEN["eigenvalues"])  # the range is 2 wide
    expected = vectors @ np.diag(deviations**2) @ vectors.T
    np.testing.assert_allclose(np.cov(shifts[:, 0, 0].T), expected, atol=0.03 * expected.max())
    np.testing.assert_allclose(shifts.mean((0, 1, 2)), 0, atol=0.005)
    np.testing.assert_array_equal(array(layer(pictures[:5], training=False)), pictures[:5])


def test_adapt_agrees_with_scikit_learn(tmp_path):
    mixing = np.array([[60, 0, 0], [30, 20, 0], [10, 5, 8]])
    pictures = np.clip(np.random.normal(size=(300, 2, 3, 3)) @ mixing + 128, 0, 255).astype("uint8")
    layer = PCAColor()
    assert not np.any(array(layer.components))
    layer.adapt(pictures)
    reference = PCA().fit(pictures.reshape(-1, 3) / 255)
    expected = reference.components_.T * reference.explained_variance_
    ours = array(layer.components)[:, ::-1]  # ours rise, scikit-learn's fall; the signs are anybody's
    np.testing.assert_allclose(ours * np.sign(ours[0]), expected * np.sign(expected[0]), rtol=2e-3, atol=1e-6)

    model = keras.Sequential([keras.Input((None, None, 3), dtype="uint8"), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(loaded.layers[0].components), array(layer.components))


def test_draws_follow_the_epochs_seed():
    model = keras.Sequential([keras.Input((2, 2, 3)), PCAColor(**GIVEN)])
    pictures = np.zeros((4, 2, 2, 3), "float32")

    def draw(epoch):
        seed_epoch(model, 0, epoch)
        return array(model(pictures, training=True))

    np.testing.assert_array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stddev": 0}, "`stddev` must be above 0. Received: stddev=0"),
        ({"value_range": (1, 0)}, "`value_range` must be (low, high). Received: value_range=(1, 0)"),
        (
            {"eigenvalues": [1, 2, 3]},
            "`eigenvalues` and `eigenvectors` must be given together. "
            "Received: eigenvalues=[1, 2, 3], eigenvectors=None",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        PCAColor(**arguments)
    assert str(error.value) == message
