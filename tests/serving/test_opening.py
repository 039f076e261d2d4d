"""How a version is best run is found out when it is opened: on one core where it is quick, or loops and gains by it."""

import time

import pytest

from serving import opening
from serving.opening import open_version
from serving.runner import RunnerOptions

ALL_CORES, ONE_CORE = 0, 1


class FakeRunner:
    """A model whose runs take a while that depends on its threads."""

    signatures = {"s": None}
    seconds, loops, stateful = {}, False, False
    opened = []

    def __init__(self, path, options):
        self.cores, self.side_by_side = options.intra_op_parallelism, options.inter_op_parallelism
        self.runs = 0
        self.closed = False
        self.opened.append(self)

    def has_loops(self, name):
        return self.loops

    def is_stateful(self, name):
        return self.stateful

    def run(self, name, inputs, outputs):
        self.runs += 1
        # The first run of a graph is not like the others.
        time.sleep(self.seconds[self.cores] + (0.05 if self.runs == 1 else 0))

    def close(self):
        self.closed = True


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """Open a version whose runs take so long on all cores and on one."""
    monkeypatch.setattr(opening, "Runner", FakeRunner)
    monkeypatch.setattr(opening, "warm_up", lambda runner, path, options: runner.run("s", {}, ()))
    monkeypatch.setattr(opening.os, "cpu_count", lambda: 2)

    def open_fake(all_cores, one_core, loops=False, stateful=False, **options):
        FakeRunner.opened = []
        FakeRunner.seconds = {ALL_CORES: all_cores, ONE_CORE: one_core}
        FakeRunner.loops, FakeRunner.stateful = loops, stateful
        runner = open_version(tmp_path, RunnerOptions(**options)).runner
        # Whatever was tried, one is left.
        assert [other for other in FakeRunner.opened if not other.closed] == [runner]
        return runner

    return open_fake


def test_a_quick_model_is_run_on_one_core(opened):
    runner = opened(0.001, 0.001)
    assert (runner.cores, runner.side_by_side) == (1, 1)


def test_a_large_model_shares_all_cores(opened):
    assert opened(0.02, 0.001).cores == ALL_CORES
    assert len(FakeRunner.opened) == 1


@pytest.mark.parametrize(("all_cores", "one_core", "chosen"), [(0.03, 0.01, ONE_CORE), (0.01, 0.03, ALL_CORES)])
def test_a_model_with_loops_is_run_as_is_quicker(opened, all_cores, one_core, chosen):
    assert opened(all_cores, one_core, loops=True).cores == chosen
    assert len(FakeRunner.opened) == 2


def test_what_the_flags_say_is_not_decided_anew(opened):
    assert opened(0.001, 0.001, intra_op_parallelism=1).side_by_side == 0
    assert len(FakeRunner.opened) == 1
    assert opened(0.001, 0.001, inter_op_parallelism=3).side_by_side == 3


def test_a_model_that_keeps_state_is_warmed_up_once(opened):
    assert opened(0.001, 0.001, stateful=True).runs == 1
    assert opened(0.001, 0.001).runs > 1
