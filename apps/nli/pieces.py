"""Pairs of texts as BERT reads them: ids of pieces, `[CLS] premise [SEP] hypothesis [SEP]`."""

import tensorflow as tf

from apps.bert.pretrained import open_backbone
from dlkeras.models.bert.backbones import describe_backbone, rebuild_backbone
from dlkeras.models.bert.heads import BertClassifier
from dlkeras.text import WordPieceTokenizer
from dlkeras.text.endpoints import refuse_empty
from dlkeras.text.graph_pairs import pack_ragged
from dlkeras.text.pair_ids import checked_pairs
from dlkeras.text.sentence_pairs import pack

_PARTS = "premise", "hypothesis"


class PiecePairs:
    """Reads pairs as ids and segments of pieces, `(pairs, 2, length)`.

    Args:
        tokenizer: The backbone's `WordPieceTokenizer`.
        backbone: Description of the backbone, by `dlkeras.models.bert.backbones.describe_backbone`.
        length: Pieces of a pair at most in `encode`; the longer text of a pair loses its end first.
        hide_premise: Whether premises are read as nothing, to see what hypotheses alone give away.
    """

    KIND = "pieces"
    """What `to_dict` calls this class."""

    def __init__(self, tokenizer, backbone, length, hide_premise=False):
        self._tokenizer, self._backbone, self._length, self._hide_premise = tokenizer, backbone, length, hide_premise

    @classmethod
    def fit(cls, premises, hypotheses, config):
        """Takes the vocabulary of the config's backbone."""
        backbone, tokenizer = open_backbone(config.backbone, config.dropout)
        # One less than there are positions: batches may be made wider by one.
        length = min(config.length, backbone.max_sequence_length - 1)
        return cls(tokenizer, describe_backbone(backbone), length, config.hide_premise)

    @classmethod
    def from_dict(cls, content):
        tokenizer = WordPieceTokenizer.from_dict(content["tokenizer"])
        return cls(tokenizer, content["backbone"], content["length"], content["hide_premise"])

    def to_dict(self):
        """Returns everything as plain JSON values."""
        return {
            "kind": self.KIND,
            "length": self._length,
            "hide_premise": self._hide_premise,
            "backbone": self._backbone,
            "tokenizer": self._tokenizer.to_dict(),
        }

    def encode(self, premises, hypotheses):
        """Returns pairs as the network takes them: int32 `(pairs, 2, length)`."""
        first, second = (self._tokenizer.encode_many(texts) for texts in (premises, hypotheses))
        if self._hide_premise:
            first = [[] for _ in first]
        return pack(self._tokenizer.vocabulary, first, second, self._length)

    def decode(self, row):
        """Returns premise and hypothesis of a row of `encode`."""
        ids, segments = row
        return tuple(self._tokenizer.decode(ids[(segments == part) & (ids > 0)].tolist()) for part in (0, 1))

    def build(self, config, num_classes, name):
        """Builds the network: packed pairs to logits `(batch, num_classes)`, random weights."""
        return BertClassifier(rebuild_backbone(self._backbone), num_classes, dropout=config.dropout, name=name)

    @staticmethod
    def prepare(model, config):
        """Gives a network the weights of the config's backbone."""
        backbone, _ = open_backbone(config.backbone, config.dropout)
        model.backbone.set_weights(backbone.get_weights())

    def graph(self):
        """Returns a function of premises and hypotheses, string tensors `(batch,)`, that gives `(batch, 2, length)`.

        It refuses empty texts, and other numbers of premises than of hypotheses.
        """
        tokens = self._tokenizer.graph()

        def ids_of(premises, hypotheses):
            pieces = [tokens.ragged(texts) for texts in checked_pairs(premises, hypotheses)]
            checks = [refuse_empty(part.row_lengths(), name) for part, name in zip(pieces, _PARTS, strict=True)]
            if self._hide_premise:
                pieces[0] = pieces[0][:, :0]
            with tf.control_dependencies(checks):
                return tf.identity(pack_ragged(self._tokenizer.vocabulary, *pieces, self._length))

        return ids_of

    def aligned(self, model):
        """Returns `None`: what BERT attends to is no alignment of words."""
