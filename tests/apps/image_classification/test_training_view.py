"""What the page says of a training, and what it says where there can be none."""

import pytest

from apps.image_classification import finetune_page
from apps.image_classification.progress import Progress
from apps.image_classification.training_view import curve, show_step
from apps.image_classification.uploads import Upload
from apps.image_classification.workshop import Look

HISTORY = [{"epoch": 1, "accuracy": 0.5, "val_accuracy": 0.25, "phase": "head"}]


@pytest.mark.parametrize(
    ("look", "words", "bar"),
    [
        (Look(), "", False),
        (Look(1, "training"), "Reading the pictures", "width: 100%"),
        (Look(1, "training", Progress(1, 4, HISTORY)), "Epoch 2 of 4 ... Validation accuracy: 25%", "width: 25%"),
        (Look(1, "exporting", Progress(4, 4, HISTORY)), "Exporting", "breathe"),
        (Look(1, "done", version=7), "this is version 7", False),
        (Look(1, "failed", text="no <b>"), "It has failed: no &lt;b&gt;", False),
        (Look(1, "cancelled"), "Cancelled", False),
    ],
)
def test_each_step_has_its_words(look, words, bar):
    shown = show_step(look)
    assert words in shown
    assert (bar in shown) if bar else ("<div" not in shown)


def test_the_curve_has_a_point_for_each_accuracy():
    assert curve(HISTORY)["value"].to_numpy().tolist() == [[1, 0.5, "training"], [1, 0.25, "validation"]]
    assert curve([])["value"].empty


def test_few_pictures_have_small_batches():
    few, many = Upload({"a": 3, "b": 3}, []), Upload({"a": 900, "b": 900}, [])
    same = {"validation_fraction": 0.2}
    assert finetune_page._settings(few, 12) == {"head_epochs": 4, "epochs": 8, "batch_size": 4, **same}
    assert finetune_page._settings(many, 2) == {"head_epochs": 1, "epochs": 1, "batch_size": 32, **same}


def test_a_page_without_a_server_here_says_what_training_needs(monkeypatch):
    class Far:
        models = None

    said = []
    monkeypatch.setattr(finetune_page.gradio, "Markdown", said.append)
    assert finetune_page.build_training(Far()) == (None, [])
    assert "dlkeras up" in said[0]
