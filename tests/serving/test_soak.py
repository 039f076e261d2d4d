"""The soak's short form, and that it sees what it looks for."""

import importlib.util
import types
from pathlib import Path

import numpy as np
import pytest

from serving.runner import Runner, RunnerOptions

FILE = Path(__file__).with_name("soak.py")


@pytest.fixture(scope="module")
def soak():
    spec = importlib.util.spec_from_file_location("soak", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_short_form(soak, capsys):
    code = soak.main(["--minutes", "0.2"])
    out = capsys.readouterr().out
    assert code == 0, out
    for what in ("REST answers", "gRPC answers", "renamed", "kills"):
        assert f"| {what} " in out
    assert "| violations                             |                      0 |" in out


def test_a_violation_is_told_in_the_exit_code(soak, capsys, monkeypatch):
    class Failing:
        first = None
        process = types.SimpleNamespace(end=lambda number: None)

        def __init__(self, name, seconds, ledger, folder, rng):
            self.run = lambda: ledger.violation(f"{name} for {seconds} s")

    monkeypatch.setattr(soak, "Phase", Failing)
    assert soak.main(["--minutes", "0.1"]) == 1
    assert "VIOLATION: swaps for 3.0 s\nVIOLATION: kills for 3.0 s\n" in capsys.readouterr().out


def test_answers_are_checked(soak):
    ledger = soak.Ledger()
    ledger.will_be_good(3)
    x = np.array([5, -6])

    def check(y, version, at_least=0):
        before = len(ledger.violations)
        ledger.check(x, {"y": np.array(y), "version": np.array(version)}, at_least)
        return ledger.violations[before:]

    assert not check([22, -11], [3, 3])
    assert "wrong answer" in check([22, -12], [3, 3])[0]
    assert "wrong answer" in check([22], [3])[0]
    assert "none of which is good" in check([27, -17], [4, 4])[0]
    assert "none of which is good" in check([22, -11], [3, 4])[0]
    assert "version 3 answers after version 4" in check([22, -11], [3, 3], 4)[0]


def test_growth_is_seen(soak, tmp_path):
    ledger = soak.Ledger()
    phase = soak.Phase.__new__(soak.Phase)
    readings = iter([{"MiB": 100 + 200 * n, "files": 20, "threads": 10} for n in range(3)])
    waits = iter([False, False, True])
    phase._ledger, phase._seconds, phase.first, phase.most = ledger, 0, None, None
    phase._stop = types.SimpleNamespace(wait=lambda seconds: next(waits))
    phase.process = types.SimpleNamespace(resources=lambda: next(readings))
    phase._measure()
    assert ledger.violations == ["MiB grew from 100 to 300, by more than 96"]


def test_broken_versions_do_not_load_and_whole_ones_do(soak, tmp_path):
    versions = soak.Versions(tmp_path, soak.Ledger())
    for kind in (*soak.WHOLE, *soak.BROKEN):
        path = tmp_path / soak.MODEL / str(versions.add(kind))
        if kind in soak.WHOLE:
            Runner(path, RunnerOptions()).close()
            continue
        # What a broken folder raises is TensorFlow's, protobuf's or Python's own.
        with pytest.raises(Exception, match=r"."):
            Runner(path, RunnerOptions())
