"""The settings of a run: each changes what it is for, and a wrong one is refused."""

import dataclasses

import keras
import numpy as np
import pytest

from apps.image_classification.app import Config, ImageClassification
from dlkeras.training import DeeplySupervised

SHORT = Config(epochs=1, batch_size=256, model="lenet")


@pytest.fixture(scope="module")
def app():
    return ImageClassification()


@pytest.fixture(scope="module")
def splits():
    return _larger(ImageClassification().load(SHORT))


def _larger(splits):
    """GoogLeNet with its heads takes pictures from 17 px on; the digits have 16."""
    parts = {}
    for name in ("train", "validation", "test"):
        examples = getattr(splits, name)
        parts[name] = examples._replace(x=np.kron(examples.x, np.ones((1, 2, 2, 1), "uint8")))
    return dataclasses.replace(splits, **parts, info={**splits.info, "image_shape": [32, 32, 1]})


@pytest.mark.parametrize(
    "settings",
    [{"mix": "mixup"}, {"mix": "cutmix"}, {"average": 0.9}, {"rand_augment": True}, {"zoom": 0.2, "mirror": True}],
    ids=lambda settings: next(iter(settings)) + str(next(iter(settings.values()))),
)
def test_trains_with(app, splits, settings, tmp_path):
    config = dataclasses.replace(SHORT, **settings)
    model = app.build(config, splits.info)
    state = app.fit(model, splits, config, tmp_path)
    row = state["history"][0]
    assert np.isfinite(row["loss"])
    # Validation is on whole pictures with class numbers, whatever training is on.
    assert row["val_accuracy"] == pytest.approx(model.evaluate(*splits.validation, verbose=0)[1], abs=1e-6)


def test_a_picture_and_its_mirror_image_get_one_answer(app, splits):
    model = app.build(dataclasses.replace(SHORT, mirror=True), splits.info)
    pictures = splits.test.x[:4].astype("float32")
    one, other = (keras.ops.convert_to_numpy(model(x, training=False)) for x in (pictures, pictures[:, :, ::-1]))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="`mirror` is not for models with auxiliary heads"):
        app.build(dataclasses.replace(SHORT, mirror=True, model="googlenet_mini"), splits.info)


def test_auxiliary_heads_train_and_do_not_answer(app, splits):
    config = dataclasses.replace(SHORT, model="googlenet_mini")
    model = app.build(config, splits.info)
    assert isinstance(model, DeeplySupervised)
    assert model(splits.test.x[:2], training=False).shape == (2, 10)
    answer = app.endpoints(model, splits.info)[1]({"image": splits.test.x[:2].astype("float32")})
    assert answer["probabilities"].shape == (2, 10)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mix": "blend"}, "`mix` must be one of mixup, cutmix, or empty. Received: blend"),
        ({"average": 1.0}, r"`average` must be in \[0, 1\). Received: average=1.0"),
        ({"unfreeze": 1.5}, r"`unfreeze` must be in \[0, 1\]. Received: unfreeze=1.5"),
        ({"head_epochs": 0}, "`head_epochs` must be above 0. Received: head_epochs=0"),
        ({"model": "lenot"}, "`model` must be one of .*lenet.* Received: lenot"),
    ],
)
def test_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        Config(**settings)
