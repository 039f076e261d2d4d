"""Natural language inference: premise and hypothesis in, entailment, neutral or contradiction out."""

import dataclasses

import keras
import numpy as np

from apps.base import App, Endpoint, make_optimizer
from apps.classification import measure
from apps.nli.examples import EXAMPLES
from apps.nli.words import WordPairs
from apps.reading import check_classes, tell_problems, to_test_on
from apps.text_report import write_report
from dlkeras import models
from dlkeras.checks import check_choice, check_fraction, check_positive, check_rate
from dlkeras.data.labels import named_answer
from dlkeras.data.made_pairs import make_pairs
from dlkeras.data.splits import Examples, Splits
from dlkeras.data.text_pairs import CLASS_NAMES, load_pairs, load_test_pairs
from dlkeras.losses import SmoothedSparseCrossEntropy
from dlkeras.metrics import Accuracy
from dlkeras.text.batches import LengthBatches

SCENES = "scenes"
READER = "reader"  # the key in `info`
BERT = "bert"
MODELS = [*models.list("pairs"), BERT]


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `scenes`, which are made up, or files of labelled pairs with commas between, see
            `dlkeras.data.text_pairs.load_pairs`.
        validation: Files to choose the best epoch by; empty for a part of `data`.
        test: Files to test on; empty for a part of `data`.
        columns: Names of the columns of premise, hypothesis and label, with commas between; empty to find out.
        names: Names of labels, such as `0=entailment,1=neutral`; empty for the labels themselves.
        encoding: Of the files; empty to find out.
        strict: Whether anything wrong with the files is an error.
        pairs: Number of training pairs that are made up.
        hide_premise: Whether the model sees hypotheses alone, to learn what these give away.
        min_frequency: Times that a word must be in the training texts to be known.
        max_words: Largest vocabulary.
        length: Words of a training text at most; the others are left out.
        model: A model of `dlkeras.models.list("pairs")`, or `bert`.
        backbone: What BERT is fine-tuned from; see `apps.bert.pretrained.open_backbone`.
        pretrained: Whether BERT begins with the backbone's weights, not random ones.
        embedding_dim: Length of word vectors.
        dropout: Rate before each dense layer.
        embedding_dropout: Rate on the word vectors.
        word_dropout: Share of words that become unknown in training.
        epochs: Passes over the training pairs.
        batch_size: Pairs a step.
        learning_rate: Peak of the one-cycle schedule, for Adam.
        weight_decay: Decoupled weight decay, on kernels only.
        label_smoothing: Part of a label that is shared by all classes.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        validation_fraction: Share of the training pairs kept for validation where no file is named.
        test_fraction: Share of all pairs kept for test where no file is named.
        patience: Epochs without improvement after which training stops; 0 for never.
        seed: Seed of everything.
    """

    data: str = SCENES
    validation: str = ""
    test: str = ""
    columns: str = ""
    names: str = ""
    encoding: str = ""
    strict: bool = False
    pairs: int = 8000
    hide_premise: bool = False
    min_frequency: int = 1
    max_words: int = 20_000
    length: int = 100
    model: str = "decomposable_attention_small"
    backbone: str = "mini"
    pretrained: bool = True
    embedding_dim: int = 50
    dropout: float = 0.2
    embedding_dropout: float = 0.0
    word_dropout: float = 0.0
    epochs: int = 6
    batch_size: int = 64
    learning_rate: float = 0.001
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    average: float = 0.0
    validation_fraction: float = 0.1
    test_fraction: float = 0.1
    patience: int = 0
    seed: int = 0

    def __post_init__(self):
        check_choice("model", self.model, MODELS)
        for name in ("pairs", "min_frequency", "max_words", "length", "embedding_dim", "epochs", "batch_size"):
            check_positive(name, getattr(self, name))
        check_positive("learning_rate", self.learning_rate)
        for name in ("dropout", "embedding_dropout", "word_dropout", "label_smoothing", "average"):
            check_rate(name, getattr(self, name))
        for name in ("validation_fraction", "test_fraction"):
            check_fraction(name, getattr(self, name))
        if self.columns and len(self.columns.split(",")) != 3:
            raise ValueError(
                f"`columns` must be the names of premise, hypothesis and label. Received: columns={self.columns}"
            )
        if any("=" not in pair for pair in _parts(self.names)):
            raise ValueError(f"`names` must be such as 0=entailment,1=neutral. Received: names={self.names}")


def _parts(text):
    return text.split(",") if text else []


_PAIRS = Config(epochs=6, embedding_dim=100)
_SICK = {
    "data": "nli/cfnli_train.tsv,nli/snli_dev.tsv,nli/SICK_train.txt*3",
    "validation": "nli/SICK_trial.txt",
    "test_fraction": 0.0,
}
_BERT = {
    "model": BERT,
    "dropout": 0.15,
    "epochs": 3,
    "batch_size": 32,
    "learning_rate": 0.0005,
    "weight_decay": 0.01,
    "label_smoothing": 0.1,
}
_LINGNLI = {"data": "nli/lingnli_train.tsv", "validation": "nli/lingnli_val.tsv", "test_fraction": 0.0}


class Nli(App):
    """Says whether a hypothesis follows from a premise, contradicts it, or neither."""

    name = "nli"
    title = "Natural language inference"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(
            pairs=600, model="decomposable_attention_mini", embedding_dim=16, batch_size=32, learning_rate=0.01
        ),
        "pairs": _PAIRS,
        "pairs_bert": Config(**_BERT),
        "sick": dataclasses.replace(_PAIRS, **_SICK),
        "sick_bert": Config(**_SICK, **_BERT),
        "lingnli": dataclasses.replace(_PAIRS, **_LINGNLI, epochs=3),
        "lingnli_bert": Config(**_LINGNLI, **{**_BERT, "epochs": 2}),
    }
    published = dict.fromkeys(
        ("sick", "sick_bert"),
        "accuracy on test: LSTM on SICK alone 0.71-0.72, LSTM with SNLI 0.808 (Bowman 2015), BERT-base 0.873",
    )

    def config_name(self, settings):
        if "backbone" in settings or settings.get("model") == BERT:
            return "pairs_bert"
        return "pairs" if "data" in settings else "default"

    def load(self, config, info=None):
        if config.data == SCENES:
            splits = _made(config)
        else:
            fractions = {name: getattr(config, name) for name in ("validation_fraction", "test_fraction")}
            files = {"validation": config.validation, "test": config.test}
            splits, problems = load_pairs(
                config.data, **files, **_reading(config), **fractions, seed=config.seed, strict=config.strict
            )
            tell_problems(problems, "the pairs")
            _tell_undecided(splits.info["undecided"])
        check_classes(splits.info, info)
        if info is None:
            reader = _kind("pieces" if config.model == BERT else "words").fit(
                splits.train.x[:, 0], splits.train.x[:, 1], config
            )
            info = {**splits.info, READER: reader.to_dict()}
        else:
            reader = _reader(info)
        parts = (splits.train, splits.validation, splits.test)
        return Splits(*(_encoded(part, reader) for part in parts), info)

    def load_other(self, data, config, info):
        test, problems = load_test_pairs(data, info["class_names"], **_reading(config))
        tell_problems(problems, "the pairs")
        return to_test_on(_encoded(test, _reader(info)), info, data)

    def build(self, config, info):
        return _reader(info).build(config, len(info["class_names"]), self.name)  # logits: (batch, num_classes)

    def prepare(self, model, config):
        if config.model == BERT and config.pretrained:
            _kind("pieces").prepare(model, config)

    def compile(self, model, config, steps):
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps)
        if config.model == BERT:
            optimizer.global_clipnorm = 1.0
        model.compile(optimizer, SmoothedSparseCrossEntropy(config.label_smoothing), metrics=[Accuracy()])

    def fitting(self, config, info):
        return {**super().fitting(config, info), "batches": LengthBatches}

    def evaluate(self, model, splits, directory=None):
        logits = model.predict(splits.test.x, batch_size=128, verbose=0)
        probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
        if directory is not None:
            decode = _reader(splits.info).decode
            names, columns = splits.info["class_names"], ("premise", "hypothesis")
            write_report(directory, probabilities, splits.test, decode, names, columns)
        # What whoever always says the same could reach.
        commonest = float(np.bincount(splits.test.y).max() / len(splits.test.y))
        return {**measure(probabilities, splits.test.y), "commonest_class": commonest}

    def endpoints(self, model, info):
        reader = _reader(info)
        ids_of, align = reader.graph(), reader.aligned(model)

        def answer(logits):
            return named_answer(keras.ops.softmax(logits), info["class_names"])

        def classify(premise, hypothesis):
            return answer(model(ids_of(premise, hypothesis), training=False))

        def aligned(premise, hypothesis):
            logits, alignment = align(premise, hypothesis)
            return {**answer(logits), **alignment}

        inputs = {"premise": ((None,), "string"), "hypothesis": ((None,), "string")}
        example = {"premise": [EXAMPLES[0][0]], "hypothesis": [EXAMPLES[0][1]]}
        functions = {"serving_default": classify, **({"align": aligned} if align else {})}
        return [Endpoint(name, function, inputs, example) for name, function in functions.items()]

    def demo(self, predict):
        from apps.nli.demo import build_page

        return build_page(predict)


def _made(config):
    held_out = max(50, config.pairs // 8)
    counts = (config.pairs, held_out, held_out)
    parts = [Examples(*make_pairs(count, (config.seed, part))) for part, count in enumerate(counts)]
    return Splits(*parts, {"class_names": CLASS_NAMES, "data": SCENES, "undecided": 0})


def _reading(config):
    """Returns how pairs are read, for `load_pairs` and `load_test_pairs`."""
    return {
        "columns": tuple(config.columns.split(",")) if config.columns else None,
        "names": dict(pair.split("=", 1) for pair in _parts(config.names)) or None,
        "encoding": config.encoding or None,
    }


def _reader(info):
    return _kind(info[READER]["kind"]).from_dict(info[READER])


def _kind(kind):
    """Returns the class that reads pairs for a kind of model, and builds it."""
    if kind == WordPairs.KIND:
        return WordPairs
    from apps.nli.pieces import PiecePairs  # here, since KerasHub takes seconds to import

    return PiecePairs


def _tell_undecided(count):
    if count:
        print(f"{count} pairs are left out, since people did not agree on their label.")


def _encoded(examples, reader):
    return Examples(reader.encode(examples.x[:, 0], examples.x[:, 1]), examples.y)
