"""Asks for a text some tokens at a time, so that it can be shown as it is made."""

from typing import NamedTuple

CONTINUE = "continue"
"""The endpoint that goes on from the state of an answer."""
AT_ONCE = 12
"""Tokens of each answer."""


class Said(NamedTuple):
    """A token of a text.

    Attributes:
        token: `str`.
        logprob: Its log-probability, in nats.
    """

    token: str
    logprob: float


def stream(predict, preset, prompt, length, choices):
    """Yields what an answer adds to a text, a list of `Said` each time.

    Args:
        predict: As pages are handed it.
        preset: The preset to ask.
        prompt: `str`; empty for a text from its beginning.
        length: Tokens in all, at least 1.
        choices: `temperature`, `top_k`, `top_p` and `seed` by name.

    Raises:
        PredictError: There was no answer; what was yielded before it stands.
    """
    chosen = {name: [value] for name, value in choices.items()}
    inputs, endpoint = {"prompt": [prompt]}, "serving_default"
    while length > 0:
        count = min(AT_ONCE, length)
        answer = predict({**inputs, **chosen, "max_tokens": [count]}, endpoint=endpoint, preset=preset)
        yield said_of(answer)
        inputs, endpoint, length = {"state": answer["state"]}, CONTINUE, length - count


def said_of(answer):
    """Returns the tokens of an answer, of its first row."""
    tokens = [token.decode() for token in answer["tokens"][0]]
    return [Said(token, float(logprob)) for token, logprob in zip(tokens, answer["logprobs"][0], strict=True)]
