"""Gradio components that pages share. Imported by pages alone."""

import contextlib

import gradio

from apps.predict import PredictError


def page_of(app, presets, build):
    """Makes an app's page.

    Args:
        app: Its name.
        presets: Names of its presets.
        build: Function of them that fills the page; where there are none, it says how to train one.

    Returns:
        A `gradio.Blocks`.
    """
    with gradio.Blocks() as page:
        if presets:
            build(presets)
        else:
            gradio.Markdown(f"No model ships yet. Train one: `dlkeras train {app}`.")
    return page


def mistake(sentence):
    """Makes the error that shows a visitor what to do otherwise; the mistake is theirs, and none for the log.

    Args:
        sentence: What was wrong, and what is accepted.

    Returns:
        A `gradio.Error`, to be raised.
    """
    return gradio.Error(sentence, print_exception=False)


def check_length(*texts, most):
    """Raises a `mistake` where one of the texts has more than `most` characters."""
    longest = max(map(len, texts))
    if longest > most:
        raise mistake(f"A text may have {most:,} characters. Received: {longest:,}")


@contextlib.contextmanager
def mistakes(*kinds):
    """Shows a visitor what was wrong with what they gave: errors within become `mistake`s.

    Args:
        kinds: Kinds of errors whose text is for visitors, besides `PredictError`.
    """
    try:
        yield
    except (PredictError, *kinds) as error:
        raise mistake(str(error)) from error


def picture_file(**kwargs):
    """Makes a `gradio.Image` to upload to or paste into, whose value is the path of the file as it came.

    Gradio's own opens the file first, and answers one that is no picture with an account of its insides.
    """
    picture = gradio.Image(type="filepath", image_mode=None, sources=["upload", "clipboard"], **kwargs)
    picture.preprocess = lambda payload: payload and payload.path
    return picture


def calls_of(calls, settings, elem_id):
    """Builds the lines that make the page's call from a shell and from Python, which follow its settings.

    Args:
        calls: Function of the settings' values that gives both.
        settings: The components.
        elem_id: Of the lines for a shell.
    """
    with gradio.Accordion("The same call from your shell or program", open=False):
        initial = calls(*(setting.value for setting in settings))
        curl = gradio.Code(initial[0], language="shell", label="curl", elem_id=elem_id)
        python = gradio.Code(initial[1], language="python", label="Python")
    gradio.on(
        [setting.change for setting in settings],
        calls,
        settings,
        [curl, python],
        show_progress="hidden",
        trigger_mode="always_last",
        api_name=False,
    )
