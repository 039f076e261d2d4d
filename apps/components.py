"""Gradio components that pages share. Imported by pages alone."""

import gradio


def picture_file(**kwargs):
    """Makes a `gradio.Image` to upload to or paste into, whose value is the path of the file as it came.

    Gradio's own opens the file first, and answers one that is no picture with an account of its insides.
    """
    picture = gradio.Image(type="filepath", image_mode=None, sources=["upload", "clipboard"], **kwargs)
    picture.preprocess = lambda payload: payload and payload.path
    return picture
