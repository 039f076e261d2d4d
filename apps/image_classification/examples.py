"""Pictures to try: drawn here, so that the project ships no part of a data set."""

import functools

from PIL import Image, ImageDraw, ImageFilter

from apps.examples import write_examples

_SIZE = 256


def _scene(top, bottom, horizon=0.6):
    image = Image.new("RGB", (_SIZE, _SIZE), top)
    ImageDraw.Draw(image).rectangle((0, _SIZE * horizon, _SIZE, _SIZE), fill=bottom)
    return image


def _airplane():
    image = _scene("#8fb9e8", "#a9cbef")
    draw = ImageDraw.Draw(image)
    draw.polygon([(100, 120), (60, 200), (95, 200), (160, 130)], fill="#b9bec6")
    draw.polygon([(110, 112), (95, 60), (120, 60), (155, 112)], fill="#c6cad1")
    draw.polygon([(30, 70), (60, 70), (85, 112), (50, 118)], fill="#d0d4da")
    draw.ellipse((30, 102, 232, 142), fill="#eef0f3")
    draw.polygon([(200, 110), (222, 112), (226, 122), (205, 122)], fill="#39465a")
    return image


def _automobile():
    image = _scene("#c9d3dc", "#77797c", 0.65)
    draw = ImageDraw.Draw(image)
    draw.polygon([(62, 128), (92, 84), (172, 84), (204, 128)], fill="#b3201c")
    draw.polygon([(76, 126), (98, 92), (128, 92), (128, 126)], fill="#27313b")
    draw.polygon([(136, 92), (167, 92), (190, 126), (136, 126)], fill="#27313b")
    draw.rounded_rectangle((22, 122, 238, 180), 20, fill="#c92a25")
    for x in (48, 160):
        draw.ellipse((x, 152, x + 52, 204), fill="#151515")
        draw.ellipse((x + 14, 166, x + 38, 190), fill="#b5b5b5")
    return image


def _ship():
    image = _scene("#bcd6ec", "#2f5f8c", 0.66)
    draw = ImageDraw.Draw(image)
    draw.polygon([(20, 150), (236, 150), (206, 196), (48, 196)], fill="#1d2733")
    draw.rectangle((34, 150, 222, 158), fill="#b23a2e")
    draw.rectangle((70, 112, 190, 150), fill="#f3f3f0")
    draw.rectangle((96, 84, 170, 112), fill="#e3e4e2")
    draw.rectangle((126, 52, 146, 84), fill="#b23a2e")
    draw.rectangle((0, 192, 256, 256), fill="#2a557f")
    return image


def _truck():
    image = _scene("#cfdbe6", "#808285", 0.7)
    draw = ImageDraw.Draw(image)
    draw.rectangle((14, 56, 166, 172), fill="#f2f2f2", outline="#8d9196", width=3)
    draw.polygon([(170, 92), (212, 92), (236, 132), (236, 172), (170, 172)], fill="#24549b")
    draw.polygon([(182, 100), (208, 100), (226, 132), (182, 132)], fill="#202a34")
    draw.rectangle((14, 172, 238, 182), fill="#33363a")
    for x in (34, 84, 182):
        draw.ellipse((x, 160, x + 44, 204), fill="#141414")
        draw.ellipse((x + 12, 172, x + 32, 192), fill="#a8a8a8")
    return image


def _garment(*shapes):
    image = Image.new("L", (_SIZE, _SIZE), 0)
    draw = ImageDraw.Draw(image)
    for points, shade in shapes:
        draw.polygon(points, fill=shade)
    return image


def _t_shirt():
    body = [(92, 20), (164, 20), (240, 60), (222, 112), (184, 96), (184, 238), (72, 238), (72, 96), (34, 112), (16, 60)]
    return _garment((body, 190), ([(104, 20), (152, 20), (128, 44)], 0))


def _trouser():
    return _garment(([(84, 8), (172, 8), (184, 248), (142, 248), (128, 72), (114, 248), (72, 248)], 170))


def _boot():
    return _garment(
        ([(90, 40), (170, 40), (172, 130), (236, 168), (244, 196), (90, 196)], 150),
        ([(84, 196), (244, 196), (244, 214), (160, 214), (150, 204), (118, 204), (116, 222), (84, 222)], 230),
    )


def _bag():
    image = _garment(
        ([(24, 96), (232, 96), (244, 226), (12, 226)], 180), ([(24, 96), (232, 96), (228, 120), (28, 120)], 120)
    )
    ImageDraw.Draw(image).arc((72, 24, 184, 168), 180, 360, fill=200, width=14)
    return image


_DRAWINGS = {
    "cifar10": {"ship": _ship, "airplane": _airplane, "automobile": _automobile, "truck": _truck},
    "fashion_mnist": {"trouser": _trouser, "t-shirt": _t_shirt, "boot": _boot, "bag": _bag},
}


def draw(preset, name):
    """Draws one example as a `PIL.Image`, slightly soft, as a camera would see it."""
    return _DRAWINGS[preset][name]().filter(ImageFilter.GaussianBlur(2))


@functools.cache
def example_files():
    """Draws the examples into files; returns a list of `(path, preset)`."""
    return write_examples(
        (preset, name, draw(preset, name)) for preset, drawings in _DRAWINGS.items() for name in drawings
    )
