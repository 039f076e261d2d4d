import numpy as np
import pytest

from dlkeras.data.scenes import SHAPES, make_scenes


def bounds(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def disc(side, colour=(255, 0, 0)):
    y, x = np.indices((side, side)) - (side - 1) / 2
    picture = np.full((side, side, 4), [*colour, 0], "uint8")
    picture[np.hypot(x, y) < side / 2, 3] = 255
    return picture


def test_a_scene_depends_on_seed_and_number_alone():
    scenes, fewer, others = make_scenes(4, 64, 3), make_scenes(2, 64, 3), make_scenes(2, 64, 4)
    for array, few, other in zip(scenes, fewer, others, strict=True):
        np.testing.assert_array_equal(array[:2], few)
        assert not np.array_equal(few, other)
    assert scenes.pictures.shape == (4, 64, 64, 3) and scenes.pictures.dtype == "uint8"
    assert scenes.targets.shape == (4, 3, 5) and scenes.targets.dtype == "float32"
    assert scenes.masks.shape == (4, 64, 64) and scenes.masks.dtype == "uint8"
    assert len({picture.tobytes() for picture in scenes.pictures}) == 4


def test_one_object_has_exact_box_and_mask():
    scenes = make_scenes(60, 64, 0, max_objects=1)
    for (target,), mask in zip(scenes.targets, scenes.masks, strict=True):
        np.testing.assert_allclose(64 * target[1:], bounds(mask), atol=1e-4)
        assert set(np.unique(mask)) == {0, target[0] + 1}
    assert set(scenes.targets[:, 0, 0]) == set(range(len(SHAPES)))


def test_classes_are_those_given():
    scenes = make_scenes(40, 64, 0, classes=("ring", "star"), max_objects=1, scale=(0.5, 0.6))
    whole = [target for (target,) in scenes.targets if target[1:3].min() > 0 and target[3:].max() < 1]
    middles = {0: set(), 1: set()}
    for (target,), mask in zip(scenes.targets, scenes.masks, strict=True):
        x, y = (32 * (target[1:3] + target[3:])).astype(int)
        middles[int(target[0])].add(mask[y, x] > 0)
        sides = target[3:] - target[1:3]
        assert sides.max() <= 0.6 + 2 / 64
    assert middles == {0: {False}, 1: {True}}  # a ring has a hole
    assert len(whole) > 10 and min((target[3:] - target[1:3]).max() for target in whole) > 0.5 - 2 / 64


def test_objects_stay_visible():
    """Each disc has its own class, so that what is seen of it can be counted, and its area is known from its box."""
    scenes = make_scenes(40, 64, 1, max_objects=4, cutouts=[(disc(80), number) for number in range(250)])
    shares, counts = [], []
    for targets, mask in zip(scenes.targets, scenes.masks, strict=True):
        filled = targets[:, 0] >= 0
        counts.append(filled.sum())
        assert (targets[~filled] == [-1, 0, 0, 0, 0]).all()
        assert set(np.unique(mask)) == {0, *(targets[filled, 0] + 1)}
        for number, *box in targets[filled]:
            left, top, right, bottom = np.round(64 * np.array(box)).astype(int)
            seen = mask == number + 1
            if list(targets[:, 0]).count(number) == 1:
                assert seen.sum() == seen[top:bottom, left:right].sum()
                shares.append(seen.sum() / (np.pi / 4 * max(right - left, bottom - top) ** 2))
    assert set(counts) == {1, 2, 3, 4}
    assert 0.6 - 0.05 < min(shares) < 0.85  # and some are indeed hidden in part
    assert np.median(shares) > 0.95


def test_cutouts_keep_class_and_colour():
    # A wide margin that is clear must not count, nor the colour of what is clear.
    picture = np.full((90, 70, 4), [0, 255, 0, 0], "uint8")
    picture[30:50, 30:60] = [230, 20, 20, 255]
    scenes = make_scenes(20, 64, 2, max_objects=1, cutouts=[(picture, 7)], scale=(0.4, 0.6))
    assert set(scenes.targets[:, 0, 0]) == {7} and set(np.unique(scenes.masks)) == {0, 8}
    for image, (target,), mask in zip(scenes.pictures, scenes.targets, scenes.masks, strict=True):
        np.testing.assert_allclose(64 * target[1:], bounds(mask), atol=1e-4)
        red, green, blue = image[mask > 0].mean(axis=0)
        assert red > 100 and red > green + 70 and red > blue + 70


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"count": 0}, "at least 1. Received: count=0, max_objects=3"),
        ({"max_objects": 0}, "at least 1. Received: count=1, max_objects=0"),
        ({"size": 16}, "`size` must be at least 32 pixels. Received: size=16"),
        ({"scale": (0.5, 0.2)}, r"within \[0.05, 0.8\]. Received: scale=\(0.5, 0.2\)"),
        ({"classes": ()}, "`classes` must hold at least one name"),
        ({"classes": ("disc", "banana")}, "`classes` must be one of disc, .*Received: classes='banana'"),
        ({"cutouts": [(disc(9)[..., :3], 0)]}, r"RGBA .*Received: uint8 of shape \(9, 9, 3\)"),
        ({"cutouts": [(np.zeros((9, 9, 4), "uint8"), 0)]}, "with opaque pixels"),
        ({"cutouts": [(disc(9), 255)]}, r"in \[0, 255\). Received: 255"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_scenes(**{"count": 1, "size": 64, "seed": 0, **arguments})
