"""Weights of the words of one text by those of another, as a table of colours."""

import html

MOST_WORDS = 40
"""Words of either text that are shown."""
_CELL = (
    '<td title="{title}" style="background: rgba(37, 99, 235, {weight:.2f}); min-width: 1.6em; height: 1.6em; '
    'padding: 0; border: 1px solid rgba(128, 128, 128, 0.25)"></td>'
)
_ROW_HEAD = '<th scope="row" style="text-align: right; padding: 0 0.5em; font-weight: normal; border: 0">{}</th>'
_COLUMN_HEAD = (
    '<th scope="col" style="writing-mode: vertical-rl; transform: rotate(180deg); padding: 0.3em 0; '
    'font-weight: normal; border: 0">{}</th>'
)
_TABLE = '<div style="overflow-x: auto"><table style="border-collapse: collapse">{}</table></div>'
_CUT = "<p>Of either text the first {} words are shown.</p>"


def table(rows, columns, weights):
    """Draws weights of words by words.

    Args:
        rows: Words.
        columns: Words.
        weights: Array `(rows, columns)` of numbers from 0 to 1.

    Returns:
        HTML; each cell has its words and its weight as a title.
    """
    shown = rows[:MOST_WORDS], columns[:MOST_WORDS]
    head = "".join(_COLUMN_HEAD.format(html.escape(word)) for word in shown[1])
    lines = [f'<tr><td style="border: 0"></td>{head}</tr>']
    for row, numbers in zip(shown[0], weights, strict=False):
        cells = (_cell(row, column, float(weight)) for column, weight in zip(shown[1], numbers, strict=False))
        lines.append(f"<tr>{_ROW_HEAD.format(html.escape(row))}{''.join(cells)}</tr>")
    cut = _CUT.format(MOST_WORDS) if max(len(rows), len(columns)) > MOST_WORDS else ""
    return _TABLE.format("".join(lines)) + cut


def _cell(row, column, weight):
    return _CELL.format(title=html.escape(f"{row}, {column}: {weight:.2f}", quote=True), weight=weight)
