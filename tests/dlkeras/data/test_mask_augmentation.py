import numpy as np
import pytest

from dlkeras.data.mask_augmentation import MaskAugmentation

NONE = {"flip": 0, "photometric": 0, "crop": 0}


def batch(size=12, height=48, width=64):
    """Squares in a colour of their own, class 1, on the colour of class 0, so that a picture tells its mask."""
    random = np.random.default_rng(0)
    masks = np.zeros((size, height, width), "uint8")
    for mask, (top, left) in zip(masks, random.integers(4, 24, (size, 2)), strict=True):
        mask[top : top + 16, left : left + 20] = 1
    return np.where(masks[..., None] == 1, np.uint8([250, 20, 20]), np.uint8([20, 20, 250])), masks


def change(seed=0, **arguments):
    return MaskAugmentation(**{**NONE, **arguments})(*batch(), np.random.default_rng(seed))


@pytest.mark.parametrize("rotation", [0, 30])
@pytest.mark.parametrize("zoom", [(0.5, 0.8), (1, 1), (1.2, 2.5)])
def test_masks_move_with_their_pictures(zoom, rotation):
    pictures, masks = change(flip=0.5, crop=1, zoom=zoom, rotation=rotation)
    assert pictures.dtype == masks.dtype == "uint8" and pictures.shape[:3] == masks.shape == (12, 48, 64)
    assert not np.array_equal(masks, batch()[1])
    pure = (pictures == [250, 20, 20]).all(-1), (pictures == [20, 20, 250]).all(-1)
    assert (masks[pure[0]] == 1).all() and (masks[pure[1]] == 0).all()
    # But where colours meet, and they do so on lines, every pixel is pure or from outside.
    assert (pure[0] | pure[1] | (masks == 255)).mean() > 0.85
    assert pure[0].any((1, 2)).sum() >= 10 and set(np.unique(masks)) <= {0, 1, 255}
    outside = (masks == 255).any((1, 2))
    assert outside.all() if zoom[1] < 1 or (rotation and zoom[1] == 1) else rotation or not outside.any()


def test_outside_is_the_mean_colour_and_the_ignored_label():
    _, masks = batch()
    moved, labels = change(crop=1, zoom=(0.5, 0.5))
    _, other = change(crop=1, zoom=(0.5, 0.5), photometric=0)
    for picture, before, label in zip(moved, masks, labels, strict=True):
        share = before.mean()
        mean = share * np.array([250, 20, 20]) + (1 - share) * np.array([20, 20, 250])
        np.testing.assert_allclose(picture[label == 255], np.broadcast_to(mean, picture[label == 255].shape), atol=1)
        assert (label != 255).mean() == pytest.approx(0.25, abs=0.03)  # all of the picture is seen, at half its sides
        assert (label == 1).sum() == pytest.approx((before == 1).sum() / 4, rel=0.3)
    np.testing.assert_array_equal(labels, other)
    assert 7 in change(crop=1, zoom=(0.5, 0.5), ignore_class=7)[1]


def test_places_are_drawn_from_all_that_there_are():
    x, y = np.zeros((1000, 16, 16, 3), "uint8"), np.arange(256, dtype="uint8").reshape(1, 16, 16).repeat(1000, 0)
    seen = MaskAugmentation(**{**NONE, "crop": 1}, zoom=(4, 4), ignore_class=0)(x, y, np.random.default_rng(0))[1]
    assert set(np.unique(seen)) == set(range(256))


def test_flip_and_colours():
    x, y = batch()
    pictures, masks = change(flip=1)
    np.testing.assert_array_equal(pictures, x[:, :, ::-1])
    np.testing.assert_array_equal(masks, y[:, :, ::-1])
    pictures, masks = change(photometric=1)
    np.testing.assert_array_equal(masks, y)
    assert sum(not np.array_equal(*pair) for pair in zip(pictures, x, strict=True)) > 6


def test_a_batch_depends_on_the_generator_alone():
    x, y = batch()
    before = x.copy(), y.copy()
    augment = MaskAugmentation(rotation=10)
    once, again, other = (augment(x, y, np.random.default_rng(seed)) for seed in (0, 0, 1))
    for number in (0, 1):
        np.testing.assert_array_equal(once[number], again[number])
        assert not np.array_equal(once[number], other[number])
        np.testing.assert_array_equal((x, y)[number], before[number])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"flip": 1.5}, r"`flip` must be in \[0, 1\]. Received: flip=1.5"),
        ({"photometric": -1}, r"`photometric` must be in \[0, 1\]. Received: photometric=-1"),
        ({"crop": 2}, r"`crop` must be in \[0, 1\]. Received: crop=2"),
        ({"zoom": (0, 1)}, r"`zoom` must be \(least, largest\), above 0. Received: zoom=\(0, 1\)"),
        ({"zoom": (2, 1)}, r"Received: zoom=\(2, 1\)"),
        ({"rotation": 181}, r"`rotation` must be in \[0, 180\]. Received: rotation=181"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskAugmentation(**arguments)


def test_refuses_arrays():
    x, y = batch()
    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"`x` must be uint8 .*Received: float32 of shape \(12, 48, 64, 3\)"):
        MaskAugmentation()(x.astype("float32"), y, random)
    with pytest.raises(ValueError, match=r"`y` must be uint8 \(12, 48, 64\). Received: uint8 of shape \(12, 48, 63\)"):
        MaskAugmentation()(x, y[..., 1:], random)
