"""The lines that a person copies to have a picture painted from a shell or a program."""


def curl_call(rest, model, strength, size):
    """Returns shell lines that send two files and write a third.

    Args:
        rest: REST address, such as `http://127.0.0.1:8501`.
        model: Served model's name.
        strength: In [0, 1].
        size: Longer side of the answer in pixels.
    """
    return (
        """(printf '{"signature_name": "settings", "instances": [{"content_bytes": {"b64": "';\n"""
        """  base64 -w0 content.jpg; printf '"}, "style_bytes": {"b64": "'; base64 -w0 style.jpg;\n"""
        f"""  printf '"}}, "strength": {strength}, "size": {size}}}]}}') |\n"""
        f"  curl -s -d @- {rest}/v1/models/{model}:predict |\n"
        """  grep -o '"b64": *"[^"]*"' | cut -d'"' -f4 | base64 -d > painted.png"""
    )


def python_call(address, model, strength, size):
    """Returns Python lines that do the same by `serving.client`; `address` is gRPC's, such as `127.0.0.1:8500`."""
    return (
        "from pathlib import Path\n"
        "from serving.client import Client\n"
        'inputs = {f"{name}_bytes": [Path(f"{name}.jpg").read_bytes()] for name in ("content", "style")}\n'
        f'inputs |= {{"strength": [{strength}], "size": [{size}]}}\n'
        f'answer = Client("{address}").predict("{model}", inputs, signature_name="settings")\n'
        'Path("painted.png").write_bytes(answer["image_png_bytes"][0])'
    )
