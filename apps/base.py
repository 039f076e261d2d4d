"""What an application is. Everything that the commands, the gallery and the contract tests ask of one stands here."""

import dataclasses

from dlkeras.export import Endpoint
from dlkeras.schedules import OneCycle
from dlkeras.training import fit

__all__ = ["App", "Endpoint"]


class App:
    """One task: its data, model, figures and endpoints.

    Attributes:
        name: Name of the app's folder and of its served model.
        title: A few words for people.
        Config: Frozen dataclass of everything that a run depends on, with `seed`, `epochs` and `batch_size`.
        configs: Named variants; `default` takes minutes, `smoke` seconds, both with no data set present. A preset that
            ships has the name of the config that made it.
        monitor: Validation metric that the best epoch is chosen by.
        published: For the results table: config name -> the published figure that it answers to, and whose it is.
    """

    name: str
    title: str
    Config: type
    configs: dict
    monitor = "val_accuracy"
    published: dict = {}

    def config_name(self, settings):
        """Chooses the config to train by where none is named; `settings` are the fields that are given otherwise."""
        return "default"

    def load(self, config, info=None):
        """Reads the data: `Splits` of arrays, with `info` for what a model must know of it.

        With the `info` of a trained model the data is read as that model needs it, or refused with a sentence.
        """
        raise NotImplementedError

    def load_other(self, data, config, info):
        """Reads other data to measure a trained model on: `Splits`, of which the test split counts."""
        return self.load(dataclasses.replace(config, data=data), info)

    def build(self, config, info):
        """Builds the `keras.Model`, random weights, not compiled."""
        raise NotImplementedError

    def prepare(self, model, config):
        """Gives a model its weights of before the first step, where they are not random ones."""

    def compile(self, model, config, steps):
        """Sets optimizer, loss and metrics; `steps` is the number of batches of the whole run."""
        raise NotImplementedError

    def transform(self, config, info):
        """Returns a function that changes each training batch, see `dlkeras.training.batches.Batches`, or `None`."""

    def fit(self, model, splits, config, directory, callbacks=()):
        """Trains, or goes on with, the model in a run's folder; returns the state of `dlkeras.training.fit`."""
        self.prepare(model, config)
        self.compile(model, config, steps_of(splits, config, config.epochs))
        fitting = self.fitting(config, splits.info)
        return fit(model, splits.train, splits.validation, directory, callbacks=callbacks, **fitting)

    def fitting(self, config, info):
        """Returns what `dlkeras.training.fit` is told of a run, by name."""
        return {
            "epochs": config.epochs,
            "batch_size": config.batch_size,
            "seed": config.seed,
            "monitor": self.monitor,
            "patience": getattr(config, "patience", 0),
            "transform": self.transform(config, info),
        }

    def loss_of(self, row):
        """Returns what training has to bring down, of a row of a run's history."""
        return row["loss"]

    def evaluate(self, model, splits, directory=None):
        """Measures on the test split: `{metric: float}`. With a directory, plots and tables for people go there."""
        raise NotImplementedError

    def endpoints(self, model, info):
        """Returns the `Endpoint`s, raw in and answer out; the first is `serving_default`."""
        raise NotImplementedError

    def demo(self, predict):
        """Returns the page, a `gradio.Blocks`; `predict(inputs, endpoint=..., preset=...)` answers for a model."""
        raise NotImplementedError


def steps_of(splits, config, epochs):
    """Returns the number of batches of so many epochs."""
    return max(1, len(splits.train.y) // config.batch_size) * epochs


def make_optimizer(kind, config, learning_rate, steps, schedule=None):
    """Makes an optimizer with a schedule.

    Args:
        kind: Class of the optimizer.
        config: With `weight_decay`, decoupled and on kernels only, and `average`, the momentum of averaged weights.
        learning_rate: Peak of the schedule.
        steps: Number of batches of the whole run.
        schedule: The schedule; `None` for a one-cycle one with that peak.

    Returns:
        A `keras.optimizers.Optimizer`.
    """
    averaging = {"use_ema": True, "ema_momentum": config.average} if config.average else {}
    optimizer = kind(schedule or OneCycle(learning_rate, steps), weight_decay=config.weight_decay or None, **averaging)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "token", "positions"])
    return optimizer


def replace(config, settings):
    """Overrides fields of a config by text, as `--set` gives it.

    Args:
        config: A frozen dataclass instance.
        settings: `{field: text}`.

    Returns:
        A new instance.

    Raises:
        ValueError: There is no such field, or the text is not of its type.
    """
    fields = {field.name: field.type for field in dataclasses.fields(config)}
    values = {}
    for name, text in settings.items():
        if name not in fields:
            raise ValueError(f"`--set` takes one of {', '.join(fields)}. Received: {name}")
        values[name] = _parse(name, text, fields[name])
    return dataclasses.replace(config, **values)


def _parse(name, text, kind):
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"`{name}` must be true or false. Received: {name}={text}")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        words = {int: "a whole number", float: "a number"}
        raise ValueError(f"`{name}` must be {words[kind]}. Received: {name}={text}") from None
