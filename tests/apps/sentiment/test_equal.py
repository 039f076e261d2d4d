"""The same answers everywhere: Keras, the SavedModel without Keras, gRPC, REST and the page, by each preset."""

from pathlib import Path

import numpy as np
import pytest

from apps import registry
from apps.predict import ServerPredict
from apps.presets import model_folder, preset_names, served_name
from apps.sentiment.asking import ask
from apps.sentiment.examples import EXAMPLES
from apps.trained import open_trained
from serving.client import Client

APP = "sentiment"
TEXTS = [*EXAMPLES, "Good.", "Unwatchably dull, as zxqvw always is.", "an é 👍 and it's not funny " * 50]


@pytest.fixture(scope="module", params=preset_names(APP))
def asked(request):
    """A preset, and Keras's answers of each endpoint."""
    app = registry.create(APP)
    trained = open_trained(app, model_folder(APP, request.param))
    answers = {endpoint.name: endpoint({"text": TEXTS}) for endpoint in app.endpoints(trained.model, trained.info)}
    assert len(np.unique(answers["serving_default"]["label"])) == 2, "there is little to compare"
    assert np.ptp(answers["explain"]["weights"]) > 0.1
    return request.param, answers


def _assert_same(answer, expected):
    assert answer.keys() == expected.keys()
    for name, value in expected.items():
        if value.dtype.kind == "f":
            np.testing.assert_allclose(answer[name], value, atol=1e-4)
        else:
            np.testing.assert_array_equal(answer[name], value)


def test_grpc_and_rest(asked, up):
    preset, expected = asked
    for address in (up.grpc, up.rest):
        with Client(address) as client:
            for name, answer in expected.items():
                _assert_same(client.predict(served_name(APP, preset), {"text": TEXTS}, signature_name=name), answer)


def test_saved_model_in_a_process_without_keras(asked, up, answers_without_keras):
    preset, expected = asked
    version = max(Path(up.models, served_name(APP, preset)).glob("[0-9]*"), key=lambda path: int(path.name))
    request = {"text": np.array(TEXTS, object)}
    answers = answers_without_keras(version, dict.fromkeys(expected, request))
    for name, answer in expected.items():
        _assert_same(answers[name], answer)


def test_page(asked, up):
    """What the page shows: the scores, and the words in their colours."""
    preset, answers = asked
    predict, expected = ServerPredict(APP, up.grpc, up.rest), answers["explain"]
    for row, text in enumerate(TEXTS):
        shown = ask(predict, preset, text)
        assert "".join(part for part, _ in shown.parts) == text
        np.testing.assert_allclose([*shown.scores.values()], expected["probabilities"][row], atol=1e-4)
        weights = expected["weights"][row][expected["ends"][row] > 0]
        colours = [weight for _, weight in shown.parts if weight is not None]
        largest = np.abs(weights).max()
        # Where no word matters much, the colours show rounding too.
        np.testing.assert_allclose(colours, weights / largest, atol=1e-3 + 1e-4 / largest)
