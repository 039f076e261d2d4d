"""Sentiment: texts in, what they say of their subject out, by words."""

import dataclasses

import keras

from apps.base import App, Endpoint, make_optimizer
from apps.classification import measure
from apps.reading import check_classes, tell_problems, to_test_on
from apps.sentiment.examples import EXAMPLES
from apps.sentiment.reading import PAIRS, REVIEWS, TOKENIZER, encode, encoded, read, reading, renamings
from apps.text_report import write_report
from dlkeras import models
from dlkeras.checks import check_choice, check_fraction, check_positive, check_rate
from dlkeras.data.labels import named_answer
from dlkeras.data.text_files import FORMS, load_test_texts
from dlkeras.data.word_vectors import load_word_vectors
from dlkeras.losses import SmoothedSparseCrossEntropy
from dlkeras.metrics import Accuracy
from dlkeras.models.text.members import Members
from dlkeras.models.text.naive_bayes import NaiveBayes
from dlkeras.models.text.words import set_word_vectors
from dlkeras.text import WordTokenizer
from dlkeras.text.batches import LengthBatches
from dlkeras.text.endpoints import ids_of_words
from dlkeras.text.explaining import explain

_MOST_WORDS = 10_000  # of a text that is served; what is longer loses its end


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `reviews`, which are made up, or a file or folder of texts with labels.
        form: How these are written, see `dlkeras.data.text_files.load_texts`; empty to find out.
        columns: Names of the columns of text and label of a table, with a comma between.
        names: Names of labels, such as `0=negative,1=positive`; empty for the labels themselves.
        encoding: Of the files; empty to find out.
        strict: Whether anything wrong with the files is an error.
        reviews: Number of training reviews that are made up.
        min_frequency: Times that a word must be in the training texts to be known.
        max_words: Largest vocabulary.
        length: Words of a training text at most; the others are left out.
        model: A model of `dlkeras.models.list("text")`.
        members: Networks that learn side by side, each by itself, and whose probabilities are averaged.
        embedding_dim: Length of word vectors.
        naive_bayes: Share that naive Bayes of words and pairs of words has in the answer; 0 for none.
        word_parts: Whether words are told by their letters too, see `dlkeras.models.text.parts`.
        word_vectors: File of word vectors to begin with, GloVe's or word2vec's; empty for random ones.
        dropout: Rate before the logits.
        word_dropout: Share of words that become unknown in training.
        epochs: Passes over the training texts.
        batch_size: Texts a step.
        learning_rate: Peak of the one-cycle schedule, for Adam.
        weight_decay: Decoupled weight decay, on kernels only.
        label_smoothing: Part of a label that is shared by all classes.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        validation_fraction: Share of the training texts kept for validation where the data names none.
        test_fraction: Share of all texts kept for test where the data names none.
        patience: Epochs without improvement after which training stops; 0 for never.
        seed: Seed of everything.
    """

    data: str = REVIEWS
    form: str = ""
    columns: str = "text,label"
    names: str = ""
    encoding: str = ""
    strict: bool = False
    reviews: int = 4000
    min_frequency: int = 1
    max_words: int = 20_000
    length: int = 400
    model: str = "text_cnn"
    members: int = 1
    embedding_dim: int = 50
    naive_bayes: float = 0.0
    word_parts: bool = False
    word_vectors: str = ""
    dropout: float = 0.5
    word_dropout: float = 0.1
    epochs: int = 6
    batch_size: int = 50
    learning_rate: float = 0.002
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    average: float = 0.0
    validation_fraction: float = 0.1
    test_fraction: float = 0.1
    patience: int = 0
    seed: int = 0

    def __post_init__(self):
        check_choice("model", self.model, models.list("text"))
        if self.form:
            check_choice("form", self.form, FORMS)
        for name in ("reviews", "min_frequency", "max_words", "length", "members", "embedding_dim"):
            check_positive(name, getattr(self, name))
        for name in ("epochs", "batch_size", "learning_rate"):
            check_positive(name, getattr(self, name))
        for name in ("naive_bayes", "dropout", "word_dropout", "label_smoothing", "average"):
            check_rate(name, getattr(self, name))
        for name in ("validation_fraction", "test_fraction"):
            check_fraction(name, getattr(self, name))
        if len(self.columns.split(",")) != 2:
            raise ValueError(f"`columns` must be the names of text and label. Received: columns={self.columns}")
        if any("=" not in pair for pair in renamings(self.names)):
            raise ValueError(f"`names` must be such as 0=negative,1=positive. Received: names={self.names}")


_TEXTS = Config(
    epochs=8,
    min_frequency=2,
    embedding_dim=100,
    weight_decay=0.02,
    label_smoothing=0.1,
    average=0.99,
    word_dropout=0.2,
)
# Of a sentence little is known but its words. In a long text naive Bayes would be far too sure of itself.
_SENTENCES = dataclasses.replace(_TEXTS, epochs=6, members=3, embedding_dim=22, naive_bayes=0.25, word_parts=True)
# Its files are for training and validation; all of the first are trained on.
_SST = {"data": "sentiment/stsa.binary", "form": "space", "names": "0=negative,1=positive", "test_fraction": 0.0}
# One network, since it is trained ten times.
_MR = {"data": "sentiment/rt-polarity", "form": "classes", "names": "neg=negative,pos=positive", "members": 1}
_BIRNN = {"model": "bigru_max", "members": 2, "embedding_dim": 32, "dropout": 0.3, "learning_rate": 0.004}


class Sentiment(App):
    """Says what a text thinks of its subject, and which words made it say so."""

    name = "sentiment"
    title = "Sentiment"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(reviews=200, model="text_cnn_mini", epochs=3),
        "texts": _TEXTS,
        "sst": dataclasses.replace(_SENTENCES, **_SST),
        "sst_birnn": dataclasses.replace(_SENTENCES, **_SST, **_BIRNN),
        "mr": dataclasses.replace(_SENTENCES, **_MR, embedding_dim=50),
    }
    published = {
        "sst": "accuracy 0.827 (Kim 2014, CNN-rand, trained on phrases too, test)",
        "sst_birnn": "accuracy 0.827 (Kim 2014, CNN-rand, trained on phrases too, test)",
    }

    def config_name(self, settings):
        return "texts" if "data" in settings else "default"

    def load(self, config, info=None):
        splits = read(config)
        check_classes(splits.info, info)
        return encode(splits, config, info)

    def load_other(self, data, config, info):
        test, problems = load_test_texts(data, info["class_names"], **reading(config))
        tell_problems(problems, "the texts")
        test = encoded(test, WordTokenizer.from_dict(info[TOKENIZER]), config)
        return to_test_on(test, info, data)

    def build(self, config, info):
        words = info[TOKENIZER]["tokens"]
        arguments = {
            "num_classes": len(info["class_names"]),
            "vocabulary_size": len(words),
            "embedding_dim": config.embedding_dim,
            "words": words if config.word_parts else (),
            "dropout": config.dropout,
            "word_dropout": config.word_dropout,
        }
        if config.members == 1 and not config.naive_bayes:
            return models.create(config.model, **arguments, name=self.name)  # logits: (batch, num_classes)
        members = [models.create(config.model, **arguments, name=f"member{n}") for n in range(config.members)]
        return Members(members, self._wide(config, info), config.naive_bayes, name=self.name)

    def _wide(self, config, info):
        if not config.naive_bayes:
            return None
        sizes = (len(info["class_names"]), len(info[TOKENIZER]["tokens"]), info[PAIRS])
        return NaiveBayes(*sizes, name="naive_bayes")

    def fit(self, model, splits, config, directory, callbacks=()):
        if config.word_vectors:
            tokenizer = WordTokenizer.from_dict(splits.info[TOKENIZER])
            matrix, _ = load_word_vectors(config.word_vectors, tokenizer.vocabulary, config.seed)
            set_word_vectors(model, matrix)
        if config.naive_bayes:
            model.wide.count(*splits.train)
        return super().fit(model, splits, config, directory, callbacks)

    def compile(self, model, config, steps):
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps)
        model.compile(optimizer, SmoothedSparseCrossEntropy(config.label_smoothing), metrics=[Accuracy()])

    def fitting(self, config, info):
        return {**super().fitting(config, info), "batches": LengthBatches}

    def evaluate(self, model, splits, directory=None):
        logits = model.predict(splits.test.x, batch_size=128, verbose=0)
        probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
        if directory is not None:
            decode = WordTokenizer.from_dict(splits.info[TOKENIZER]).decode
            texts = lambda ids: [decode(ids[ids > 0].tolist())]  # noqa: E731 - a function of a row
            write_report(directory, probabilities, splits.test, texts, splits.info["class_names"])
        return measure(probabilities, splits.test.y)

    def endpoints(self, model, info):
        tokens = WordTokenizer.from_dict(info[TOKENIZER]).graph()

        def answer(logits):
            return named_answer(keras.ops.softmax(logits), info["class_names"])

        def ids_of(text):
            return ids_of_words(tokens, text, _MOST_WORDS)

        def classify(text):
            return answer(model(ids_of(text), training=False))

        def explained(text):
            ids = ids_of(text)
            logits, weights = explain(model, ids)
            starts, ends = (part[:, :_MOST_WORDS].to_tensor() for part in tokens.spans(text))
            return {**answer(logits), "weights": weights, "starts": starts, "ends": ends}

        inputs, example = {"text": ((None,), "string")}, {"text": [EXAMPLES[0]]}
        return [
            Endpoint("serving_default", classify, inputs, example),
            Endpoint("explain", explained, inputs, example),
        ]

    def demo(self, predict):
        from apps.sentiment.demo import build_page

        return build_page(predict)
