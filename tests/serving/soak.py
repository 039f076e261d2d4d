"""The server under what goes wrong: `python -m tests.serving.soak --minutes 10`; exit code 1 on any violation.

Four clients ask all the time, two over gRPC and two over REST, each request with numbers of its own; the answer names
the version that computed it, so each one can be checked. Meanwhile new versions arrive every few seconds, some of
them broken. In the first half of the time the newest version is served and the process must not grow; in the second
half it is killed by SIGKILL again and again, and the two newest are served, so that one of them always loads.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving.client import Client, ClientError

MODEL = "scale"
OFFSET = 7
KEPT_VERSIONS = 6
REQUEST_SECONDS = 120
PAUSE_SECONDS = 0.005
# How soon a version is served, or its error told; longer where the process may be killed meanwhile.
VERDICT_SECONDS = {"swaps": 20, "kills": 90}
POLICY = {"swaps": 1, "kills": 2}
# A version's variables are 4 MB: a process that kept one in ten of them would soon be beyond this.
GROWTH = {"MiB": 96, "files": 32, "threads": 16}
BROKEN = ("cut variables", "garbage graph", "empty folder", *(["unreadable graph"] if os.geteuid() else []))
WHOLE = ("renamed", "copied in place")


class Scale(tf.Module):
    """x * version + 7, and the version."""

    def __init__(self):
        super().__init__()
        self.version = tf.Variable(0, dtype=tf.int64)
        self.table = tf.Variable(tf.fill((500_000,), tf.constant(OFFSET, tf.int64)))

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.int64, "x")])
    def __call__(self, x):
        return {"y": x * self.version + self.table[-1], "version": tf.zeros_like(x) + self.version}


class Ledger:
    """What has happened; for all threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self._good = set()
        self.violations, self.counts, self.seconds = [], {}, []

    def violation(self, text):
        """Note what must not be."""
        with self._lock:
            self.violations.append(text)
            print(f"VIOLATION: {text}", flush=True)

    def count(self, what, seconds=None):
        """Note that something has happened, and how long it took."""
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            if seconds is not None:
                self.seconds.append(seconds)

    def will_be_good(self, version):
        """Note a version that may answer from now on."""
        with self._lock:
            self._good.add(version)

    def check(self, x, answer, at_least=0):
        """Check an answer to the numbers `x`, and give the version that it is from."""
        versions = set(answer["version"].tolist())
        version = versions.pop() if versions else None
        with self._lock:
            good = version in self._good
        if versions or not good:
            self.violation(f"an answer is from version {version}, {sorted(versions)}, none of which is good")
        elif not np.array_equal(answer["y"], x * version + OFFSET):
            self.violation(f"a wrong answer: {x.tolist()} times {version} and {OFFSET} is not {answer['y'].tolist()}")
        elif version < at_least:
            self.violation(f"version {version} answers after version {at_least} has")
        return version


class Process:
    """The server as a process, which can be killed and started again."""

    def __init__(self, folder, policy):
        self._log = folder / "log.txt"
        config = folder / "models.config"
        config.write_text(
            f'model_config_list {{ config {{ name: "{MODEL}" base_path: "{folder / MODEL}" '
            f"model_version_policy {{ latest {{ num_versions: {policy} }} }} }} }}"
        )
        ports = _free_ports(2)
        self.grpc, self.rest = f"127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
        flags = f"--port={ports[0]}", f"--rest_api_port={ports[1]}", f"--model_config_file={config}"
        # Tries again soon, so that what a failure leaves behind for the next try is there from the first minute on.
        self._command = [sys.executable, "-m", "serving", *flags, "--load_retry_interval_micros=5000000"]
        self.start()

    def start(self):
        """Start it, without waiting."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def wait_until_ready(self, seconds=90):
        """Tell whether it is ready in time."""
        end = time.monotonic() + seconds
        with Client(self.rest, retries=0) as client:
            while time.monotonic() < end and self._process.poll() is None:
                if client.ready(timeout=2):
                    return True
                time.sleep(0.2)
        return False

    def end(self, number):
        """End it by a signal."""
        self._process.send_signal(number)
        self._process.wait(30)

    def resources(self):
        """Give its memory in MiB, and how many files and threads it has."""
        root = Path("/proc", str(self._process.pid))
        status = dict(line.split(":", 1) for line in (root / "status").read_text().splitlines())
        files = len(list((root / "fd").iterdir()))
        return {"MiB": int(status["VmRSS"].split()[0]) // 1024, "files": files, "threads": int(status["Threads"])}

    def log_tail(self):
        """Give the last of what it said."""
        return "\n".join(self._log.read_text().splitlines()[-15:])


class Versions:
    """Puts versions into a model's folder, in every way that there is."""

    def __init__(self, folder, ledger):
        self._folder, self._ledger = folder / MODEL, ledger
        self._staging = folder / "staging"
        self._folder.mkdir()
        self._model = Scale()
        self.number = 0

    def add(self, kind):
        """Add a version; gives its number."""
        self.number += 1
        self._model.version.assign(self.number)
        tf.saved_model.save(self._model, str(self._staging), signatures=self._model.__call__)
        target = self._folder / str(self.number)
        if kind in WHOLE:
            self._ledger.will_be_good(self.number)
        if kind == "copied in place":
            copy_slowly(self._staging, target)
            shutil.rmtree(self._staging)
        else:
            damage(self._staging, kind)
            self._staging.rename(target)
        self._ledger.count(kind)
        for old in self._folder.iterdir():
            if int(old.name) <= self.number - KEPT_VERSIONS:
                shutil.rmtree(old)
        return self.number


def damage(folder, kind):
    """Break a SavedModel in one of the ways of `BROKEN`; any other kind leaves it whole."""
    graph, data = folder / "saved_model.pb", folder / "variables" / "variables.data-00000-of-00001"
    if kind == "cut variables":
        os.truncate(data, data.stat().st_size // 2)
    elif kind == "garbage graph":
        graph.write_bytes(os.urandom(graph.stat().st_size))
    elif kind == "empty folder":
        shutil.rmtree(folder)
        folder.mkdir()
    elif kind == "unreadable graph":
        graph.chmod(0)


def copy_slowly(source, target):
    """Copy a SavedModel as a slow network does: file after file, each in three parts, where the server looks."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
        third = len(content) // 3 + 1
        with copy.open("wb") as out:
            for start in range(0, len(content), third):
                out.write(content[start : start + third])
                out.flush()
                time.sleep(0.25)


class Phase:
    """One half of the time.

    Args:
        name: `"swaps"` or `"kills"`.
        seconds: How long it lasts.
        ledger: The `Ledger`.
        folder: A folder of its own.
        rng: A `random.Random`.
    """

    def __init__(self, name, seconds, ledger, folder, rng):
        self._name, self._ledger, self._rng = name, ledger, rng
        self._stop = threading.Event()
        self._versions = Versions(folder, ledger)
        self._versions.add("renamed")
        self._seconds = seconds
        self.process = Process(folder, POLICY[name])
        self.first = self.most = None

    def run(self):
        """Run it to its end."""
        if not self.process.wait_until_ready():
            return self._ledger.violation(f"the server did not start:\n{self.process.log_tail()}")
        jobs = [(self._ask, address) for address in (self.process.grpc, self.process.rest) * 2] + [(self._add,)]
        jobs.append((self._kill if self._name == "kills" else self._measure,))
        threads = [threading.Thread(target=self._guard, args=job) for job in jobs]
        for thread in threads:
            thread.start()
        self._stop.wait(self._seconds)
        self._stop.set()
        for thread in threads:
            thread.join()
        self.process.end(signal.SIGTERM)

    def _guard(self, job, *arguments):
        try:
            job(*arguments)
        except Exception as error:
            self._ledger.violation(f"{job.__name__}: {type(error).__name__}: {error}")

    def _ask(self, address):
        newest = 0
        rng = np.random.default_rng(self._rng.getrandbits(64))
        kind = "REST answers" if address.startswith("http") else "gRPC answers"
        with Client(address, retries=1000) as client:
            while not self._stop.wait(PAUSE_SECONDS):
                x = rng.integers(-(2**40), 2**40, rng.integers(1, 5))
                start = time.monotonic()
                try:
                    answer = client.predict(MODEL, {"x": x}, timeout=REQUEST_SECONDS)
                except ClientError as error:
                    self._ledger.violation(f"a request failed for good: {error.code}: {error.message}")
                    continue
                # Who was killed may come back with the version before.
                newest = self._ledger.check(x, answer, newest if self._name == "swaps" else 0) or newest
                self._ledger.count(kind, time.monotonic() - start)

    def _add(self):
        last = "renamed"
        with Client(self.process.grpc, retries=1000) as client:
            while not self._stop.wait(self._rng.uniform(0.5, 2)):
                # Of the two newest one must always be whole, and its copying over.
                choices = WHOLE + BROKEN * 2 if last == "renamed" or self._name == "swaps" else ("renamed",)
                last = self._rng.choice(choices)
                self._await_verdict(client, self._versions.add(last), last)

    def _await_verdict(self, client, number, kind):
        start = time.monotonic()
        while (waited := time.monotonic() - start) < VERDICT_SECONDS[self._name]:
            statuses = {}
            with contextlib.suppress(ClientError):
                statuses = {status.version: status for status in client.status(MODEL, timeout=10)}
            status = statuses.get(number)
            if status is not None and (status.state == "AVAILABLE" or (kind in BROKEN and status.error_code != "OK")):
                if (status.state == "AVAILABLE") == (kind in BROKEN):
                    self._ledger.violation(f"version {number} ({kind}) is {status}")
                return
            time.sleep(0.2)
        self._ledger.violation(f"version {number} ({kind}) is {status} after {waited:.0f} s")

    def _kill(self):
        # At least once, however short the phase is.
        while not self._stop.wait(self._rng.uniform(1, min(8, self._seconds / 2))):
            self._kill_once()
        if not self.process.wait_until_ready():
            self._ledger.violation(f"the server did not come back:\n{self.process.log_tail()}")

    def _kill_once(self):
        self.process.end(signal.SIGKILL)
        self._ledger.count("kills")
        self.process.start()
        # One in four is killed again before it is ready.
        if self._rng.random() > 0.25 and not self.process.wait_until_ready():
            self._ledger.violation(f"the server did not come back:\n{self.process.log_tail()}")

    def _measure(self):
        # What is loaded and learnt at first is no growth.
        settled = time.monotonic() + max(self._seconds / 4, min(3, self._seconds / 2))
        while not self._stop.wait(0.5):
            now = self.process.resources()
            if time.monotonic() < settled:
                continue
            self.first = self.first or now
            self.most = {key: max(now[key], (self.most or now)[key]) for key in now}
        for key, bound in GROWTH.items():
            if self.most[key] > self.first[key] + bound:
                self._ledger.violation(f"{key} grew from {self.first[key]} to {self.most[key]}, by more than {bound}")


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


def _report_minutes(ledger, stopped):
    minute = 0
    while not stopped.wait(60):
        minute += 1
        counts = ", ".join(f"{count} {what}" for what, count in sorted(ledger.counts.items()))
        print(f"minute {minute}: {counts}, {len(ledger.violations)} violations", flush=True)


def _table(ledger, swaps):
    rows = [(what, str(count)) for what, count in sorted(ledger.counts.items())]
    if ledger.seconds:
        p50, p99, longest = np.quantile(ledger.seconds, (0.5, 0.99, 1)) * 1000
        rows.append(("ms to an answer, p50 / p99 / longest", f"{p50:.1f} / {p99:.1f} / {longest:.0f}"))
    for key, bound in GROWTH.items() if swaps.first else ():
        rows.append((f"{key}, first / most (bound)", f"{swaps.first[key]} / {swaps.most[key]} (+{bound})"))
    rows.append(("violations", str(len(ledger.violations))))
    return "\n".join(f"| {name:<38} | {value:>22} |" for name, value in rows)


def main(argv=None):
    """Run both phases; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.serving.soak", description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long, beside the servers' starts (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="what chance begins with (default: 0)")
    options = parser.parse_args(argv)
    ledger, stopped, phases = Ledger(), threading.Event(), []
    reporter = threading.Thread(target=_report_minutes, args=(ledger, stopped))
    reporter.start()
    try:
        for name in ("swaps", "kills"):
            with tempfile.TemporaryDirectory() as folder:
                rng = random.Random(f"{options.seed} {name}")
                phases.append(Phase(name, options.minutes * 30, ledger, Path(folder), rng))
                try:
                    phases[-1].run()
                finally:
                    phases[-1].process.end(signal.SIGKILL)
    finally:
        stopped.set()
        reporter.join()
    print(_table(ledger, phases[0]))
    return 1 if ledger.violations else 0


if __name__ == "__main__":
    sys.exit(main())
