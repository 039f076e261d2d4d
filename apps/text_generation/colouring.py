"""A text whose characters show how sure the model was of them."""

import html
import math

_TEXT = '<div style="white-space: pre-wrap; font-family: monospace; line-height: 1.5">{}</div>'
_TOKEN = '<span title="{title}" style="background: rgba(234, 88, 12, {doubt:.2f})">{token}</span>'
_STRONGEST = 0.6  # of the colour, for a token that the model held for all but impossible


def coloured(prompt, said):
    """Draws a prompt, and what was said after it: the darker, the less sure.

    Args:
        prompt: `str`.
        said: List of `apps.text_generation.asking.Said`.

    Returns:
        HTML; each token has its probability as a title.
    """
    tokens = (_token(token, math.exp(logprob)) for token, logprob in said)
    return _TEXT.format(f"<b>{html.escape(prompt)}</b>{''.join(tokens)}")


def _token(token, probability):
    title = html.escape(f"{token!r}: {probability:.3f}", quote=True)
    return _TOKEN.format(title=title, doubt=_STRONGEST * (1 - probability), token=html.escape(token))
