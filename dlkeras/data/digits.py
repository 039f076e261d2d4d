"""The offline sample: 1,797 handwritten digits of 8 x 8 pixels (Alpaydin and Kaynak, 1998), carried by scikit-learn."""

import numpy as np
from sklearn.datasets import load_digits as read_digits

from dlkeras.data.splits import Examples, Splits, split_off


def load_digits(validation_fraction=0.1, test_fraction=0.2, seed=0):
    """Reads the digits, enlarged to 16 x 16 by doubling pixels so that convolutions with pooling fit.

    Args:
        validation_fraction: Share of what is not test that becomes the validation split.
        test_fraction: Share of all that becomes the test split.
        seed: Seed of both draws.

    Returns:
        `Splits` of grey pictures, `uint8` `(examples, 16, 16, 1)`, ten classes.
    """
    digits = read_digits()
    pictures = np.round(digits.images * (255 / 16)).astype("uint8")  # the sample counts ink from 0 to 16
    pictures = pictures.repeat(2, axis=1).repeat(2, axis=2)[..., None]
    rest, test = split_off(Examples(pictures, digits.target.astype("int32")), test_fraction, seed)
    train, validation = split_off(rest, validation_fraction, seed + 1)
    info = {"class_names": [str(name) for name in digits.target_names], "image_shape": [16, 16, 1], "data": "digits"}
    return Splits(train, validation, test, info)
