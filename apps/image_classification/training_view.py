"""How a training and the versions that come of it are shown: words, a bar, a curve."""

import html

import pandas

_COLUMNS = ["epoch", "accuracy", "pictures"]
_COLORS = {"training": "#9ca3af", "validation": "#2563eb"}
_BAR = (
    "<style>@keyframes breathe {{ 50% {{ opacity: 0.25 }} }}</style><p>{words}</p>"
    '<div style="height: 8px; border-radius: 4px; margin-top: 8px; background: var(--border-color-primary)">'
    '<div style="height: 8px; border-radius: 4px; width: {share}; background: var(--color-accent); {pulse}">'
    "</div></div>"
)


def show_step(look):
    """Returns a line of words, and a bar while something runs, as HTML.

    Args:
        look: `apps.image_classification.workshop.Look`.
    """
    words = html.escape(_words(look))
    if not look.running:
        return f"<p>{words}</p>"
    counted = look.step == "training" and look.progress.total
    share = f"{look.progress.done / look.progress.total:.0%}" if counted else "100%"
    # Where nobody knows how long it takes, the whole bar breathes.
    return _BAR.format(words=words, share=share, pulse="" if counted else "animation: breathe 1.6s infinite")


def _words(look):
    done, total, history = look.progress
    words = {
        "": "",
        "training": f"Epoch {done + 1} of {total} ..." if total else "Reading the pictures and the network ...",
        "exporting": "Exporting the best epoch ...",
        "loading": "The server loads the new version ...",
        "cancelling": "Cancelling ...",
        "done": f"Done: this is version {look.version}.",
        "failed": f"It has failed: {look.text}",
        "cancelled": "Cancelled. Nothing has changed.",
    }[look.step]
    if history and look.step in ("training", "exporting", "loading"):
        words += f" Validation accuracy: {history[-1].get('val_accuracy', 0):.0%}"
    return words


def curve(history):
    """Returns arguments of `gradio.LinePlot`: the accuracy after each epoch.

    Args:
        history: One dict an epoch; see `apps.image_classification.progress.Progress`.
    """
    rows = [
        (row["epoch"], row[metric], pictures)
        for row in history
        for metric, pictures in (("accuracy", "training"), ("val_accuracy", "validation"))
        if metric in row
    ]
    return {"value": pandas.DataFrame(rows, columns=_COLUMNS), "color_map": _COLORS}


def describe(version):
    """Returns a line about an `apps.image_classification.versions.Version`."""
    accuracy = version.note.get("accuracy")
    facts = [f"{version.date:%d %b %H:%M}", ", ".join(version.class_names)]
    if accuracy is not None:
        facts.append(f"validation accuracy {accuracy:.0%}")
    return f"{version.number}: {' · '.join(facts)}"
