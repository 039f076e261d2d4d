"""Pretrained backbones by name: what `bert` has trained, and KerasHub's."""

from pathlib import Path

from apps.bert.app import TOKENIZER, Bert
from apps.presets import CONFIG_FILE, model_folder, preset_names
from apps.trained import open_trained
from dlkeras.models.bert.backbones import describe_backbone, load_backbone, rebuild_backbone
from dlkeras.text import WordPieceTokenizer
from dlkeras.training.checkpoint import STATE_FILE, WEIGHTS_FILE


def open_backbone(name, dropout=0.1):
    """Opens a backbone with its weights, and its tokenizer.

    Args:
        name: A preset of `bert` that ships, a run's folder of it, a KerasHub preset folder, or `hub:` and the name of a
            published preset.
        dropout: Rate after each part, in [0, 1).

    Returns:
        `(backbone, tokenizer)`; see `dlkeras.models.bert.backbones.load_backbone`.

    Raises:
        ValueError: There is no such backbone.
    """
    if name in preset_names(Bert.name):
        return _opened(model_folder(Bert.name, name), dropout)
    if all(Path(name, file).is_file() for file in (CONFIG_FILE, WEIGHTS_FILE, STATE_FILE)):
        return _opened(Path(name), dropout)
    try:
        return load_backbone(name, dropout)
    except ValueError as error:
        known = ", ".join(preset_names(Bert.name)) or "none"
        raise ValueError(f"{error} Presets that ship: {known}.") from error


def _opened(folder, dropout):
    """Opens what `bert` has trained; in pretraining there may have been no dropout."""
    trained = open_trained(Bert(), folder)
    backbone = rebuild_backbone({**describe_backbone(trained.model.backbone), "dropout": dropout})
    backbone.set_weights(trained.model.backbone.get_weights())
    return backbone, WordPieceTokenizer.from_dict(trained.info[TOKENIZER])
