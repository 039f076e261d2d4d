"""The extra `dlkeras[cv]`: KerasCV's backbones and its COCO metric beside our own pieces, where it is installed."""

import warnings

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("KerasCV is tested on TensorFlow", allow_module_level=True)
with warnings.catch_warnings():
    # Archived: what it imports, and how, is not ours to mend.
    warnings.simplefilter("ignore")
    keras_cv = pytest.importorskip("keras_cv", reason="KerasCV is an extra: pip install .[cv]")

import tensorflow as tf

from dlkeras.export import Endpoint, export
from dlkeras.losses import SmoothedSparseCrossEntropy
from dlkeras.schedules import OneCycle

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def classifier():
    # By its own class: the named sizes ask the network for their preset.
    backbone = keras_cv.models.ResNetV2Backbone(
        stackwise_filters=[64, 128],
        stackwise_blocks=[2, 2],
        stackwise_strides=[1, 2],
        block_type="basic_block",
        include_rescaling=False,
        input_shape=(64, 64, 3),
    )
    features = keras.layers.GlobalAveragePooling2D()(backbone.output)
    return keras.Model(backbone.input, keras.layers.Dense(3, name="logits")(features))


def test_a_backbone_trains_with_our_loss_and_schedule(classifier):
    random = np.random.default_rng(0)
    pictures, labels = random.uniform(0, 1, (6, 64, 64, 3)).astype("float32"), np.array([0, 1, 2, 0, 1, 2])
    classifier.compile(keras.optimizers.SGD(OneCycle(0.05, 12)), SmoothedSparseCrossEntropy(0.1))
    losses = classifier.fit(pictures, labels, epochs=6, batch_size=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_a_backbone_is_exported_like_our_own(classifier, tmp_path):
    pictures = np.random.default_rng(1).uniform(0, 1, (2, 64, 64, 3)).astype("float32")
    endpoint = Endpoint(
        "serving_default",
        lambda image: {"logits": classifier(image, training=False)},
        {"image": ((None, 64, 64, 3), "float32")},
        {"image": pictures},
    )
    loaded = tf.saved_model.load(str(export(classifier, [endpoint], tmp_path / "cv")))
    answer = loaded.signatures["serving_default"](image=tf.constant(pictures))["logits"]
    np.testing.assert_allclose(answer, classifier(pictures, training=False), atol=1e-5)


def test_the_coco_metric_agrees_with_numbers_worked_by_hand():
    pytest.importorskip("pycocotools", reason="KerasCV's COCO metric needs pycocotools")
    metric = keras_cv.metrics.BoxCOCOMetrics(bounding_box_format="xyxy", evaluate_freq=1)
    boxes = np.array([[[0.0, 0.0, 100.0, 100.0], [200.0, 200.0, 300.0, 300.0]]], "float32")
    truth = {"boxes": boxes, "classes": np.zeros((1, 2), "float32")}
    # The surer box is the first truth; the second lies nowhere: precision 1 up to a recall of 1/2, then none.
    found = {
        "boxes": np.array([[[0.0, 0.0, 100.0, 100.0], [400.0, 400.0, 450.0, 450.0]]], "float32"),
        "classes": np.zeros((1, 2), "float32"),
        "confidence": np.array([[0.9, 0.8]], "float32"),
    }
    metric.update_state(truth, found)
    # Of the 101 recall levels, 0.00 to 0.50 are reached.
    assert float(metric.result(force=True)["MaP"]) == pytest.approx(51 / 101, abs=1e-3)
