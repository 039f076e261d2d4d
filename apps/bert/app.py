"""BERT: learns language from text files by itself, and says which words are missing."""

import dataclasses

import keras
import numpy as np

from apps.base import App, Endpoint, make_optimizer
from apps.bert.asking import NEXT
from apps.bert.examples import BLANKS, PAIRS
from apps.bert.filling import filler, follower
from apps.bert.report import write_report
from dlkeras.checks import check_fraction, check_positive, check_rate
from dlkeras.data.corpus import Corpus, load_corpus, load_test_documents
from dlkeras.data.made_documents import make_documents
from dlkeras.data.splits import Examples, Splits
from dlkeras.models.bert.backbones import make_backbone, save_backbone
from dlkeras.models.bert.pretrainer import BertPretrainer
from dlkeras.text import WordPieceTokenizer
from dlkeras.text.batches import LengthBatches
from dlkeras.text.masking import WholeWordMasking
from dlkeras.text.sentence_pairs import make_sentence_pairs

DOCUMENTS = "documents"
TOKENIZER = "tokenizer"  # the key in `info`
PRESET_FOLDER = "backbone"
_HELD = 200  # documents made for each of validation and test


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `documents`, which are made up, or text files and folders of them with commas between; see
            `dlkeras.data.corpus.load_corpus`.
        documents: Number of training documents that are made up.
        held_fraction: Share of each file, its end, that each of validation and test gets.
        vocabulary_size: Number of pieces at most.
        length: Tokens of an example at most, and positions of the backbone.
        mask_rate: Share of the tokens that are to be found again.
        layers: Transformer layers.
        width: Of a token's vector.
        heads: Of each attention.
        inner: Width inside of each feed-forward part.
        dropout: Rate in pretraining; a backbone that is loaded from the preset folder gets its own.
        epochs: Passes over the examples, hidden anew each time.
        batch_size: Examples a step.
        learning_rate: Peak of the one-cycle schedule, for Adam.
        weight_decay: Decoupled weight decay, on kernels only.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        seed: Seed of everything.
    """

    data: str = DOCUMENTS
    documents: int = 1500
    held_fraction: float = 0.01
    vocabulary_size: int = 6000
    length: int = 128
    mask_rate: float = 0.15
    layers: int = 2
    width: int = 64
    heads: int = 2
    inner: int = 128
    dropout: float = 0.0
    epochs: int = 4
    batch_size: int = 64
    learning_rate: float = 0.002
    weight_decay: float = 0.01
    average: float = 0.0
    seed: int = 0

    def __post_init__(self):
        for name in (
            *("documents", "vocabulary_size", "length", "layers", "width", "heads", "inner", "epochs", "batch_size"),
            "learning_rate",
        ):
            check_positive(name, getattr(self, name))
        check_fraction("held_fraction", self.held_fraction)
        for name in ("dropout", "average"):
            check_rate(name, getattr(self, name))
        if self.length < 8:
            raise ValueError(f"`length` must be at least 8. Received: length={self.length}")
        if self.width % self.heads:
            raise ValueError(f"`width` must be divisible by `heads`, {self.heads}. Received: width={self.width}")


_MINI = {"layers": 4, "width": 256, "heads": 4, "inner": 512, "learning_rate": 0.001}


class Bert(App):
    """Fills in missing words, and says whether one sentence follows another."""

    name = "bert"
    title = "BERT, pretraining"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(documents=60, width=16, inner=32, layers=1, epochs=3, batch_size=16, vocabulary_size=300),
        "mini": Config(
            data="words/books,words/wikitext-2,multi30k/train.en.gz,nli/SICK_train.txt,nli/lingnli_train.tsv,"
            "nli/cfnli_train.tsv,nli/mpe_train.txt,nli/snli_dev.tsv",
            epochs=3,
            **_MINI,
        ),
    }
    monitor = "val_loss"
    published = {"mini": "none on these texts"}

    def config_name(self, settings):
        return "mini" if "data" in settings else "default"

    def load(self, config, info=None):
        corpus = _made(config) if config.data == DOCUMENTS else load_corpus(config.data, config.held_fraction)
        if info is None:
            tokenizer = WordPieceTokenizer(max_size=config.vocabulary_size)
            tokenizer.fit(sentence for document in corpus.train for sentence in document)
            info = {"data": config.data, TOKENIZER: tokenizer.to_dict()}
        else:
            tokenizer = _tokenizer(info)
            corpus = corpus._replace(train=[])  # a trained model is only tested
        masking = WholeWordMasking(tokenizer.vocabulary, config.mask_rate)
        train, *held = (_examples(part, tokenizer, config, (config.seed, row)) for row, part in enumerate(corpus))
        # What is held out is hidden once and for all; the training examples anew each epoch.
        validation, test = (Examples(*masking(*part, np.random.default_rng(config.seed))) for part in held)
        return Splits(train, validation, test, info)

    def load_other(self, data, config, info):
        tokenizer = _tokenizer(info)
        part = _examples(load_test_documents(data), tokenizer, config, config.seed)
        masking = WholeWordMasking(tokenizer.vocabulary, config.mask_rate)
        test = Examples(*masking(*part, np.random.default_rng(config.seed)))
        empty = Examples(test.x[:0], test.y[:0])
        return Splits(empty, empty, test, {**info, "data": data})

    def build(self, config, info):
        backbone = make_backbone(
            len(info[TOKENIZER]["tokens"]),
            layers=config.layers,
            width=config.width,
            heads=config.heads,
            inner=config.inner,
            positions=config.length,
            dropout=config.dropout,
        )
        return BertPretrainer(backbone, name=self.name)

    def compile(self, model, config, steps):
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps)
        optimizer.global_clipnorm = 1.0
        model.compile(optimizer)

    def transform(self, config, info):
        return WholeWordMasking(_tokenizer(info).vocabulary, config.mask_rate)

    def fitting(self, config, info):
        return {**super().fitting(config, info), "batches": LengthBatches}

    def fit(self, model, splits, config, directory, callbacks=()):
        state = super().fit(model, splits, config, directory, callbacks)
        save_backbone(directory / PRESET_FOLDER, model.backbone, _tokenizer(splits.info))
        return state

    def evaluate(self, model, splits, directory=None):
        model.compile()
        if directory is not None:
            write_report(directory, model, splits.test, _tokenizer(splits.info))
        figures = model.evaluate(splits.test.x, splits.test.y, batch_size=32, verbose=0, return_dict=True)
        figures["perplexity"] = float(np.exp(figures["token_loss"]))
        return {name: float(figures[name]) for name in ("perplexity", "token_loss", "token_accuracy", "next_accuracy")}

    def endpoints(self, model, info):
        tokenizer = _tokenizer(info)
        text = ((None,), "string")
        first, second = PAIRS[0]
        return [
            Endpoint("serving_default", filler(model, tokenizer), {"text": text}, {"text": [BLANKS[0]]}),
            Endpoint(
                NEXT,
                follower(model, tokenizer),
                {"first": text, "second": text},
                {"first": [first], "second": [second]},
            ),
        ]

    def demo(self, predict):
        from apps.bert.demo import build_page

        return build_page(predict)


def _made(config):
    counts = (config.documents, _HELD, _HELD)
    return Corpus(*(make_documents(count, (config.seed, part)) for part, count in enumerate(counts)))


def _tokenizer(info):
    return WordPieceTokenizer.from_dict(info[TOKENIZER])


def _examples(documents, tokenizer, config, seed):
    """Returns documents as examples, not yet hidden."""
    ids = iter(tokenizer.encode_many(sentence for document in documents for sentence in document))
    documents = [[next(ids) for _ in document] for document in documents]
    # One less than there are positions: batches may be made wider by one.
    return Examples(*make_sentence_pairs(documents, tokenizer.vocabulary, config.length - 1, seed))
