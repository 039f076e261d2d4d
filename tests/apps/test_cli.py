"""The command line, as it is typed."""

import json
import re

import numpy as np
import pytest

from apps.cli import main
from dlkeras.data.encode import encode_png

APP = "image_classification"
COMMANDS = ("list", "train", "evaluate", "export", "predict", "serve", "demo", "up", "benchmark")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with pictures of two classes that differ in colour, of different sizes."""
    folder = tmp_path_factory.mktemp("cli")
    random = np.random.default_rng(0)
    for label, name in enumerate(("red", "blue")):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(40):
            picture = random.integers(0, 80, (20 + number % 3, 24, 3), dtype="uint8")
            picture[..., 2 * label] += 150
            (folder / "pictures" / name / f"{number}.png").write_bytes(encode_png(picture))
    (folder / "reddish.png").write_bytes(encode_png(np.full((50, 60, 3), (200, 30, 40), "uint8")))
    return folder


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)


@pytest.fixture(scope="module")
def run(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        settings = ["--set", "epochs=4", "--set", "image_size=24", "--set", "batch_size=8"]
        assert main(["train", APP, "--data", "pictures", *settings]) == 0
    return f"runs/{APP}/default"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"dlkeras {command}" in capsys.readouterr().out.split("Example:")[1]


def test_list(capsys):
    assert main(["list"]) == 0
    assert APP in capsys.readouterr().out


def test_train_leaves_a_run(run, folder):
    files = {path.name for path in (folder / run).iterdir()}
    assert {"config.json", "state.json", "model.weights.h5", "history.csv", "curve.png"} <= files


def test_train_on_with_other_settings_is_refused(run, capsys):
    assert main(["train", APP, "--data", "pictures", "--set", "epochs=5", "--set", "image_size=24"]) == 1
    error = capsys.readouterr().err
    assert "batch_size: 8 there, 64 now" in error
    assert "--fresh" in error


def test_evaluate_measures_and_reports(run, folder, capsys):
    assert main(["evaluate", APP, "--run", run, "--record"]) == 0
    assert "accuracy" in capsys.readouterr().out
    metrics = json.loads((folder / run / "metrics.json").read_text())
    assert metrics["accuracy"] > 0.9
    report = {path.name for path in (folder / run / "report").iterdir()}
    assert report == {"classes.csv", "confusion.png", "mistakes.png"}


def test_evaluate_tests_on_all_of_a_folder_without_training_pictures(run, folder, capsys):
    pictures = folder / "others" / "red"
    pictures.mkdir(parents=True)
    (pictures / "one.png").write_bytes((folder / "reddish.png").read_bytes())
    assert main(["evaluate", APP, "--run", run, "--data", "others", "--report", "others/report"]) == 0
    output = capsys.readouterr().out
    assert "all of its 1 pictures are tested on" in output
    assert "accuracy                     1.0000" in output


def test_predict_prints_json(run, capsys):
    assert main(["predict", APP, "reddish.png", "--run", run]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["labels"] == ["red", "blue"]
    assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)


def test_predict_refuses_what_is_no_picture(run, folder, capsys):
    (folder / "words.png").write_text("some words")
    assert main(["predict", APP, "words.png", "--run", run]) == 1
    assert "must be the bytes of a JPEG or PNG" in capsys.readouterr().err
    assert main(["predict", APP, "missing.png", "--run", run]) == 1
    assert "`image_bytes` must be a file. There is none at: missing.png" in capsys.readouterr().err


def test_export_counts_up_and_lists_the_models(run, folder):
    for number in (1, 2):
        assert main(["export", APP, "--run", run]) == 0
        extra = folder / "models" / APP / str(number) / "assets.extra"
        assert (extra / "labels.txt").read_text().split() == ["blue", "red"]
        assert "Figures" in (extra / "README.md").read_text()
    assert f'name: "{APP}"' in (folder / "models" / "models.config").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", APP, "--set", "epoch=3"], r"`--set` takes one of .*epochs.* Received: epoch"),
        (["train", APP, "--set", "epochs=three"], "must be a whole number. Received: epochs=three"),
        (["train", APP, "--set", "optimizer=lion"], "`optimizer` must be one of sgd, adam. Received: lion"),
        (["train", APP, "--config", "huge"], "`--config` must be one of default.* Received: huge"),
        (["train", APP, "--data", "nowhere"], "`data` must be one of digits.*Received: 'nowhere', which is not there"),
        (["train", APP, "--set", "model=vgg"], "`model` must be one of .*resnet20.* Received: vgg"),
        (["evaluate", APP, "--run", "runs/none"], "runs/none holds no trained model"),
        (["evaluate", APP, "--preset", "none"], "`--preset` must be one of .* Received: none"),
        (["predict", APP, "reddish.png", "--endpoint", "none"], "`endpoint` must be one of serving_default, tensors"),
        (["export"], "takes an APP or --all"),
        (["serve", "--models", "empty"], "holds no exported model"),
        (["predict", APP, "reddish.png", "--server", "127.0.0.1:1"], "no answer from 127.0.0.1:1"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(arguments, sentence, capsys):

    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert re.search(sentence, error), error
    assert error.startswith("dlkeras: ")
