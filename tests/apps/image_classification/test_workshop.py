"""Training from the page: one at a time, cancelled and failed ones leave nothing behind, versions come and go."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.commands.chain import run as run_chain
from apps.commands.exporting import choose_version, write_models_config
from apps.image_classification import versions
from apps.image_classification.uploads import Upload, UploadError
from apps.image_classification.workshop import Workshop, WorkshopError
from apps.predict import PredictError
from serving.client import ClientError
from serving.config import model_configs, read_model_config
from serving.specs import VersionStatus

NAME = "mine"

# Stands in for the commands: an epoch, and what `pictures` says; then a version of a folder's shape.
COMMAND = """
import json, pathlib, sys, time
arguments = sys.argv[1:]
given = dict(zip(arguments, arguments[1:]))
run, data = pathlib.Path(given["--run"]), pathlib.Path(given["--data"])
run.mkdir(parents=True)
(run / "config.json").write_text(json.dumps({"config": {"head_epochs": 1, "epochs": 1}}))
for folder, accuracy, loss in ((run / "head", 0.75, 0.3), (run, 1.0, 0.4)):
    folder.mkdir(exist_ok=True)
    history = [{"epoch": 1, "accuracy": 0.5, "val_accuracy": accuracy, "val_loss": loss}]
    (folder / "state.json").write_text(json.dumps({"history": history}))
    if (data / "wait").exists():
        time.sleep(60)
if (data / "fail").exists():
    sys.exit("a line\\ndlkeras: There is no way.\\nanother line")
folder = pathlib.Path(given["--models"], given["--name"])
version = folder / str(1 + len(list(folder.glob("[0-9]*"))))
(version / "assets.extra").mkdir(parents=True)
(version / "assets.extra" / "labels.txt").write_text("cat\\ndog\\n")
(version / "saved_model.pb").touch()
print(json.dumps(arguments), file=open(version / "arguments", "w"))
"""


class Server:
    """Stands in for the client of a server that serves what `models.config` says."""

    def __init__(self, models):
        self.models = models
        self.failing = ()

    def status(self, name):
        path = self.models / "models.config"
        configs = {config.name: config for config in model_configs(read_model_config(path))} if path.exists() else {}
        if name not in configs:
            raise ClientError("NOT_FOUND", "no such model")
        found = [int(path.name) for path in (self.models / name).glob("[0-9]*")]
        wanted = configs[name].select(found)
        return [
            VersionStatus(number, "END", "UNKNOWN", "it is broken")
            if number in self.failing
            else VersionStatus(number, "AVAILABLE" if number in wanted else "END")
            for number in sorted(found, reverse=True)
        ]


@pytest.fixture
def server(tmp_path, monkeypatch):
    server = Server(tmp_path)
    monkeypatch.setattr(versions, "Client", lambda address: server)
    return server


@pytest.fixture
def workshop(server, tmp_path):
    workshop = Workshop(tmp_path, "host:1", NAME, (sys.executable, "-c", COMMAND))
    yield workshop
    workshop.close()


def start(workshop, *files):
    def fill(folder):
        folder.mkdir()
        for name in files:
            (folder / name).touch()
        return Upload({"cat": 3, "dog": 4}, [])

    return workshop.start(fill, "cifar10", lambda upload: {"epochs": 1})


def wait_for(workshop, *steps):
    end = time.monotonic() + 30
    while workshop.look().step not in steps:
        assert time.monotonic() < end, workshop.look()
        time.sleep(0.02)
    return workshop.look()


def left_behind(tmp_path):
    return [path.name for path in (tmp_path / NAME).iterdir() if path.name != ".training.lock"]


def test_a_training_becomes_a_version_that_answers(workshop, tmp_path):
    assert workshop.look().step == ""
    assert start(workshop).counts == {"cat": 3, "dog": 4}
    look = wait_for(workshop, "done", "failed")
    assert (look.step, look.version, look.number) == ("done", 1, 1)
    assert [row["phase"] for row in look.progress.history] == ["head", "last layers"]
    (version,) = workshop.versions.on_disk()
    assert version.class_names == ["cat", "dog"]
    assert version.note == {"pictures": 7, "backbone": "cifar10", "accuracy": 0.75}
    assert workshop.versions.answering() == 1
    workshop.close()
    assert left_behind(tmp_path) == ["1"]
    arguments = json.loads((tmp_path / NAME / "1" / "arguments").read_text())
    assert arguments[:4] == ["train", "image_classification", "--finetune", "cifar10"]
    assert arguments[arguments.index(",") + 1 :][:2] == ["export", "image_classification"]


def test_one_at_a_time(workshop, server, tmp_path):
    start(workshop, "wait")
    for other in (workshop, Workshop(tmp_path, "host:1", NAME)):
        with pytest.raises(WorkshopError, match="running already"):
            start(other)
    assert workshop.look().running
    workshop.close()
    assert start(workshop)
    wait_for(workshop, "done")


def test_its_progress_is_told_and_it_can_be_cancelled(workshop, tmp_path):
    start(workshop, "wait")
    while workshop.look().progress.done < 1:
        time.sleep(0.02)
    look = workshop.look()
    assert (look.step, look.progress.done, look.progress.total) == ("training", 1, 2)
    workshop.cancel()
    assert wait_for(workshop, "cancelled").progress.done == 1
    workshop.close()
    assert left_behind(tmp_path) == []


def test_a_failure_is_told_in_the_commands_own_sentence(workshop, tmp_path):
    start(workshop, "fail")
    assert wait_for(workshop, "failed").text == "There is no way."
    workshop.close()
    assert left_behind(tmp_path) == []


def test_pictures_that_are_refused_start_nothing(workshop, tmp_path):
    def fill(folder):
        folder.mkdir()
        raise UploadError("no pictures")

    with pytest.raises(UploadError):
        workshop.start(fill, "cifar10", dict)
    assert workshop.look().step == ""
    assert left_behind(tmp_path) == []


def test_the_end_of_the_process_ends_the_training(tmp_path):
    """What a gallery that is terminated leaves running, and on disk: nothing."""
    code = (
        "import signal, sys, time, pathlib\n"
        "from apps.image_classification.workshop import Workshop\n"
        "from apps.image_classification.uploads import Upload\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "sleep = 'import os, pathlib, sys, time; pathlib.Path(sys.argv[-1]).write_text(str(os.getpid())); "
        "time.sleep(60)'\n"
        f"workshop = Workshop({str(tmp_path)!r}, '127.0.0.1:1', 'mine', (sys.executable, '-c', sleep))\n"
        f"workshop.versions.models = {str(tmp_path / 'pid')!r}\n"
        "workshop.start(lambda folder: Upload({}, []), 'cifar10', lambda upload: {})\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    end = time.monotonic() + 60
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()
    assert left_behind(tmp_path) == []


def test_versions_are_gone_back_to_until_the_next_training(workshop, server, tmp_path):
    for number in (1, 2):
        start(workshop)
        assert wait_for(workshop, "done", "failed").version == number
        workshop.close()
    workshop.versions.use(1)
    assert workshop.versions.answering() == 1
    write_models_config(tmp_path)  # as the next start of the server does
    assert workshop.versions.answering() == 1
    start(workshop)
    assert wait_for(workshop, "done").version == 3
    assert workshop.versions.answering() == 3
    assert [version.number for version in workshop.versions.on_disk()] == [3, 2, 1]
    with pytest.raises(PredictError, match=r"no version 4 of mine\. Those there are: 3, 2, 1"):
        workshop.versions.use(4)
    server.failing = (2,)
    with pytest.raises(PredictError, match="cannot load version 2: it is broken"):
        workshop.versions.use(2)


def test_a_version_that_does_not_come_is_told(workshop, server, monkeypatch):
    start(workshop)
    wait_for(workshop, "done")
    monkeypatch.setattr(server, "status", lambda name: [])
    with pytest.raises(PredictError, match=r"not loaded version 1 in 0\.1 s"):
        workshop.versions.use(1, seconds=0.1)


def test_a_choice_of_a_version_that_is_gone_is_no_choice(tmp_path):
    for number in (1, 2):
        (tmp_path / NAME / str(number)).mkdir(parents=True)
        (tmp_path / NAME / str(number) / "saved_model.pb").touch()
    choose_version(NAME, 1, tmp_path)
    (config,) = model_configs(read_model_config(tmp_path / "models.config"))
    assert config.versions == (1,)
    (tmp_path / NAME / "1" / "saved_model.pb").unlink()
    (tmp_path / NAME / "1").rmdir()
    write_models_config(tmp_path)
    (config,) = model_configs(read_model_config(tmp_path / "models.config"))
    assert config.versions == ()


def test_a_chain_ends_with_the_first_command_that_fails(monkeypatch):
    ran = []
    codes = {"a": 0, "b": 3, "c": 0}
    monkeypatch.setattr("apps.commands.chain.main", lambda arguments: ran.append(arguments) or codes[arguments[0]])
    assert run_chain(["a", "1", ",", "b", ",", "c"]) == 3
    assert ran == [["a", "1"], ["b"]]
    assert run_chain(["a", ",", "c"]) == 0
