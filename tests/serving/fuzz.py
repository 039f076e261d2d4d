"""Wrong requests by the thousand to a server process: `python -m tests.serving.fuzz --requests 100000 --seed 0`.

Each has an answer that it deserves; right requests in between are answered right, the process lives, its memory does
not grow, and nothing outside the models' folders is opened.
"""

import argparse
import contextlib
import ctypes
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections import Counter, deque
from pathlib import Path

import grpc
import hpack
from hyperframe.frame import Frame

from serving import protocol
from serving.frames import PREFACE, frame
from serving.tensors import to_proto
from tests.serving.wire import HEADERS, prefixed

# Between a third of the way and the end; what TensorFlow and malloc keep moves by some megabytes.
MAX_GROWTH_BYTES = 48 * 2**20
SLOW_CLIENTS = 50
GOOD_EVERY = 50
PATIENCE = 0.1
SERVICE = "/tensorflow.serving.PredictionService/"
METHODS = ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata")
STATUS_PATH = "/tensorflow.serving.ModelService/GetModelStatus"
# INTERNAL is gRPC's own answer to a message whose length prefix or compression is broken: only frames can be so.
GRPC_FAULTS = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED"}
FRAME_FAULTS = {b"0", b"3", b"4", b"5", b"8", b"9", b"12", b"13"}
# Of the statuses from 500 on these are the client's: a transfer coding or a version that nobody needs to know.
HTTP_FAULTS = {200, 400, 404, 405, 408, 413, 415, 431, 501, 505}
GOOD_JSON = {"instances": [[1, 2, 3]]}
IN_OPEN = 0x20


class Watch:
    """Counts how often anything in a folder is opened."""

    def __init__(self, *folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK)
        for folder in folders:
            assert libc.inotify_add_watch(self._fd, os.fsencode(folder), IN_OPEN) >= 0

    def opened(self):
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._fd, 4096))
        return False


class Fuzzer:
    """Sends wrong requests and judges the answers.

    Args:
        grpc_port: The server's gRPC port.
        rest_port: Its REST port.
        seed: Of all that is drawn.
    """

    def __init__(self, grpc_port, rest_port, seed):
        self.dice = random.Random(seed)
        self._grpc = "127.0.0.1", grpc_port
        self._rest = "127.0.0.1", rest_port
        self._channel = grpc.insecure_channel(f"127.0.0.1:{grpc_port}")
        self._kept = None
        self._slow = deque()
        self._good_proto = self._make_proto()
        self.counts, self.statuses = Counter(), Counter()
        self.kinds = (self.json, self.path, self.proto, self.head, self.frames, self.slow, self.cut)

    def _make_proto(self):
        import numpy as np

        request = protocol.PredictRequest()
        request.model_spec.name = "affine"
        to_proto(np.float32([[1, 2, 3]]), proto=request.inputs["x"])
        return request.SerializeToString()

    def step(self):
        """Send one wrong request of some kind."""
        kind = self.dice.choices(self.kinds, (25, 15, 25, 12, 15, 4, 4))[0]
        self.counts[kind.__name__] += 1
        kind()

    def good(self):
        """Send a right request to each front."""
        status, body = self._ask(self._post("/v1/models/affine:predict", json.dumps(GOOD_JSON).encode()))
        assert (status, json.loads(body)) == (200, {"predictions": [[3.0, 5.0, 7.0]]}), (status, body)
        answer = self._channel.unary_unary(f"{SERVICE}Predict")(self._good_proto, timeout=30)
        assert list(protocol.PredictResponse.FromString(answer).outputs["y"].float_val) == [3, 5, 7]

    def mutate(self, data):
        """Change, cut, double or insert some bytes."""
        data, dice = bytearray(data), self.dice
        for _ in range(dice.choice((1, 1, 2, 5))):
            start = dice.randrange(len(data) + 1)
            size = dice.choice((1, 1, 2, 8, 40))
            what = dice.randrange(4)
            if what == 0:
                data[start : start + size] = dice.randbytes(size)
            elif what == 1:
                del data[start : start + size]
            elif what == 2:
                data[start:start] = data[start : start + size] * dice.choice((1, 3))
            else:
                data[start:start] = dice.choice(ODD)
        return bytes(data)

    # Kinds of wrong requests.

    def json(self):
        body = self.dice.choice(JSON_SEEDS).encode()
        if self.dice.random() < 0.9:
            body = self.mutate(body)
        verb = self.dice.choice(("predict", "predict", "classify", "regress"))
        status, answer = self._ask(self._post(f"/v1/models/affine:{verb}", body))
        self.statuses[status] += 1
        assert status in (200, 400, 413), (status, body, answer)
        assert isinstance(json.loads(answer), dict)

    def path(self):
        name = self.dice.choice(NAMES)
        if self.dice.random() < 0.5:
            name = self.mutate(name.encode()).decode("latin-1")
        if self.dice.random() < 0.5:
            name = urllib.parse.quote(name, safe="")
        path = self.dice.choice(PATHS).replace("NAME", name).encode("utf-8", "replace")
        path = bytes(byte for byte in path if byte > 32 and byte != 127) or b"/"
        method = self.dice.choice((b"GET", b"POST", b"HEAD", b"PUT"))
        body = b"{}" if method in (b"POST", b"PUT") else b""
        head = b"%b %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (method, path, len(body))
        status, answer = self._ask(head + body, head_only=method == b"HEAD")
        self.statuses[status] += 1
        assert status in HTTP_FAULTS, (status, path, answer)
        assert status != 200 or b"affine" in path or b"healthz" in path, (path, answer)

    def proto(self):
        method = f"{SERVICE}{self.dice.choice(METHODS)}" if self.dice.random() < 0.9 else STATUS_PATH
        body = self.dice.randbytes(self.dice.randrange(60)) if self.dice.random() < 0.2 else self._odd_proto()
        try:
            self._channel.unary_unary(method)(body, timeout=30)
            self.statuses["OK"] += 1
        except grpc.RpcError as error:
            self.statuses[error.code().name] += 1
            assert error.code().name in GRPC_FAULTS, (method, body, error.code(), error.details())

    def _odd_proto(self):
        request = protocol.PredictRequest.FromString(self._good_proto)
        if self.dice.random() < 0.4:
            request.model_spec.name = self.dice.choice(NAMES)
        return self.mutate(request.SerializeToString())

    def head(self):
        good = self._post("/v1/models/affine:predict", json.dumps(GOOD_JSON).encode())
        received = self._exchange(self._rest, self.mutate(self.dice.choice((good, good * 2, *HEAD_SEEDS))))
        while received:
            status, body, received = _read_answer(received)
            self.statuses[status] += 1
            assert status in HTTP_FAULTS | {100}, (status, body)

    def frames(self):
        block = hpack.Encoder().encode(
            [(name, f"{SERVICE}Predict" if name == ":path" else value) for name, value in HEADERS]
        )
        ask = frame(1, 4, 1, block) + frame(0, 1, 1, prefixed(self._good_proto))
        seeds = [frame(4, 0, 0, b""), ask, frame(6, 0, 0, bytes(8)), frame(8, 0, 0, bytes((0, 0, 1, 0)))]
        seeds += [frame(3, 0, 1, bytes(4)), frame(2, 0, 1, bytes(5)), frame(9, 4, 1, b"x"), self.dice.randbytes(20)]
        parts = [seeds[0], *self.dice.choices(seeds, k=self.dice.randrange(1, 6))]
        sent = self.mutate(b"".join(parts))
        sent = PREFACE + sent if self.dice.random() < 0.95 else self.mutate(PREFACE) + sent
        _check_frames(self._exchange(self._grpc, sent))

    def slow(self):
        address, data = self.dice.choice(((self._rest, HEAD_SEEDS[0]), (self._grpc, PREFACE)))
        client = socket.create_connection(address, timeout=30)
        client.sendall(data[: self.dice.randrange(len(data))])
        self._slow.append(client)
        if len(self._slow) > SLOW_CLIENTS:
            self._slow.popleft().close()

    def cut(self):
        good = self._post("/v1/models/affine:predict", json.dumps(GOOD_JSON).encode())
        with socket.create_connection(self._rest, timeout=30) as client:
            client.sendall(good[: self.dice.randrange(len(good) + 1)])
            if self.dice.random() < 0.3:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    # The wire.

    def _post(self, path, body):
        head = (
            f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _ask(self, sent, head_only=False):
        """Send a whole request on a connection that is kept: its status and its body."""
        if self._kept is None:
            self._kept = socket.create_connection(self._rest, timeout=30)
        self._kept.sendall(sent)
        received = b""
        while True:
            data = self._kept.recv(65_536)
            received += data
            head, end, body = received.partition(b"\r\n\r\n")
            if end and (head_only or len(body) >= _length(head)):
                break
            assert data, (sent, received)
        if b"\r\nConnection: close" in head:
            self._kept.close()
            self._kept = None
        return int(head.split(b" ", 2)[1]), body

    def _exchange(self, address, sent):
        """Send anything, and read what comes until the server has nothing more to say."""
        received = b""
        with socket.create_connection(address, timeout=30) as client, contextlib.suppress(OSError):
            client.sendall(sent)
            if self.dice.random() < 0.1:
                # Time for an answer; otherwise the server learns at once that its client is done.
                client.settimeout(PATIENCE)
            else:
                client.shutdown(socket.SHUT_WR)
            while data := client.recv(65_536):
                received += data
        return received

    def close(self):
        for client in self._slow:
            client.close()
        if self._kept is not None:
            self._kept.close()
        self._channel.close()


ODD = (
    b"\0",
    b"\xff" * 9,
    b"\r\n",
    b"%00",
    b"..",
    b"\xed\xa0\x80",
    b"[" * 200,
    b'"',
    b"1e999",
    b"-",
    b"9" * 30,
    b"\x80" * 11,
)
JSON_SEEDS = (
    json.dumps(GOOD_JSON),
    '{"inputs": {"x": [[1, 2, 3], [4, 5, 6]]}, "signature_name": "serving_default"}',
    '{"instances": [{"x": [1.5, null, true]}, {"x": {"b64": "AAAA"}}]}',
    '{"examples": [{"x": 1.0, "y": "a", "z": {"b64": "AA=="}}], "context": {"q": [1, 2]}}',
    '{"instances": ["\\ud800", NaN, -Infinity, 1e400]}',
    "[" * 2000,
    '{"instances": ' + "[" * 500 + "1" + "]" * 500 + "}",
)
NAMES = (
    "affine", "../decoy", "..", "../../etc/passwd", "/etc/passwd", "affine/../../decoy", "decoy", "a\0b", "é漢",
    "x" * 3000, "affine/versions/1/../../../decoy", "%2e%2e%2fdecoy", "..%2fdecoy", "..\\decoy", "~", "$HOME", "NAME",
)  # fmt: skip
PATHS = (
    "/v1/models/NAME", "/v1/models/NAME/metadata", "/v1/models/NAME:predict", "/v1/models/NAME/versions/1:predict",
    "/v1/models/affine/versions/NAME", "/v1/models/affine/labels/NAME:predict", "/NAME", "/v1/NAME", "//NAME",
    "/healthz/NAME",
)  # fmt: skip
HEAD_SEEDS = (
    b'POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"ins\r\n0\r\n\r\n',
    b"GET /v1/models/affine HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n",
    b"POST /v1/models/affine:predict HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n12345",
)


def _length(head):
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    raise AssertionError(head)


def _read_answer(received):
    """Take one answer off: its status, its body, and what follows."""
    head, end, rest = received.partition(b"\r\n\r\n")
    assert end and head.startswith(b"HTTP/1.1 "), received[:200]
    status = int(head[9:12])
    if status == 100:
        return status, b"", rest
    size = _length(head)
    # Of an answer to HEAD only the head comes.
    return status, rest[:size], rest[size:]


def _check_frames(received):
    """Read what a gRPC port said: HTTP/2 frames whose headers can be read and whose statuses are those of a fault."""
    if received.startswith(b"HTTP/1.1 400 "):
        return
    decoder = hpack.Decoder()
    while received:
        part, size = Frame.parse_frame_header(memoryview(received[:9]))
        assert len(received) >= 9 + size
        part.parse_body(memoryview(received[9 : 9 + size]))
        if part.type == 1:
            headers = dict(decoder.decode(part.data, raw=True))
            assert headers.get(b"grpc-status", b"0") in FRAME_FAULTS, headers
            assert headers.get(b":status", b"200") in (b"200", b"415")
        received = received[9 + size :]


def rss(pid):
    """The memory of a process in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


@contextlib.contextmanager
def serving(models, ports):
    """Run a server process of the model affine in that folder."""
    flags = [f"--port={ports[0]}", f"--rest_api_port={ports[1]}", "--model_name=affine", "--max_request_bytes=200000"]
    flags += [f"--model_base_path={models / 'affine'}", "--file_system_poll_wait_seconds=0"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-m", "serving", *flags], stdout=subprocess.PIPE, stderr=log)
        try:
            if not process.stdout.readline().startswith(b"serving ready"):
                log.seek(0)
                raise RuntimeError(log.read().decode())
            yield process
        finally:
            process.terminate()
            process.wait(30)
            process.stdout.close()


def fuzz(models, ports, requests, seed):
    """Send wrong requests to a server of its own.

    Args:
        models: A folder with the model affine, and a model decoy that is not served.
        ports: Two free ports.
        requests: How many.
        seed: Of all that is drawn.

    Returns:
        A dict of figures.

    Raises:
        AssertionError: If an answer was not what its request deserves, or the server has died or grown.
    """
    watch = Watch(models / "decoy", models / "decoy" / "1")
    with serving(models, ports) as process, contextlib.closing(Fuzzer(*ports, seed)) as fuzzer:
        started, at_third = time.monotonic(), 0
        for number in range(requests):
            fuzzer.step()
            if number % GOOD_EVERY == 0:
                fuzzer.good()
            if number == requests // 3:
                at_third = rss(process.pid)
        fuzzer.good()
        assert process.poll() is None, "the server has died"
        seconds, at_end = time.monotonic() - started, rss(process.pid)
        descriptors = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
    assert not watch.opened(), "a file outside the model's folder was opened"
    assert at_end - at_third <= MAX_GROWTH_BYTES, f"memory grew from {at_third} to {at_end} bytes"
    return {
        "requests": requests,
        "seed": seed,
        "seconds": round(seconds, 1),
        "rss_mib_at_a_third": round(at_third / 2**20, 1),
        "rss_mib_at_the_end": round(at_end / 2**20, 1),
        "descriptors_at_the_end": descriptors,
        **{f"sent_{kind}": count for kind, count in sorted(fuzzer.counts.items())},
        **{f"answered_{status}": count for status, count in sorted(fuzzer.statuses.items(), key=str)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    from tests.serving.conftest import unused_port, write_affine

    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder)
        write_affine(models / "affine", 1)
        shutil.copytree(models / "affine", models / "decoy")
        print(json.dumps(fuzz(models, (unused_port(), unused_port()), arguments.requests, arguments.seed)))


if __name__ == "__main__":
    main()
