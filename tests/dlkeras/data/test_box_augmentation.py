import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dlkeras.data.box_augmentation import (
    BoxAugmentation,
    flip,
    mosaic,
    photometric,
    resize,
    ssd_crop,
    zoom_out,
)

NO_BOX = [-1, 0, 0, 0, 0]


def example(seed, height=60, width=90, objects=1):
    """Bright rectangles, at most 0.4 of a side, on dark; a row without a box comes first."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 20, "uint8")
    targets = np.tile(np.array(NO_BOX, "float32"), (objects + 2, 1))
    for number in range(objects):
        sides = rng.integers([9, 9], [0.4 * width, 0.4 * height])
        left, top = rng.integers(0, np.array([width, height]) - sides + 1)
        right, bottom = left + sides[0], top + sides[1]
        picture[top:bottom, left:right] = 235
        targets[number + 1] = number, left / width, top / height, right / width, bottom / height
    return picture, targets


def check(targets):
    filled = targets[:, 0] >= 0
    assert targets.dtype == "float32"
    assert (targets[~filled] == NO_BOX).all()
    boxes = targets[filled, 1:]
    assert (boxes >= 0).all() and (boxes <= 1).all() and (boxes[:, :2] < boxes[:, 2:]).all()
    return targets[filled]


def check_bounds(picture, targets, atol):
    """The box bounds the bright pixels; there is one object."""
    ((_, *box),) = check(targets)
    bright = picture[..., 0] > 127
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    height, width = bright.shape
    expected = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(np.multiply(box, [width, height, width, height]), expected, atol=atol)


def test_flip():
    picture, targets = example(0)
    mirrored = flip(picture, targets)
    check_bounds(*mirrored, atol=1e-3)
    assert mirrored[1][1, 1] == pytest.approx(1 - targets[1, 3])
    again = flip(*mirrored)
    np.testing.assert_array_equal(again[0], picture)
    np.testing.assert_allclose(again[1], targets, atol=1e-6)


@pytest.mark.parametrize("size", [17, 60, 150])
def test_resize(size):
    picture, targets = example(1)
    resized = resize(picture, size)
    assert resized.shape == (size, size, 3) and resized.dtype == "uint8"
    check_bounds(resized, targets, atol=1)


def test_resize_is_antialiased():
    board = np.repeat((np.indices((64, 64)).sum(0) % 2 * 255).astype("uint8")[..., None], 3, axis=-1)
    assert np.abs(resize(board, 8).astype(int) - 127.5).max() < 4


def test_ssd_crop():
    shapes = set()
    for seed in range(200):
        picture, targets = example(seed)
        crop, moved = ssd_crop(picture, targets, np.random.default_rng(seed))
        check_bounds(crop, moved, atol=1e-3)  # nothing is resized
        height, width = crop.shape[0] / 60, crop.shape[1] / 90
        assert min(height, width) > 0.2 and 0.47 < width / height < 2.1
        shapes.add(crop.shape)
    assert len(shapes) > 100 and (60, 90, 3) in shapes


def test_ssd_crop_reaches_a_least_overlap():
    """A seventh of the crops must overlap by 0.7, which is within reach of 50 tries; without aim one in 60 does."""
    picture, targets = np.zeros((60, 90, 3), "uint8"), np.array([[0, 0.2, 0.2, 0.8, 0.8]], "float32")
    overlaps = []
    for seed in range(300):
        crop, ((_, left, top, right, bottom),) = ssd_crop(picture, targets, np.random.default_rng(seed))
        area = crop.shape[0] * crop.shape[1] / (60 * 90)
        common = (right - left) * (bottom - top) * area
        overlaps.append(common / (area + 0.36 - common))
    assert 0.08 < np.mean(np.array(overlaps) >= 0.7) < 0.25
    assert min(overlaps) > 0.1


def test_ssd_crop_keeps_boxes_by_their_centre():
    counts = set()
    for seed in range(100):
        picture, targets = example(seed, objects=5)
        # Each pixel names its own place, so that the crop does too.
        picture[..., 0], picture[..., 1] = np.arange(90), np.arange(60)[:, None]
        crop, moved = ssd_crop(picture, targets, np.random.default_rng(seed))
        left, top, right, bottom = crop[0, 0, 0], crop[0, 0, 1], crop[-1, -1, 0] + 1, crop[-1, -1, 1] + 1
        boxes = targets[:, 1:] * [90, 60, 90, 60]
        x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2
        inside = (targets[:, 0] >= 0) & (left < x) & (x < right) & (top < y) & (y < bottom)
        expected = np.clip(boxes - [left, top, left, top], 0, [right - left, bottom - top] * 2)
        kept = check(moved)
        np.testing.assert_array_equal(moved[:, 0] >= 0, inside)
        np.testing.assert_allclose(kept[:, 1:] * ([right - left, bottom - top] * 2), expected[inside], atol=1e-3)
        counts.add(len(kept))
    assert counts == {1, 2, 3, 4, 5}


def test_zoom_out():
    for seed in range(30):
        picture, targets = example(seed)
        canvas, moved = zoom_out(picture, targets, np.random.default_rng(seed), most=3.0)
        assert 60 <= len(canvas) <= 180 and 90 <= canvas.shape[1] <= 270
        check_bounds(canvas, moved, atol=1e-3)
        corner = np.round(moved[1, 1:3] * canvas.shape[1::-1] - targets[1, 1:3] * [90, 60]).astype(int)
        rest = canvas.astype(int)
        np.testing.assert_array_equal(canvas[corner[1] :, corner[0] :][:60, :90], picture)
        rest[corner[1] :, corner[0] :][:60, :90] = round(picture.mean())
        np.testing.assert_allclose(rest, picture.mean(), atol=1)


def test_photometric():
    picture, _ = example(0)
    picture[:5, :5] = [200, 30, 30]
    results = [photometric(picture, np.random.default_rng(seed)) for seed in range(100)]
    brightness = [result[-1, -1].mean() for result in results]
    contrast = [np.ptp(result.astype(int)) for result in results]
    redness = [int(result[0, 0, 0]) - result[0, 0, 1:].max() for result in results]
    assert all(result.shape == picture.shape and result.dtype == "uint8" for result in results)
    for values in (brightness, contrast, redness):
        assert np.std(values) > 10
    assert min(redness) > 20  # hue and saturation change within bounds
    assert any(np.array_equal(result, picture) for result in results)  # once in 32 nothing is drawn
    np.testing.assert_array_equal(results[3], photometric(picture, np.random.default_rng(3)))


class Highest:
    """Draws one of the five changes, and the highest value of it."""

    def __init__(self, chosen):
        self.chosen = ("hue", "saturation", "channels", "contrast", "brightness").index(chosen)

    def random(self, size):
        return np.where(np.arange(size) == self.chosen, 0.0, 0.99)

    def uniform(self, low, high, size=()):
        return np.full(size, high)[()]


def test_photometric_changes_by_hand():
    picture = np.random.default_rng(0).integers(90, 150, (9, 9, 3), dtype="uint8")  # nothing is clipped
    expected = {
        "saturation": np.asarray(ImageEnhance.Color(Image.fromarray(picture)).enhance(1.5), int),
        "channels": picture * 1.1,
        "contrast": 127.5 + 1.5 * (picture - 127.5),
        "brightness": picture + 32.0,
    }
    for name, result in expected.items():
        np.testing.assert_allclose(photometric(picture, Highest(name)), result, atol=1, err_msg=name)


def test_photometric_turns_the_hue():
    """Pillow's hue is an angle of another circle, so it is near; grey and the brightness of a colour stay."""
    colours = np.array([[[150, 110, 110], [110, 150, 110], [110, 110, 150], [120, 120, 120]]], "uint8")
    turned = photometric(colours, Highest("hue"))
    before, after = (np.asarray(Image.fromarray(array).convert("HSV"), int)[0, :3, 0] for array in (colours, turned))
    change = (after - before + 128) % 256 - 128
    assert (np.abs(np.abs(change) * 360 / 256 - 18) < 12).all() and len(set(np.sign(change))) == 1
    luma = [array @ [0.299, 0.587, 0.114] for array in (colours, turned)]
    np.testing.assert_allclose(*luma, atol=1)
    np.testing.assert_array_equal(turned[0, 3], colours[0, 3])


def test_mosaic():
    dark = np.full((60, 90, 3), 20, "uint8"), np.tile(np.array(NO_BOX, "float32"), (3, 1))
    dropped = 0
    for seed in range(100):
        parts = [dark] * 4
        parts[seed % 4] = example(seed)
        pictures, targets = zip(*parts, strict=True)
        picture, moved = mosaic(pictures, targets, 80, np.random.default_rng(seed))
        assert picture.shape == (80, 80, 3) and moved.shape == (3, 5)
        if len(check(moved)):
            check_bounds(picture, moved, atol=1)
        else:
            dropped += 1  # then less than 0.3 of 0.4 x 0.4 of a part is bright
            assert (picture > 127).mean() < 0.3 * 0.16
    assert 3 < dropped < 50


def test_mosaic_drops_surplus_boxes_at_random():
    examples = [example(seed, objects=2) for seed in range(4)]
    pictures, targets = [picture for picture, _ in examples], [target[1:2] + 0 for _, target in examples]
    for number, target in enumerate(targets):
        target[:] = number, 0.4, 0.4, 0.6, 0.6  # in every part of at least 0.6
    classes = set()
    for seed in range(30):
        _, moved = mosaic(pictures, targets, 80, np.random.default_rng(seed))
        assert moved.shape == (1, 5) and len(check(moved)) == 1
        classes.add(moved[0, 0])
    assert classes == {0, 1, 2, 3}


def batch(objects=1, size=8):
    pictures, targets = zip(*(example(seed, 64, 64, objects) for seed in range(size)), strict=True)
    return np.array(pictures), np.array(targets)


@pytest.mark.parametrize("size", [48, 64, 100])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_batches(size, share):
    x, y = batch()
    augment = BoxAugmentation(size, flip=share, photometric=0, crop=share, zoom_out=share)
    for seed in range(10):
        pictures, targets = augment(x, y, np.random.default_rng(seed))
        assert pictures.shape == (8, size, size, 3) and pictures.dtype == "uint8" and targets.shape == y.shape
        for picture, target in zip(pictures, targets, strict=True):
            check_bounds(picture, target, atol=1.5)


def test_without_shares_a_batch_stays_as_it_is():
    x, y = batch()
    pictures, targets = BoxAugmentation(64, 0, 0, 0, 0, 0)(x, y, np.random.default_rng(0))
    np.testing.assert_array_equal(pictures, x)
    np.testing.assert_array_equal(targets, y)


def test_each_share_has_its_effect():
    x, y = batch(size=30)
    none = {"flip": 0, "photometric": 0, "crop": 0, "zoom_out": 0}

    def change(**shares):
        pictures, targets = BoxAugmentation(64, **{**none, **shares})(x, y, np.random.default_rng(0))
        sides = targets[:, 1, 3:] - targets[:, 1, 1:3]
        return pictures, targets, np.mean(sides / (y[:, 1, 3:] - y[:, 1, 1:3]))

    assert change(crop=1)[2] > 1.2 and change(crop=0.5)[2] > 1.1
    assert 0.35 < change(zoom_out=1)[2] < 0.6 and 0.7 < change(zoom_out=1, most_zoom=1.5)[2] < 0.9
    pictures, targets, size = change(flip=1)
    assert size == pytest.approx(1)
    np.testing.assert_array_equal(pictures, x[:, :, ::-1])
    pictures, targets, _ = change(photometric=1)
    np.testing.assert_array_equal(targets, y)
    assert 10 < sum(not np.array_equal(*pair) for pair in zip(pictures, x, strict=True)) <= 30


@pytest.mark.parametrize("mosaic_share", [0.0, 1.0])
def test_a_batch_depends_on_the_generator_alone(mosaic_share):
    x, y = batch(objects=3)
    before = x.copy(), y.copy()
    augment = BoxAugmentation(64, mosaic=mosaic_share)
    once, again, other = (augment(x, y, np.random.default_rng(seed)) for seed in (0, 0, 1))
    for number in (0, 1):
        np.testing.assert_array_equal(once[number], again[number])
        assert not np.array_equal(once[number], other[number])
        np.testing.assert_array_equal((x, y)[number], before[number])
    for target in once[1]:
        check(target)


@pytest.mark.parametrize("mosaic_share", [0.0, 1.0])
def test_pictures_without_boxes(mosaic_share):
    x, y = batch()
    y[:] = NO_BOX
    augment = BoxAugmentation(32, 1, 1, 1, 1, mosaic_share)
    for seed in range(10):
        pictures, targets = augment(x, y, np.random.default_rng(seed))
        assert (targets == NO_BOX).all() and len(np.unique(pictures)) > 1
    assert ssd_crop(x[0], y[0][:0], np.random.default_rng(0))[1].shape == (0, 5)


@pytest.mark.parametrize("name", ["flip", "photometric", "crop", "zoom_out", "mosaic"])
def test_refuses_a_share(name):
    with pytest.raises(ValueError, match=rf"`{name}` must be in \[0, 1\]. Received: {name}=1.5"):
        BoxAugmentation(64, **{name: 1.5})


def test_refuses():
    x, y = batch()
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"`size` must be at least 4 pixels. Received: size=0"):
        BoxAugmentation(0)
    with pytest.raises(ValueError, match=r"`most_zoom` must be at least 1. Received: most_zoom=0.5"):
        BoxAugmentation(64, most_zoom=0.5)
    with pytest.raises(ValueError, match=r"`most` must be at least 1. Received: most=0.5"):
        zoom_out(x[0], y[0], rng, 0.5)
    with pytest.raises(ValueError, match=r"takes 4 pictures and targets. Received: 3 and 4"):
        mosaic(x[:3], y[:4], 64, rng)
    with pytest.raises(ValueError, match=r"`x` must be uint8 .*Received: float32 of shape \(8, 64, 64, 3\)"):
        BoxAugmentation(64)(x.astype("float32"), y, rng)
    with pytest.raises(ValueError, match=r"`y` must be .*Received: y of shape \(8,\)"):
        BoxAugmentation(64)(x, y[:, 0, 0], rng)
