"""Pictures with boxes as `Splits`: from folders of one's own, or made up."""

import os
from multiprocessing.pool import ThreadPool

import numpy as np
import tensorflow as tf

from dlkeras.checks import check_choice
from dlkeras.data.annotations import Problem, raise_if_strict
from dlkeras.data.coco import load_coco
from dlkeras.data.decode import decode_whole_picture
from dlkeras.data.location import DataError, find_folder
from dlkeras.data.scenes import make_scenes
from dlkeras.data.splits import Examples, Splits
from dlkeras.data.voc import load_voc
from dlkeras.data.yolo import load_yolo

FORMATS = {"voc": load_voc, "coco": load_coco, "yolo": load_yolo}


def load_boxes(source, file_format, image_shape, *, validation_fraction=0.1, test_fraction=0.2, seed=0, strict=False):
    """Reads pictures and their boxes, parted as the data set says, else by a draw.

    Pictures are stretched to one size; boxes are relative, so that they still fit.

    Args:
        source: A folder, or the name of one in `DLKERAS_DATA`.
        file_format: `"voc"`, `"coco"` or `"yolo"`; see the readers of these names.
        image_shape: `(height, width, channels)` that pictures are read at.
        validation_fraction: Share of the pictures that are not tested on, drawn for validation where none are named.
        test_fraction: Share of the pictures drawn for test where none are named.
        seed: Seed of both draws.
        strict: Whether anything wrong with the annotations is an error. Else it is left out, and told.

    Returns:
        `(splits, problems)`: `Splits` with `uint8` pictures `(examples, height, width, channels)` and targets
        `(examples, max_boxes, 5)`, float32: class number and relative `xyxy` box, of class -1 where there is none.
        `problems` is a list of `dlkeras.data.annotations.Problem`.

    Raises:
        DataError: The folder or its pictures cannot be read, there are too few to be split, or, with `strict`,
            something is wrong.
        ValueError: `file_format` is unknown.
    """
    folder, annotated, problems = _read(source, file_format)
    parts = into_parts(annotated, validation_fraction, test_fraction, seed, source)
    class_names = sorted({label for one in annotated for label in one.labels})
    most = max(1, *(len(one.labels) for one in annotated))
    info = {"class_names": class_names, "image_shape": list(image_shape), "data": folder.resolve().name}
    examples = [_examples(part, class_names, image_shape, most, problems) for part in parts]
    raise_if_strict(problems, strict)
    return Splits(*examples, info), problems


def load_test_boxes(source, file_format, class_names, image_shape):
    """Reads pictures and boxes to test on: those of the test split, or all where the data set names no splits.

    Args:
        source: As of `load_boxes`, like `file_format` and `image_shape`.
        class_names: The classes that a model knows.

    Returns:
        `(examples, problems)`.

    Raises:
        DataError: The pictures cannot be read, or a class is not among `class_names`.
        ValueError: `file_format` is unknown.
    """
    _, annotated, problems = _read(source, file_format)
    tested = [one for one in annotated if one.split == "test"] or annotated
    unknown = sorted({label for one in tested for label in one.labels} - set(class_names))
    if unknown:
        raise DataError(f"{source}: classes that were not trained on: {', '.join(unknown)}")
    most = max(1, *(len(one.labels) for one in tested))
    return _examples(tested, class_names, image_shape, most, problems), problems


def load_scenes(image_shape, counts, seed, class_names, **scenes):
    """Makes scenes up, see `dlkeras.data.scenes.make_scenes`.

    Args:
        image_shape: `(size, size, 3)`.
        counts: Number of training, validation and test pictures.
        seed: Of the training pictures; the other two have seeds of their own.
        class_names: A name for each class number.
        **scenes: Of `make_scenes`: `max_objects`, `cutouts` and so on.

    Returns:
        `Splits` as `load_boxes` has them.
    """
    made = [make_scenes(count, image_shape[0], (seed, part), **scenes) for part, count in enumerate(counts)]
    info = {"class_names": list(class_names), "image_shape": list(image_shape), "data": "scenes"}
    return Splits(*(Examples(part.pictures, part.targets) for part in made), info)


def _read(source, file_format):
    check_choice("file_format", file_format, FORMATS)
    folder = find_folder(source)
    return folder, *FORMATS[file_format](folder)


def into_parts(annotated, validation_fraction, test_fraction, seed, source):
    """Parts pictures, by their attribute `split` or by a draw.

    Args:
        annotated: List of things with a `split`; see `dlkeras.data.annotations.Annotated`.
        validation_fraction: As of `load_boxes`, like the other two.
        source: For the sentence of an error.

    Returns:
        The lists of the training, the validation and the test part.

    Raises:
        DataError: There are too few.
    """
    parts = {split: [one for one in annotated if one.split == split] for split in ("train", "validation", "test")}
    rest = parts["train"] or [one for one in annotated if not one.split]
    fractions = {"test": test_fraction, "validation": validation_fraction}
    missing = {split: fraction for split, fraction in fractions.items() if not parts[split]}
    if len(rest) <= len(missing):
        raise DataError(f"{source}: at least {len(missing) + 1} pictures are needed to be split. Received: {len(rest)}")
    for split, fraction in missing.items():
        rest, parts[split] = _draw(rest, fraction, (seed, len(split)))
    return rest, parts["validation"], parts["test"]


def _draw(annotated, fraction, seed):
    chosen = np.zeros(len(annotated), bool)
    count = min(max(1, round(fraction * len(annotated))), len(annotated) - 1)
    chosen[np.random.default_rng(seed).choice(len(annotated), count, replace=False)] = True
    return tuple(
        [one for one, is_chosen in zip(annotated, chosen, strict=True) if is_chosen == part] for part in (0, 1)
    )


def _examples(annotated, class_names, image_shape, most, problems):
    """Decodes pictures and arranges their boxes; a picture that cannot be decoded is left out, and noted."""
    decode = tf.function(lambda data: decode_whole_picture(data, image_shape)[0], autograph=False)

    def read(one):
        try:
            return decode(tf.constant(one.picture.read_bytes())).numpy()
        except tf.errors.InvalidArgumentError:
            return None

    with ThreadPool(os.cpu_count()) as pool:
        pictures = pool.map(read, annotated)
    problems += [
        Problem(one.picture, "cannot be decoded.")
        for one, picture in zip(annotated, pictures, strict=True)
        if picture is None
    ]
    whole = [(one, picture) for one, picture in zip(annotated, pictures, strict=True) if picture is not None]
    targets = np.zeros((len(whole), most, 5), "float32")
    targets[..., 0] = -1
    for row, (one, _) in enumerate(whole):
        height, width = one.size
        for column, (label, box) in enumerate(zip(one.labels, one.boxes, strict=True)):
            targets[row, column] = [class_names.index(label), *(box / [width, height, width, height])]
    pictures = [picture for _, picture in whole]
    return Examples(np.array(pictures, "uint8").reshape(-1, *image_shape), targets)
