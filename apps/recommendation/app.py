"""Recommendation: a model learns from ratings, and tells what somebody may like, whether it knows them or not."""

import dataclasses

import keras
import numpy as np

from apps.base import App, Endpoint, make_optimizer, steps_of
from apps.reading import to_test_on
from apps.recommendation.answering import LISTED, Answers
from apps.recommendation.asking import FROM_HISTORY, RATE, SIMILAR
from apps.recommendation.data import MADE, SPLITS, described, multi_hot, pairs, parted, read_films
from apps.recommendation.measuring import ranking, rating_errors
from apps.recommendation.report import write_report
from dlkeras.checks import check_choice, check_positive, check_rate
from dlkeras.data.ratings import read_ratings, renamed
from dlkeras.data.splits import Examples, Splits
from dlkeras.losses import MultinomialLoss
from dlkeras.metrics import HistoryLoss
from dlkeras.models.recommend.recommender import Recommender
from dlkeras.training import fit

RATING_MODELS = ("matrix_factorization", "svd_plus_plus")
HISTORY_MODELS = ("mult_dae",)
_LAST_RATE = 0.001  # the end of the schedule, as a part of its peak


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `made`, which is made up, a folder of MovieLens, or a file of `user, item, rating[, time]`.
        model: `matrix_factorization` or `svd_plus_plus`, which say how users would rate, or `mult_dae`, which says
            what they would choose, whatever they think of it then.
        width: Length of the vectors, or of the hidden layer.
        split: How ratings are parted: `random`; `user` or `item`, the same share of each; `time`, the latest of all;
            `last`, the last one of each user.
        test_fraction: Share that is tested on.
        validation_fraction: Share of the others that is validated on, at random.
        decay: Weight of the vectors' squares in the loss, or of the kernels'.
        bias_decay: The same of biases.
        dropout: Share of a history that is hidden in training.
        epochs: Passes over the ratings, or over the users.
        batch_size: Ratings, or users, a step.
        learning_rate: Peak of the schedule, for Adam.
        patience: Epochs without improvement after which training stops; 0 for never.
        seed: Seed of everything.
    """

    data: str = MADE
    model: str = "matrix_factorization"
    width: int = 128
    split: str = "random"
    test_fraction: float = 0.2
    validation_fraction: float = 0.1
    decay: float = 0.12
    bias_decay: float = 0.02
    dropout: float = 0.5
    epochs: int = 20
    batch_size: int = 1000
    learning_rate: float = 0.005
    patience: int = 0
    seed: int = 0

    # No field of a run: `make_optimizer` asks for them.
    weight_decay = average = 0.0

    def __post_init__(self):
        check_choice("model", self.model, (*RATING_MODELS, *HISTORY_MODELS))
        check_choice("split", self.split, SPLITS)
        for name in ("width", "epochs", "batch_size", "learning_rate"):
            check_positive(name, getattr(self, name))
        check_rate("dropout", self.dropout)
        for name in ("test_fraction", "validation_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be in (0, 1). Received: {name}={getattr(self, name)}")
        for name in ("decay", "bias_decay"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"`{name}` must be 0 or more. Received: {name}={getattr(self, name)}")


_CHOICES = Config(
    model="mult_dae", width=200, test_fraction=0.25, decay=0.01, epochs=100, batch_size=100, learning_rate=0.001
)
_MOVIELENS = "movielens/ml-100k"


class Recommendation(App):
    """Recommends items to users."""

    name = "recommendation"
    title = "Recommendation"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(width=8, epochs=2, decay=0.01),
        "made": Config(),
        "made_choices": dataclasses.replace(_CHOICES, epochs=15),
        "ml100k": Config(data=_MOVIELENS),
        "ml100k_choices": dataclasses.replace(_CHOICES, data=_MOVIELENS, split="item"),
    }
    published = {
        "ml100k": "RMSE over 5 random folds, Surprise: SVD 0.934, SVD++ 0.919",
        "ml100k_choices": "NDCG@10 over all items, Microsoft Recommenders: NCF 0.396, LightGCN 0.420",
    }

    def load(self, config, info=None):
        films = read_films(config.data, config.seed)
        rest, test = parted(films.ratings, config.split, config.test_fraction, config.seed)
        train, validation = parted(rest, "random", config.validation_fraction, (config.seed, 1))
        return Splits(pairs(train), pairs(validation), pairs(test), info or described(films, rest, config.data))

    def load_other(self, data, config, info):
        ratings = renamed(read_ratings(data), info["user_names"], info["item_names"])
        return to_test_on(pairs(ratings), info, data)

    def build(self, config, info):
        sizes = {"num_users": len(info["user_names"]), "num_items": len(info["item_names"])}
        if config.model in HISTORY_MODELS:
            arguments = {"num_items": sizes["num_items"], "hidden": config.width, "dropout": config.dropout}
        else:
            arguments = {**sizes, "factors": config.width, "bias_decay": config.bias_decay}
        return Recommender(
            network=config.model,
            arguments={**arguments, "decay": config.decay},
            num_users=sizes["num_users"],
            size=info["seen"],
            longest=info["longest"],
            name=self.name,
        )

    def compile(self, model, config, steps):
        schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps, _LAST_RATE)
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps, schedule)
        if config.model in HISTORY_MODELS:
            model.compile(optimizer, MultinomialLoss(), metrics=[HistoryLoss()])
        else:
            model.compile(optimizer, "mse", metrics=[keras.metrics.RootMeanSquaredError(name="rmse")])

    def fit(self, model, splits, config, directory, callbacks=()):
        train, validation = splits.train, splits.validation
        model.seen.read(*np.concatenate([train.x, validation.x]).T)
        if config.model in HISTORY_MODELS:
            # A user is an example: what is known gives itself back, and for validation what is not.
            known, held_out = (multi_hot(part, splits.info) for part in (train, validation))
            train, validation = Examples(known, known), Examples(known, held_out)
        else:
            model.network.read(*train.x.T, train.y)
        fitted = dataclasses.replace(splits, train=train)
        self.compile(model, config, steps_of(fitted, config, config.epochs))
        fitting = self.fitting(config, splits.info)
        fitting["monitor"] = "val_history_loss" if config.model in HISTORY_MODELS else "val_rmse"
        return fit(model, train, validation, directory, callbacks=callbacks, **fitting)

    def evaluate(self, model, splits, directory=None):
        if rates(model):
            figures, errors = rating_errors(model, splits)
        else:
            figures, errors = ranking(model, splits)
        if directory is not None:
            write_report(directory, model, splits, errors)
        return figures

    def endpoints(self, model, info):
        answers = Answers(model, info)
        user, item = info["user_names"][0], info["item_names"][0]
        text, texts = ((None,), "string"), ((None, None), "string")
        listed = {"k": [5], "genre": [""]}
        known = {"user": text, **LISTED, "leave_out": texts}
        asked = {"user": [user], **listed, "leave_out": [[item]]}
        endpoints = [
            Endpoint("serving_default", answers.top_k, known, asked),
            Endpoint("top_k", answers.top_k, known, asked),
            Endpoint(SIMILAR, answers.similar, {"item": text, **LISTED}, {"item": [item], **listed}),
            Endpoint(FROM_HISTORY, answers.from_history, {"items": texts, **LISTED}, {"items": [[item]], **listed}),
        ]
        if rates(model):
            endpoints.append(
                Endpoint(RATE, answers.rate, {"user": text, "item": text}, {"user": [user], "item": [item]})
            )
        return endpoints

    def demo(self, predict):
        from apps.recommendation.demo import build_page

        return build_page(predict)


def rates(model):
    """Tells whether a model says how users would rate."""
    return model.get_config()["network"] in RATING_MODELS
