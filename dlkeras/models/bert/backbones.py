"""Backbones: KerasHub's `BertBackbone`, new or from a preset, and the folders that presets are."""

import json
from pathlib import Path

import keras
from keras_hub.models import BertBackbone, BertTokenizer

from dlkeras.text import WordPieceTokenizer


def make_backbone(vocabulary_size, *, layers=4, width=256, heads=4, inner=512, positions=128, dropout=0.1):
    """Makes a backbone with random weights.

    Args:
        vocabulary_size: Number of ids.
        layers: Number of transformer layers.
        width: Of a token's vector.
        heads: Of each attention.
        inner: Width inside of each layer's feed-forward part.
        positions: Tokens of a text at most.
        dropout: Rate after each part, in [0, 1).

    Returns:
        A `keras_hub.models.BertBackbone`.
    """
    return BertBackbone(
        vocabulary_size=vocabulary_size,
        num_layers=layers,
        num_heads=heads,
        hidden_dim=width,
        intermediate_dim=inner,
        dropout=dropout,
        max_sequence_length=positions,
    )


def save_backbone(directory, backbone, tokenizer):
    """Writes a KerasHub preset folder, with weights in half precision.

    Args:
        directory: The folder; made if it is not there.
        backbone: `keras_hub.models.BertBackbone`.
        tokenizer: Its `WordPieceTokenizer`, uncased.
    """
    half = BertBackbone.from_config({**backbone.get_config(), "dtype": "float16", "name": "bert_backbone"})
    half.set_weights(backbone.get_weights())
    half.save_to_preset(str(directory))
    BertTokenizer(vocabulary=tokenizer.vocabulary.tokens, lowercase=True).save_to_preset(str(directory))


def load_backbone(name, dropout=0.1):
    """Loads a backbone and its tokenizer.

    Args:
        name: A preset folder, or `hub:` and the name of a published preset, such as `hub:bert_tiny_en_uncased`.
        dropout: Rate after each part, in [0, 1).

    Returns:
        `(backbone, tokenizer)`, the latter a `WordPieceTokenizer`.

    Raises:
        ValueError: There is no such preset, or it is none of BERT's.
    """
    source = name.removeprefix("hub:") if name.startswith("hub:") else str(Path(name).expanduser())
    if not name.startswith("hub:") and not Path(source, "config.json").is_file():
        raise ValueError(f"`backbone` must be a KerasHub preset folder, or hub:PRESET. Received: {name}")
    try:
        backbone = BertBackbone.from_preset(source, dropout=dropout, dtype=keras.config.dtype_policy())
        hub = BertTokenizer.from_preset(source)
    except Exception as error:  # of whatever the hub, the disk or the file's form brings
        raise ValueError(f"`backbone` must be a preset of BERT that can be read. Received: {name} ({error})") from error
    return backbone, WordPieceTokenizer.of(
        hub.get_vocabulary(), lowercase=bool(hub.lowercase), strip_accents=bool(hub.strip_accents or hub.lowercase)
    )


def describe_backbone(backbone):
    """Returns the arguments that a backbone was made with, as plain JSON values: for `rebuild_backbone`."""
    config = backbone.get_config()
    names = "vocabulary_size", "num_layers", "num_heads", "hidden_dim", "intermediate_dim", "dropout"
    return json.loads(json.dumps({name: config[name] for name in (*names, "max_sequence_length", "num_segments")}))


def rebuild_backbone(description):
    """Makes the backbone of a description, with random weights."""
    return BertBackbone(**description)
