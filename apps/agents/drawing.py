"""Draws what the page shows of a game: pictures of it, and what the agent thinks of each action."""

import base64
import html
import io

from PIL import Image

_ROW = (
    '<tr style="border: 0"><th scope="row" style="text-align: right; padding: 0 0.5em; font-weight: {weight}; '
    'border: 0; white-space: nowrap">{name}</th>'
    '<td style="width: 100%; border: 0">'
    '<div style="width: {width:.0%}; height: 1.1em; background: {colour}"></div></td>'
    '<td style="border: 0; padding: 0 0.5em; font-variant-numeric: tabular-nums">{value:.3f}</td></tr>'
)
_TABLE = '<table style="width: 100%; border-collapse: collapse; border: 0">{}</table>'
_CHOSEN, _OTHER = "#2563eb", "rgba(128, 128, 128, 0.5)"
_LEAST = 0.02  # a bar that can be seen
_PICTURE = (
    '<figure style="margin: 0; text-align: center"><img alt="{label}" src="data:image/webp;base64,{data}" '
    'style="height: 300px; max-width: 100%; object-fit: contain; display: inline">'
    "<figcaption>{label}</figcaption></figure>"
)


def picture(frame, label):
    """Draws a frame, uint8 `(height, width, 3)`, as HTML; no file of it is left anywhere."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "webp")
    return _PICTURE.format(label=html.escape(label, quote=True), data=base64.b64encode(file.getvalue()).decode())


def bars(names, choice):
    """Draws values as bars from the least to the most, those of probabilities from 0; the chosen action stands out."""
    low, high = float(choice.values.min()), float(choice.values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    rows = []
    for number, (name, value) in enumerate(zip(names, choice.values.tolist(), strict=True)):
        chosen = number == choice.action
        rows.append(
            _ROW.format(
                name=html.escape(name),
                value=value,
                width=_LEAST + (1 - _LEAST) * (value - low) / ((high - low) or 1.0),
                weight="bold" if chosen else "normal",
                colour=_CHOSEN if chosen else _OTHER,
            )
        )
    return _TABLE.format("".join(rows))
