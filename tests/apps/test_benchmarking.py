"""`dlkeras benchmark`: rows are made once, kept, and put into the table."""

import json
import sys
import types

import numpy as np
import pytest

from apps import registry
from apps.commands.benchmarking import benchmark
from apps.image_classification.benchmarks import distillation, finetune, pretraining, vision
from dlkeras.data.splits import Examples, Splits


@pytest.fixture
def table(monkeypatch, tmp_path):
    """A table of two rows, whose module counts what it is asked for."""
    module = types.ModuleType("made_up_table")
    module.__file__ = str(tmp_path / "made_up_table.py")
    module.ROWS = ("one", "two")
    module.made = []

    def run(row, directory):
        assert directory.is_dir()
        module.made.append((row, sorted(path.parent.name for path in directory.parent.glob("*/result.json"))))
        if row == "two" and len(module.made) < 3:
            raise KeyboardInterrupt
        return {"accuracy": len(row)}

    module.run = run
    module.table = lambda results: "\n".join(f"| {row} | {result['accuracy']} |" for row, result in results.items())
    (tmp_path / "README.md").write_text(
        "above\n<!-- written by `dlkeras benchmark made_up --record` -->\nold\n<!-- end of made_up -->\nbelow\n"
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(registry.BENCHMARKS, "made_up", module.__name__)
    return module


def test_goes_on_where_it_was_broken_off(table, tmp_path, capsys):
    with pytest.raises(KeyboardInterrupt):
        benchmark("made_up", directory=tmp_path / "rows")
    assert json.loads((tmp_path / "rows" / "one" / "result.json").read_text()) == {"accuracy": 3}

    results = benchmark("made_up", directory=tmp_path / "rows", record=True)
    assert results == {"one": {"accuracy": 3}, "two": {"accuracy": 3}}
    assert table.made == [("one", []), ("two", ["one"]), ("two", ["one"])]
    assert "| two | 3 |" in capsys.readouterr().out
    readme = (tmp_path / "README.md").read_text()
    assert "| one | 3 |\n| two | 3 |" in readme
    assert "old" not in readme
    assert readme.startswith("above") and readme.endswith("below\n")


def test_an_unknown_row_names_those_there_are(table, tmp_path):
    with pytest.raises(ValueError, match=r"`--rows` must be among one, two. Received: three"):
        benchmark("made_up", rows=["three"], directory=tmp_path)


def _splits(train, validation, test):
    """Examples whose one pixel tells which split they came from."""

    def make(count, pixel):
        y = np.tile(np.arange(10, dtype="int32"), count)
        return Examples(np.full((len(y), 2, 2, 1), pixel, "uint8"), y)

    info = {"class_names": [f"class{index}" for index in range(10)], "image_shape": [2, 2, 1], "data": "made"}
    return Splits(make(train, 1), make(validation, 2), make(test, 3), info)


def test_fine_tuning_has_all_training_pictures_and_no_other():
    splits = finetune._all_training_pictures(_splits(train=18, validation=9, test=2))
    assert set(splits.train.x.ravel()) == {1, 3}
    assert len(splits.train.y) == 200
    assert set(splits.test.x.ravel()) == {2}


def test_halves_share_no_class():
    splits = _splits(train=30, validation=50, test=4)
    first, last = (pretraining._half(splits, first=first) for first in (True, False))
    assert not set(first.info["class_names"]) & set(last.info["class_names"])
    few = pretraining._few(last, seed=1)
    np.testing.assert_array_equal(np.bincount(few.train.y), [20] * 5)
    assert set(few.train.x.ravel()) == {1}
    assert set(few.validation.x.ravel()) == {2}


def _result(accuracy):
    return {"accuracy": accuracy, "best_accuracy": accuracy + 0.1, "parameters": 1234, "cpu_seconds": 90}


@pytest.mark.parametrize("module", [distillation, finetune, pretraining])
def test_tables_of_seeds(module):
    way = next(iter(module.WAYS))
    results = {f"{way}-{seed}": _result(0.5 + seed / 10) for seed in (0, 1)}
    lines = module.table(results).splitlines()
    assert f"| {module.WAYS[way]} | 0.5000 | 0.6000 |  | 0.5500 | 1,234 | 1.5 |" == lines[2]


def test_the_table_of_classifiers():
    result = {
        **{"parameters": 1234, "accuracy": 0.9, "val_accuracy": 0.91, "best_epoch": 9, "epochs": 10, "batch_size": 128},
        **{"learning_rate": 0.003, "seconds": 60, "cpu_seconds": 90, "seed": 0},
    }
    lines = vision.table({"lenet": result}).splitlines()
    cells = "lenet | 1,234 | 0.9000 | 0.73 to 0.78 | 0.9100 | 9 of 10 | 128 | 0.003 | 1.0 (1.5) | 0"
    assert lines[2] == f"| {cells} |"
