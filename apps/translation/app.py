"""Translation: a sentence in, the same in another language out."""

import dataclasses

import keras

from apps.base import App, Endpoint, make_optimizer
from apps.reading import tell_problems, to_test_on
from apps.translation.asking import ATTENTION
from apps.translation.examples import EXAMPLES
from apps.translation.measuring import perplexity, translate_all
from apps.translation.report import write_report
from dlkeras import models
from dlkeras.checks import check_choice, check_fraction, check_positive, check_rate
from dlkeras.data.made_translations import make_translations
from dlkeras.data.parallel_text import load_parallel, load_test_parallel
from dlkeras.data.splits import Examples, Splits
from dlkeras.losses import MaskedCrossEntropy
from dlkeras.metrics import bleu
from dlkeras.metrics.sequences import Perplexity
from dlkeras.schedules import InverseSquareRoot
from dlkeras.text.batches import LengthBatches
from dlkeras.text.parallel_ids import ParallelIds
from dlkeras.text.translating import Translator

PHRASES = "phrases"
PIECES = "pieces"  # the key in `info`
_WITHOUT_ATTENTION = ("seq2seq",)
ONE_CYCLE, INVERSE_SQUARE_ROOT = "one_cycle", "inverse_square_root"


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `phrases`, which are made up, or files of sentences and their translations; see
            `dlkeras.data.parallel_text.load_parallel`.
        validation: Files to choose the best epoch by; empty for a part of `data`.
        test: Files to test on; empty for a part of `data`.
        language: What is translated into, such as `de`; for people only.
        reverse: Whether to translate from the second side of the files to the first one.
        strict: Whether a line that cannot be used is an error.
        phrases: Number of training sentences that are made up.
        vocabulary_size: Number of byte pairs at most, of both languages together.
        lowercase: Whether capitals of the source are read as small letters.
        length: Pieces of a training sentence at most; the others are left out.
        model: A model of `dlkeras.models.list("translation")`.
        dropout: Rate in every part.
        epochs: Passes over the training sentences.
        batch_size: Sentences a step.
        learning_rate: Peak of the schedule, for Adam.
        schedule: `one_cycle` or `inverse_square_root`.
        label_smoothing: Part of each target that is shared by all pieces.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        weight_decay: Decoupled weight decay, on kernels only.
        validation_fraction: Share of the training sentences kept for validation where no file is named.
        test_fraction: Share of all sentences kept for test where no file is named.
        patience: Epochs without improvement after which training stops; 0 for never.
        seed: Seed of everything.
    """

    data: str = PHRASES
    validation: str = ""
    test: str = ""
    language: str = "de"
    reverse: bool = False
    strict: bool = False
    phrases: int = 6000
    vocabulary_size: int = 6000
    lowercase: bool = True
    length: int = 80
    model: str = "transformer_small"
    dropout: float = 0.1
    epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 0.002
    schedule: str = ONE_CYCLE
    label_smoothing: float = 0.1
    average: float = 0.0
    weight_decay: float = 0.0
    validation_fraction: float = 0.1
    test_fraction: float = 0.1
    patience: int = 0
    seed: int = 0

    def __post_init__(self):
        check_choice("model", self.model, models.list("translation"))
        check_choice("schedule", self.schedule, (ONE_CYCLE, INVERSE_SQUARE_ROOT))
        for name in ("phrases", "vocabulary_size", "length", "epochs", "batch_size", "learning_rate"):
            check_positive(name, getattr(self, name))
        for name in ("dropout", "label_smoothing", "average"):
            check_rate(name, getattr(self, name))
        for name in ("validation_fraction", "test_fraction"):
            check_fraction(name, getattr(self, name))


def _multi30k(language):
    return {
        **{
            name: f"multi30k/{part}.en.gz:multi30k/{part}.{language}.gz"
            for name, part in (("data", "train"), ("validation", "val"), ("test", "test_2016_flickr"))
        },
        "language": language,
    }


_FULL = Config(model="transformer", dropout=0.3, epochs=30, batch_size=128, learning_rate=0.003, average=0.998)


class Translation(App):
    """Translates sentences."""

    name = "translation"
    title = "Translation"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(
            phrases=400, vocabulary_size=500, model="transformer_mini", epochs=3, batch_size=32, learning_rate=0.01
        ),
        "sentences": _FULL,
        "multi30k_de": dataclasses.replace(_FULL, **_multi30k("de")),
        "multi30k_fr": dataclasses.replace(_FULL, **_multi30k("fr")),
    }
    monitor = "val_loss"
    published = {
        "multi30k_de": "tokenized BLEU: RNN 38.1, tiny Transformer 41.0 (Wu et al. 2021)",
        "multi30k_fr": "tokenized BLEU: RNN 52.5, tiny Transformer 61.8 (Wu et al. 2021)",
    }

    def config_name(self, settings):
        return "sentences" if "data" in settings else "default"

    def load(self, config, info=None):
        if config.data == PHRASES:
            splits = _made(config)
        else:
            splits, problems = load_parallel(
                config.data,
                validation=config.validation,
                test=config.test,
                validation_fraction=config.validation_fraction,
                test_fraction=config.test_fraction,
                seed=config.seed,
                reverse=config.reverse,
                strict=config.strict,
            )
            tell_problems(problems, "the sentences")
        if info is None:
            pieces = ParallelIds.fit(splits.train.x, splits.train.y, config.vocabulary_size, config.lowercase)
            attention = config.model not in _WITHOUT_ATTENTION
            info = {**splits.info, "language": config.language, ATTENTION: attention, PIECES: pieces.to_dict()}
        else:
            pieces = _pieces(info)
        train = pieces.encode(*splits.train, config.length)
        validation, test = (pieces.encode(*part) for part in (splits.validation, splits.test))
        return Splits(train, validation, test, info)

    def build(self, config, info):
        return models.create(
            config.model, vocabulary_size=_pieces(info).size, dropout=config.dropout, name=self.name
        )  # logits: (batch, length, vocabulary_size)

    def compile(self, model, config, steps):
        schedule = None
        if config.schedule == INVERSE_SQUARE_ROOT:
            schedule = InverseSquareRoot(config.learning_rate, max(1, steps // 10))
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps, schedule)
        optimizer.global_clipnorm = 1.0
        model.compile(optimizer, MaskedCrossEntropy(config.label_smoothing), metrics=[Perplexity()])

    def fitting(self, config, info):
        return {**super().fitting(config, info), "batches": LengthBatches}

    def evaluate(self, model, splits, directory=None):
        pieces = _pieces(splits.info)
        found = translate_all(Translator(model, pieces), splits.test.x[:, 0])
        said = [pieces.decode(ids) for ids in found]
        meant = [pieces.decode(ids) for ids in splits.test.y.tolist()]
        if directory is not None:
            read = [pieces.decode(ids) for ids in splits.test.x[:, 0].tolist()]
            write_report(directory, read, said, meant)
        return {
            "bleu": bleu(said, meant).score,
            # What papers on Multi30k report, by Moses' tokenizer.
            "tokenized_bleu": bleu(said, meant, lowercase=True, tokenize="13a+elisions").score,
            "perplexity": perplexity(model, splits.test),
        }

    def endpoints(self, model, info):
        translator = Translator(model, _pieces(info))
        inputs = {"text": ((None,), "string")}
        example = {"text": [EXAMPLES[0]]}
        functions = {"serving_default": translator.translate}
        if info[ATTENTION]:
            functions[ATTENTION] = translator.attend
        return [Endpoint(name, function, inputs, example) for name, function in functions.items()]

    def load_other(self, data, config, info):
        test, problems = load_test_parallel(data, reverse=config.reverse)
        tell_problems(problems, "the sentences")
        test = _pieces(info).encode(*test)
        return to_test_on(test, info, data)

    def demo(self, predict):
        from apps.translation.demo import build_page

        return build_page(predict)


def _made(config):
    held_out = max(50, config.phrases // 8)
    counts = (config.phrases, held_out, held_out)
    parts = [Examples(*make_translations(count, (config.seed, part))) for part, count in enumerate(counts)]
    return Splits(*parts, {"data": PHRASES})


def _pieces(info):
    return ParallelIds.from_dict(info[PIECES])
