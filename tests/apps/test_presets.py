"""What ships is whole, small, measured, and told in the README as it was measured."""

import json
from pathlib import Path

import pytest

import apps
from apps import registry
from apps.presets import METRICS_FILE, preset_names, presets_folder
from apps.results import results_table
from dlkeras.training.checkpoint import WEIGHTS_FILE

PRESETS = [(name, preset) for name in registry.APPS for preset in preset_names(name)]
MEGABYTES = {
    "agents": 1,
    "image_classification": 6,
    "object_detection": 6,
    "recommendation": 1,
    "sentiment": 4,
    "style_transfer": 4,
    "text_generation": 6,
}
# The test parts of SST-2 and SICK are not among the files that are read here, and Shakespeare has none.
WITHOUT_TEST = {
    ("sentiment", "sst"),
    ("sentiment", "sst_birnn"),
    ("nli", "sick"),
    ("nli", "sick_bert"),
    ("text_generation", "shakespeare"),
}


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_weights_are_small(name, preset):
    size = (presets_folder(name) / preset / WEIGHTS_FILE).stat().st_size
    assert size <= MEGABYTES.get(name, 8) * 2**20


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_metrics_say_how_they_came_about(name, preset):
    metrics = json.loads((presets_folder(name) / preset / METRICS_FILE).read_text())
    assert {"seed", "seconds", "data", "split", "published"} <= set(metrics)
    assert metrics["split"] == ("validation" if (name, preset) in WITHOUT_TEST else "test")


@pytest.mark.parametrize("name", registry.APPS)
def test_the_readme_has_the_table_as_measured(name):
    readme = Path(apps.__file__).parent / name / "README.md"
    assert results_table(name) in readme.read_text()


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_is_named_for_the_config_that_made_it(name, preset):
    app = registry.create(name)
    made = json.loads((presets_folder(name) / preset / "config.json").read_text())["config"]
    assert app.Config(**made) == app.configs[preset]


# What each preset has to reach on its test split.
FLOORS = {
    ("image_classification", "cifar10"): ("accuracy", 0.86),
    ("image_classification", "fashion_mnist"): ("accuracy", 0.93),
    ("image_classification", "fashion_mnist_lenet"): ("accuracy", 0.90),
    ("bert", "mini"): ("next_accuracy", 0.85),
    ("nli", "sick"): ("accuracy", 0.8),
    ("nli", "sick_bert"): ("accuracy", 0.8),
    ("object_detection", "kangaroo"): ("ap50", 0.80),
    ("object_detection", "scenes"): ("ap50", 0.97),
    ("segmentation", "camvid"): ("mean_iou", 0.52),
    ("segmentation", "scenes"): ("mean_iou", 0.9),
    ("sentiment", "sst"): ("accuracy", 0.815),
    ("sentiment", "sst_birnn"): ("accuracy", 0.815),
    ("style_transfer", "photographs"): ("optimizer_steps_from_noise", 50),
    ("translation", "multi30k_de"): ("bleu", 34),
    ("translation", "multi30k_fr"): ("bleu", 52),
    ("recommendation", "made_choices"): ("ndcg_at_10", 0.3),
    ("agents", "cartpole"): ("return", 490),
    ("agents", "acrobot"): ("return", -90),
    ("agents", "mountain_car"): ("return", -125),
    ("agents", "lunar_lander"): ("return", 200),
    ("agents", "taxi"): ("expected_return", 7.9),
    ("agents", "frozen_lake"): ("expected_return", 0.74),
    ("agents", "frozen_lake_8x8"): ("expected_return", 0.89),
    ("agents", "cliff_walking"): ("expected_return", -13),
    ("agents", "blackjack"): ("return", -0.15),
}
# What it must not be above.
CEILINGS = {("text_generation", "shakespeare"): ("loss", 1.58), ("recommendation", "made"): ("rmse", 0.78)}


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_reaches_its_floor(name, preset):
    metrics = json.loads((presets_folder(name) / preset / METRICS_FILE).read_text())
    if (name, preset) in CEILINGS:
        metric, ceiling = CEILINGS[name, preset]
        assert metrics[metric] <= ceiling
    else:
        metric, floor = FLOORS[name, preset]
        assert metrics[metric] >= floor
