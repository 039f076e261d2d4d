"""What the core answers, and how it words what it refuses."""

import numpy as np
import pytest

from serving.core import Core
from serving.errors import ServingError
from serving.examples import Task
from serving.protocol import Input
from serving.siblings import STATUS, WAITING
from serving.specs import ModelSpec, VersionStatus

X = np.ones((2, 3), np.float32)


@pytest.fixture
def predict(core, complete):
    def predict(inputs, model="affine", signature="", version=None, outputs=()):
        return complete(core.predict(ModelSpec(model, version, signature), lambda *_: inputs, outputs))

    return predict


def test_answers(predict):
    spec, outputs = predict({"x": X})
    assert spec == ModelSpec("affine", 3, "serving_default")
    np.testing.assert_array_equal(outputs["y"], X * 2 + 1)
    assert list(predict({"x": X}, signature="checked", outputs=["y"])[1]) == ["y"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ({"inputs": {}}, "INVALID_ARGUMENT", r"takes the inputs x \(float32 \[any, 3\]\). Received: none"),
        ({"inputs": {"x": X, "z": X}}, "INVALID_ARGUMENT", "Received: x, z"),
        ({"inputs": {"x": X.astype(np.float64)}}, "INVALID_ARGUMENT", r"takes float32 \[any, 3\]. Received: float64"),
        ({"inputs": {"x": X[0]}}, "INVALID_ARGUMENT", r"Received: float32 \[3\]"),
        ({"inputs": {"x": X[:, :2]}}, "INVALID_ARGUMENT", r"Received: float32 \[2, 2\]"),
        ({"inputs": {"x": X}, "outputs": ["q"]}, "INVALID_ARGUMENT", "outputs of signature 'serving_default': y. Rec"),
        (
            {"inputs": {"x": X}, "signature": "s"},
            "FAILED_PRECONDITION",
            '^Serving signature key "s" not found. The model\'s',
        ),
        ({"inputs": {"x": X}, "version": 9}, "NOT_FOUND", r"^Servable not found for request: Specific\(affine, 9\)\."),
        (
            {"inputs": {"x": X}, "model": "m"},
            "NOT_FOUND",
            r"^Servable not found for request: Latest\(m\)$",
        ),
        ({"inputs": {"x": X * 9}, "signature": "checked"}, "INVALID_ARGUMENT", r"^x must be below 5, in \[0, 5\)\.$"),
        (
            {"inputs": {"x": X[:1]}, "signature": "checked"},
            "INVALID_ARGUMENT",
            "^Input to reshape is a tensor with 3 values, but the requested shape requires a multiple of 2$",
        ),
        (
            {"inputs": {"image_bytes": np.array([b"no picture"], object)}, "model": "picture"},
            "INVALID_ARGUMENT",
            r"^Unknown image file format\. One of [\w, ]+ required\.$",
        ),
    ],
)
def test_refusals_say_what_is_wrong_and_do_no_harm(predict, arguments, code, words):
    with pytest.raises(ServingError, match=words) as caught:
        predict(**arguments)
    assert caught.value.code == code
    np.testing.assert_array_equal(predict({"x": X})[1]["y"], X * 2 + 1)


def test_metadata_and_status(core, complete):
    spec, signature_defs = core.metadata(ModelSpec("mixed"))
    assert spec.version == 1
    assert sorted(signature_defs.signature_def) == ["serving_default"]
    assert [status[:3] for status in complete(core.status(ModelSpec("affine")))] == [(3, "AVAILABLE", "OK")]
    with pytest.raises(ServingError, match="Could not find version 4 of model affine"):
        complete(core.status(ModelSpec("affine", 4)))


class FakeSiblings:
    def __init__(self, answers):
        self.answers = answers

    async def ask(self, what, payload=None):
        return self.answers[what]


def test_of_several_processes_the_state_is_that_of_the_last(core, complete):
    statuses = [
        [VersionStatus(3, "AVAILABLE"), VersionStatus(2, "AVAILABLE"), VersionStatus(1, "END")],
        [VersionStatus(2, "UNLOADING"), VersionStatus(1, "END", "NOT_FOUND", "it is gone")],
    ]
    siblings = FakeSiblings({STATUS: statuses, WAITING: [["b"], [], ["a", "b"]]})
    one_of_many = Core(core.manager, siblings=siblings)
    spec = ModelSpec("affine")
    assert complete(one_of_many.status(spec)) == [VersionStatus(2, "UNLOADING"), VersionStatus(1, "END")]
    assert complete(one_of_many.waiting()) == ["a", "b"]
    siblings.answers[STATUS] = [statuses[0][:1], statuses[1]]
    with pytest.raises(ServingError, match="Could not find any versions of model affine"):
        complete(one_of_many.status(spec))


def test_a_refused_classification_does_not_keep_its_model(core, complete, monkeypatch):
    def refuse(*arguments):
        raise ServingError("UNAVAILABLE", "full")

    monkeypatch.setattr("serving.batching.Lane.submit", refuse)
    monkeypatch.setattr(
        "serving.core.plan", lambda *arguments: Task("serving_default", "tensorflow/serving/classify", ("upper",))
    )
    monkeypatch.setattr("serving.core.INPUT_NAME", "text")
    monkeypatch.setattr("serving.signatures.Signature.check_inputs", lambda signature, inputs, name: inputs)
    examples = Input()
    examples.example_list.examples.add()
    with pytest.raises(ServingError, match="full"):
        complete(core.classify(ModelSpec("mixed"), examples))
    version = core.manager.acquire("mixed")
    assert version._in_flight == 1
    version.release()
