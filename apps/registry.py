"""The apps there are: a name, and where its class is. Adding an app adds a line."""

import importlib

APPS = {
    "image_classification": "apps.image_classification.app:ImageClassification",
    "object_detection": "apps.object_detection.app:ObjectDetection",
    "segmentation": "apps.segmentation.app:Segmentation",
    "style_transfer": "apps.style_transfer.app:StyleTransfer",
    "sentiment": "apps.sentiment.app:Sentiment",
    "bert": "apps.bert.app:Bert",
    "nli": "apps.nli.app:Nli",
    "translation": "apps.translation.app:Translation",
    "text_generation": "apps.text_generation.app:TextGeneration",
    "recommendation": "apps.recommendation.app:Recommendation",
    "agents": "apps.agents.app:Agents",
}

_TABLES = "apps.image_classification.benchmarks"
BENCHMARKS = {
    **{name: f"{_TABLES}.{name}" for name in ("vision", "finetune", "pretraining", "distillation")},
    "attention": "apps.translation.benchmarks.attention",
    "equal_time": "apps.text_generation.benchmarks.equal_time",
    "cross_validation": "apps.sentiment.benchmarks.cross_validation",
    **{name: f"apps.recommendation.benchmarks.{name}" for name in ("ratings", "ranking")},
    **{name: f"apps.agents.benchmarks.{name}" for name in ("agents", "agent_settings")},
}


def create(name):
    """Returns an instance of the app of that name; a `ValueError` lists the names there are."""
    if name not in APPS:
        raise ValueError(f"`app` must be one of {', '.join(APPS)}. Received: {name}")
    module, attribute = APPS[name].split(":")
    return getattr(importlib.import_module(module), attribute)()
