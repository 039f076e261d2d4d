"""Text generation: a language model reads text, by characters or in pieces, and goes on with a prompt."""

import dataclasses
import functools
import math

import keras

from apps.base import App, Endpoint, make_optimizer, steps_of
from apps.reading import to_test_on
from apps.text_generation.asking import CONTINUE
from apps.text_generation.measuring import mean_loss
from apps.text_generation.report import write_report
from dlkeras import models
from dlkeras.checks import check_choice, check_fraction, check_positive, check_rate
from dlkeras.data.running_text import RunningText, load_running_text, load_test_running_text, make_text
from dlkeras.data.splits import Examples, Splits
from dlkeras.losses import MaskedCrossEntropy
from dlkeras.models.text.recurrent_language import RecurrentLanguageModel
from dlkeras.schedules import OneCycle
from dlkeras.text import BytePairTokenizer, CharacterTokenizer, Tokenizer
from dlkeras.text.streams import StreamBatches, WindowBatches, cut_blocks, join_blocks
from dlkeras.text.writing import CHOICES, Writer
from dlkeras.training import fit

MADE = "made"
TOKENIZER = "tokenizer"  # the key in `info`
CHARACTERS, PIECES = "characters", "pieces"
_LAST_RATE = 0.01  # the end of the schedule, as a part of its peak


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `made`, which is made up, or text files and folders of them; see
            `dlkeras.data.running_text.load_running_text`.
        characters: Length of the text that is made up.
        validation_fraction: Share of each text, its end, that is validated and tested on.
        unit: What the model reads: `characters`, or `pieces` of words, byte pairs.
        vocabulary_size: Number of pieces at most.
        model: A model of `dlkeras.models.list("language")`.
        block: Tokens of an example, over which gradients go back.
        dropout: Rate in every part.
        steps: Batches an epoch; 0 for as many as make up the text's length.
        epochs: Passes over so many batches.
        batch_size: Examples a step.
        learning_rate: Peak of the schedule, for Adam.
        warmup: Share of the steps in which the learning rate climbs.
        weight_decay: Decoupled weight decay, on kernels only.
        clip: Largest norm of the gradients together.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        patience: Epochs without improvement after which training stops; 0 for never.
        seed: Seed of everything.
    """

    data: str = MADE
    characters: int = 200_000
    validation_fraction: float = 0.1
    unit: str = CHARACTERS
    vocabulary_size: int = 2000
    model: str = "gpt_rotary"
    block: int = 64
    dropout: float = 0.0
    steps: int = 200
    epochs: int = 4
    batch_size: int = 12
    learning_rate: float = 0.003
    warmup: float = 0.05
    weight_decay: float = 0.1
    clip: float = 1.0
    average: float = 0.0
    patience: int = 0
    seed: int = 0

    def __post_init__(self):
        check_choice("unit", self.unit, (CHARACTERS, PIECES))
        check_choice("model", self.model, models.list("language"))
        for name in ("characters", "vocabulary_size", "block", "epochs", "batch_size", "learning_rate", "clip"):
            check_positive(name, getattr(self, name))
        for name in ("dropout", "average", "warmup"):
            check_rate(name, getattr(self, name))
        check_fraction("validation_fraction", self.validation_fraction)
        if self.steps < 0:
            raise ValueError(f"`steps` must be 0 or more. Received: steps={self.steps}")


_SHAKESPEARE = Config(data="shakespeare/input.txt", epochs=10)


class TextGeneration(App):
    """Goes on with texts."""

    name = "text_generation"
    title = "Text generation"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(characters=20_000, model="gpt_mini", block=32, steps=20, epochs=2, learning_rate=0.01),
        "nano": dataclasses.replace(_SHAKESPEARE, model="gpt", learning_rate=0.001),
        "nano_better": _SHAKESPEARE,
        "shakespeare": dataclasses.replace(
            _SHAKESPEARE,
            model="gpt_medium",
            block=256,
            batch_size=16,
            dropout=0.1,
            steps=240,
            epochs=15,
            learning_rate=0.002,
        ),
    }
    monitor = "val_loss"
    published = {
        "nano": "nanoGPT, the same network and number of tokens: 1.88",
        "shakespeare": "nanoGPT, 10.7 million parameters on a GPU: 1.47",
    }

    def config_name(self, settings):
        return "nano_better" if "data" in settings else "default"

    def load(self, config, info=None):
        texts = _texts(config)
        if info is None:
            info = {"data": config.data, TOKENIZER: _fitted(config, texts.train).to_dict()}
        tokenizer = _tokenizer(info)
        train, validation = (cut_blocks(tokenizer.encode(text), config.block) for text in texts)
        none = Examples(validation.x[:0], validation.y[:0])
        return Splits(train, validation, _made_test(config, tokenizer) if config.data == MADE else none, info)

    def build(self, config, info):
        block = {"block": config.block} if config.model.startswith("gpt") else {}
        return models.create(
            config.model,
            vocabulary_size=len(_tokenizer(info).vocabulary),
            dropout=config.dropout,
            name=self.name,
            **block,
        )  # logits: (batch, length, vocabulary_size)

    def compile(self, model, config, steps):
        steps = config.steps * config.epochs or steps
        schedule = OneCycle(config.learning_rate, steps, config.warmup, 0.0, _LAST_RATE)
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps, schedule)
        optimizer.global_clipnorm = config.clip
        model.compile(optimizer, MaskedCrossEntropy())

    def load_other(self, data, config, info):
        ids = _tokenizer(info).encode(load_test_running_text(data))
        test = cut_blocks(ids, config.block)
        return to_test_on(test, info, data)

    def fit(self, model, splits, config, directory, callbacks=()):
        self.compile(model, config, steps_of(splits, config, config.epochs))
        kind = functools.partial(WindowBatches, steps=config.steps)
        if isinstance(model, RecurrentLanguageModel):
            kind = functools.partial(StreamBatches, model=model)
        fitting = {**self.fitting(config, splits.info), "batches": kind}
        return fit(model, splits.train, splits.validation, directory, callbacks=callbacks, **fitting)

    def evaluate(self, model, splits, directory=None):
        tokenizer = _tokenizer(splits.info)
        loss, ids = mean_loss(model, splits.test), join_blocks(splits.test)
        if directory is not None:
            write_report(directory, Writer(model, tokenizer))
        # The first token is given.
        nats = loss * (len(ids) - 1) / len(tokenizer.decode(ids[1:].tolist()))
        return {"loss": loss, "perplexity": math.exp(loss), "bits_per_character": nats / math.log(2)}

    def endpoints(self, model, info):
        writer = Writer(model, _tokenizer(info))
        prompt, state = {"prompt": ((None,), "string")}, {"state": ((None, writer.state_size), "float32")}
        example = {"max_tokens": [20], "temperature": [0.8], "top_k": [0], "top_p": [0.95], "seed": [1]}
        known = {"prompt": [""], **example}
        return [
            Endpoint("serving_default", writer.write, prompt | CHOICES, known),
            Endpoint(CONTINUE, writer.go_on, state | CHOICES, {"state": writer.example_state(), **example}),
        ]

    def demo(self, predict):
        from apps.text_generation.demo import build_page

        return build_page(predict)


def _texts(config):
    if config.data == MADE:
        texts = (make_text(length, (config.seed, part)) for part, length in enumerate(_lengths(config)))
        return RunningText(*texts)
    return load_running_text(config.data, config.validation_fraction)


def _lengths(config):
    return config.characters, max(2, int(config.characters * config.validation_fraction))


def _made_test(config, tokenizer):
    return cut_blocks(tokenizer.encode(make_text(_lengths(config)[1], (config.seed, 2))), config.block)


def _fitted(config, text):
    if config.unit == CHARACTERS:
        return CharacterTokenizer().fit([text])
    return BytePairTokenizer(max_size=config.vocabulary_size).fit([text])


def _tokenizer(info):
    return Tokenizer.from_dict(info[TOKENIZER])
