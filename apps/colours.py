"""Colours of classes, the same in pictures, legends and plots."""

import colorsys


def colours(class_names):
    """Returns `{class name: (red, green, blue)}`; each next hue is the golden angle away, far from all before it."""
    hues = ((0.08 + number * 0.618034) % 1 for number in range(len(class_names)))
    return {
        name: tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, 1.0))
        for name, hue in zip(class_names, hues, strict=True)
    }
