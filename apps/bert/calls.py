"""The lines that make the page's call from a shell and from a program."""

from apps.bert.asking import NEXT
from apps.calls import curl_text_call, curl_values_call, python_text_call, python_values_call


def blank_calls(predict, model, text):
    """Returns both for a text with blanks; `predict` knows the addresses."""
    return (
        curl_text_call(predict.rest, model, "serving_default", text),
        python_text_call(predict.address, model, "serving_default", "text", text),
    )


def pair_calls(predict, model, first, second):
    """Returns both for two texts."""
    values = {"first": first, "second": second}
    return curl_values_call(predict.rest, model, NEXT, values), python_values_call(predict.address, model, NEXT, values)
