"""Masks in colours: over a picture, and as a legend with the share of each class. No TensorFlow here: pages use it."""

import html

import numpy as np
from PIL import Image

from apps.colours import colours

UNCOLOURED = "background"

_LEGEND = '<table style="width: 100%; border-collapse: collapse">{}</table>'
_ROW = (
    '<tr style="border: 0"><td style="border: 0; width: 1.6em">'
    '<div style="width: 1em; height: 1em; border: 1px solid #888; background: {colour}"></div></td>'
    '<td style="border: 0; white-space: nowrap; padding-right: 1em">{name}</td><td style="border: 0; width: 60%">'
    '<div style="width: {width:.1f}%; height: 0.8em; border: 1px solid #888; background: {colour}"></div></td>'
    '<td style="border: 0; text-align: right; white-space: nowrap">{share}</td></tr>'
)


def tints(class_names):
    """Returns the colour of each class, `None` for what is background by name."""
    return [None if name == UNCOLOURED else rgb for name, rgb in colours(class_names).items()]


def overlay(picture, mask, class_names, opacity):
    """Lays the colours of classes over a picture.

    Args:
        picture: `PIL.Image` in RGB.
        mask: `PIL.Image` of class numbers, as large as the picture.
        class_names: One a class.
        opacity: Of the colours, in [0, 1].

    Returns:
        `PIL.Image`.
    """
    of_classes = tints(class_names)
    table = np.array([colour or (0, 0, 0) for colour in of_classes], "float32")
    shown = np.array([opacity * (colour is not None) for colour in of_classes], "float32")
    classes = np.asarray(mask)
    part = shown[classes][..., None]
    mixed = np.asarray(picture, "float32") * (1 - part) + table[classes] * part
    return Image.fromarray(mixed.round().astype("uint8"))


def legend(class_names, shares):
    """Returns HTML: a row a class that occurs, by falling share, with its colour, its name and its share as a bar."""
    of_classes = zip(class_names, tints(class_names), map(float, shares), strict=True)
    rows = sorted((row for row in of_classes if row[2] > 0), key=lambda row: -row[2])
    largest = max((share for *_, share in rows), default=1)
    return _LEGEND.format(
        "".join(
            _ROW.format(
                colour="rgb({}, {}, {})".format(*colour) if colour else "transparent",
                name=html.escape(name),
                width=100 * share / largest,
                share=f"{share:.1%}",
            )
            for name, colour, share in rows
        )
    )
