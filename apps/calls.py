"""The lines that a person copies to ask the same from a shell or a program."""

import json
import shlex


def curl_call(rest, model, endpoint, file):
    """Returns a shell line that sends a file to an endpoint with one input of bytes.

    Args:
        rest: REST address, such as `http://127.0.0.1:8501`.
        model: Served model's name.
        endpoint: Signature name.
        file: Name of the file.
    """
    signature = "" if endpoint == "serving_default" else f'"signature_name": "{endpoint}", '
    return (
        f"""(printf '{{{signature}"instances": [{{"b64": "'; base64 -w0 {file}; printf '"}}]}}') |\n"""
        f"  curl -s -d @- {rest}/v1/models/{model}:predict"
    )


def python_call(address, model, endpoint, name, file):
    """Returns Python lines that do the same by `serving.client`.

    Args:
        address: gRPC address, such as `127.0.0.1:8500`.
        model: Served model's name.
        endpoint: Signature name.
        name: The input's name.
        file: Name of the file.
    """
    signature = "" if endpoint == "serving_default" else f', signature_name="{endpoint}"'
    return (
        "from serving.client import Client\n"
        f'client = Client("{address}")\n'
        f'print(client.predict("{model}", {{"{name}": [open("{file}", "rb").read()]}}{signature}))'
    )


def curl_row_call(rest, model, endpoint, name, file, values):
    """Returns a shell line that sends a file and numbers to an endpoint with several inputs.

    Args:
        rest: REST address, such as `http://127.0.0.1:8501`.
        model: Served model's name.
        endpoint: Signature name.
        name: Name of the input that takes the file's bytes.
        file: Name of the file.
        values: `{input name: number}` for the other inputs.
    """
    rest_of_row = "".join(f', "{key}": {value}' for key, value in values.items())
    return (
        f"""(printf '{{"signature_name": "{endpoint}", "instances": [{{"{name}": {{"b64": "';\n"""
        f"""  base64 -w0 {file}; printf '"}}{rest_of_row}}}]}}') |\n"""
        f"  curl -s -d @- {rest}/v1/models/{model}:predict"
    )


def python_row_call(address, model, endpoint, name, file, values):
    """Returns Python lines that do the same by `serving.client`.

    Args:
        address: gRPC address, such as `127.0.0.1:8500`.
        model: Served model's name.
        endpoint: Signature name.
        name: Name of the input that takes the file's bytes.
        file: Name of the file.
        values: `{input name: number}` for the other inputs.
    """
    others = "".join(f', "{key}": [{value}]' for key, value in values.items())
    return (
        "from serving.client import Client\n"
        f'client = Client("{address}")\n'
        f'inputs = {{"{name}": [open("{file}", "rb").read()]{others}}}\n'
        f'print(client.predict("{model}", inputs, signature_name="{endpoint}"))'
    )


def curl_text_call(rest, model, endpoint, text):
    """Returns a shell line that sends a text to an endpoint with one input.

    Args:
        rest: REST address, such as `http://127.0.0.1:8501`.
        model: Served model's name.
        endpoint: Signature name.
        text: The text.
    """
    signature = {} if endpoint == "serving_default" else {"signature_name": endpoint}
    body = json.dumps({**signature, "instances": [text]}, ensure_ascii=False)
    return f"curl -s -d {shlex.quote(body)} \\\n  {rest}/v1/models/{model}:predict"


def python_text_call(address, model, endpoint, name, text):
    """Returns Python lines that do the same by `serving.client`.

    Args:
        address: gRPC address, such as `127.0.0.1:8500`.
        model: Served model's name.
        endpoint: Signature name.
        name: The input's name.
        text: The text.
    """
    signature = "" if endpoint == "serving_default" else f', signature_name="{endpoint}"'
    return (
        "from serving.client import Client\n"
        f'client = Client("{address}")\n'
        f'print(client.predict("{model}", {{"{name}": [{text!r}]}}{signature}))'
    )


def curl_values_call(rest, model, endpoint, values):
    """Returns a shell line that sends one row of several texts or numbers to an endpoint.

    Args:
        rest: REST address, such as `http://127.0.0.1:8501`.
        model: Served model's name.
        endpoint: Signature name.
        values: `{input name: text or number}`.
    """
    signature = {} if endpoint == "serving_default" else {"signature_name": endpoint}
    body = json.dumps({**signature, "instances": [values]}, ensure_ascii=False)
    return f"curl -s -d {shlex.quote(body)} \\\n  {rest}/v1/models/{model}:predict"


def python_values_call(address, model, endpoint, values):
    """Returns Python lines that do the same by `serving.client`.

    Args:
        address: gRPC address, such as `127.0.0.1:8500`.
        model: Served model's name.
        endpoint: Signature name.
        values: `{input name: text or number}`.
    """
    signature = "" if endpoint == "serving_default" else f', signature_name="{endpoint}"'
    inputs = {name: [value] for name, value in values.items()}
    return (
        "from serving.client import Client\n"
        f'client = Client("{address}")\n'
        f"inputs = {inputs!r}\n"
        f'print(client.predict("{model}", inputs{signature}))'
    )
