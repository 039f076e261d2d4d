"""Style transfer: a content and a style picture in, the content painted in that style out."""

import dataclasses

import keras
from keras import ops

from apps.base import App, Endpoint, make_optimizer
from apps.style_transfer.drawn import example
from apps.style_transfer.features import FEATURES, describe_features, open_features, rebuild_features
from apps.style_transfer.painter import features_of, paint
from apps.style_transfer.pairs import SCENES, Shuffle, make_pairs, photographs
from apps.style_transfer.report import known_pairs, measure, optimize, write_report
from dlkeras.checks import check_choice, check_fraction, check_positive, check_rate
from dlkeras.data.encode import encode_png
from dlkeras.data.repainting import check_sides, repaint
from dlkeras.data.splits import Examples, Splits
from dlkeras.losses.style import STATISTICS, StyleTransferLoss
from dlkeras.models.style.conditional import style_network

LOSS = "loss"  # the key in `info` of what the loss is weighted with
DEFAULT_SIZE = 256
_LONGEST_GRADIENT = 0.2


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `scenes`, which are made up, or folders of photographs with commas between them. Styles are painted by
            rule from either.
        pairs: Number of training pairs of a content and a style, which are mixed anew each epoch.
        image_size: Side of the pictures of a pair.
        crop: Side of the parts of them that are trained on.
        identity: Share of the contents that become their own style in training.
        features: The network by whose maps content and style are told; see `apps.backbones.open_backbone`.
        weights: Weights file for it, where it needs one.
        levels: Names of its layers, with commas between them, of which the last tells the content; by default those
            that made good pictures.
        statistic: How a style is told: `gram` or `moments`.
        content_weight: Of the content loss, beside 1 of the style loss.
        variation_weight: Of the total variation.
        identity_weight: Of the distance of pixels, where a content is its own style.
        scales: At how many sizes styles are compared.
        margin: Pixels that pictures are continued by before they are compared.
        width: Channels of the network at the picture's own size.
        blocks: Its residual blocks.
        epochs: Passes over the training pairs.
        batch_size: Pairs a step.
        learning_rate: Peak of the one-cycle schedule, for Adam.
        weight_decay: Decoupled weight decay, on kernels only.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        test_fraction: Share of the photographs kept for test.
        compared: Test pairs that the optimizer paints too.
        seed: Seed of everything.
    """

    data: str = SCENES
    pairs: int = 160
    image_size: int = 128
    crop: int = 96
    identity: float = 0.1
    features: str = "cifar10"
    weights: str = ""
    levels: str = ""
    statistic: str = "gram"
    content_weight: float = 0.05
    variation_weight: float = 0.1
    identity_weight: float = 10.0
    scales: int = 2
    margin: int = 4
    width: int = 16
    blocks: int = 4
    epochs: int = 10
    batch_size: int = 4
    learning_rate: float = 0.0008
    weight_decay: float = 0.0
    average: float = 0.98
    test_fraction: float = 0.1
    compared: int = 3
    seed: int = 0

    def __post_init__(self):
        check_choice("statistic", self.statistic, STATISTICS)
        for name in (
            "pairs",
            "compared",
            "image_size",
            "crop",
            "width",
            "blocks",
            "epochs",
            "batch_size",
            "learning_rate",
        ):
            check_positive(name, getattr(self, name))
        if self.crop > self.image_size:
            raise ValueError(f"`crop` must be at most `image_size`, {self.image_size}. Received: crop={self.crop}")
        check_fraction("identity", self.identity)
        check_rate("average", self.average)


class StyleTransfer(App):
    """Paints a picture in the style of another one."""

    name = "style_transfer"
    title = "Style transfer"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(pairs=16, image_size=48, crop=32, width=4, blocks=1, epochs=3, average=0.0, compared=1),
        "photographs": Config(
            data="finetune/hymenoptera,kangaroo/images",
            pairs=320,
            image_size=192,
            crop=128,
            scales=3,
            margin=8,
            epochs=24,
            batch_size=2,
            learning_rate=0.001,
            average=0.99,
        ),
    }
    monitor = "val_loss"
    published = {"photographs": "none"}

    def config_name(self, settings):
        return "photographs" if "data" in settings else "default"

    def load(self, config, info=None):
        train_files, test_files = (), ()
        if config.data != SCENES:
            train_files, test_files = photographs(config.data, config.test_fraction, config.seed)
        held = max(8, config.pairs // 20)
        counts = (config.pairs, held) if info is None else (0, 0)  # a trained model is only tested
        # Each split's styles are drawn from a seed of its own.
        train = make_pairs(counts[0], config.image_size, config.seed, train_files)
        validation = make_pairs(counts[1], config.crop, config.seed + 1, test_files[::2])
        test = make_pairs(held, config.image_size, config.seed + 2, test_files[1::2])
        if info is None:
            features = describe_features(config.features, config.weights, config.levels)
            info = {FEATURES: features, LOSS: _loss_settings(config), "compared": config.compared}
        info = {**info, "data": config.data}
        return Splits(*(Examples(pairs, pairs) for pairs in (train, validation, test)), info)

    def build(self, config, info):
        features = rebuild_features(info[FEATURES])
        return style_network(features, config.width, config.blocks, name=self.name)  # pairs to pictures

    def prepare(self, model, config):
        pretrained = open_features(config.features, config.weights, config.levels)
        features_of(model).set_weights(pretrained.get_weights())

    def compile(self, model, config, steps):
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps)
        # Relative losses are large for the few styles with little in them: no pair counts for more than the others.
        optimizer.global_clipnorm = _LONGEST_GRADIENT
        model.compile(optimizer, StyleTransferLoss(features_of(model), **_loss_settings(config)))

    def transform(self, config, info):
        return Shuffle(config.crop, config.identity)

    def evaluate(self, model, splits, directory=None):
        loss = StyleTransferLoss(features_of(model), **splits.info[LOSS])
        optimized = optimize(loss, splits.test.x[: splits.info["compared"]])
        if directory is not None:
            rows = [*optimize(loss, known_pairs()), *optimized]
            write_report(directory, model, loss, rows, splits.info[FEATURES]["name"])
        return measure(model, loss, splits.test.x, optimized)

    def endpoints(self, model, info):
        def from_bytes(content_bytes, style_bytes, strength, size):
            def painted(content, own, style, strength):
                return paint(model, content, style, strength, own)

            return {"image_png_bytes": repaint(painted, content_bytes, style_bytes, strength, size)}

        def plain(content_bytes, style_bytes):
            shape = ops.shape(content_bytes)
            return from_bytes(content_bytes, style_bytes, ops.ones(shape), ops.full(shape, DEFAULT_SIZE, "int32"))

        def from_tensors(content, style, strength):
            content, style = check_sides(content, style)
            return {"image": ops.clip(paint(model, content, style, strength), 0, 255)}

        content, style = example()
        pictures = {"content_bytes": ((None,), "string"), "style_bytes": ((None,), "string")}
        strength = {"strength": ((None,), "float32")}
        request = {"content_bytes": [encode_png(content)], "style_bytes": [encode_png(style)]}
        tensor = ((None, None, None, 3), "float32")
        return [
            Endpoint("serving_default", plain, pictures, request),
            Endpoint(
                "settings",
                from_bytes,
                {**pictures, **strength, "size": ((None,), "int32")},
                {**request, "strength": [0.7], "size": [128]},
            ),
            Endpoint(
                "tensors",
                from_tensors,
                {"content": tensor, "style": tensor, **strength},
                {"content": [content], "style": [style], "strength": [1.0]},
            ),
        ]

    def demo(self, predict):
        from apps.style_transfer.demo import build_page

        return build_page(predict)


def _loss_settings(config):
    names = ("content_weight", "variation_weight", "identity_weight", "statistic", "scales", "margin")
    return {name: getattr(config, name) for name in names}
