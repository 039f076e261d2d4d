"""Image classification: pictures by class in, a classifier out."""

import dataclasses
import functools
from pathlib import Path

import keras
import numpy as np
from keras import layers
from scipy.special import softmax

from apps.backbones import BACKBONE, describe, open_backbone
from apps.base import App, Endpoint, make_optimizer
from apps.classification import measure
from apps.image_classification.finetuning import classifier_on, finetune, prepare
from apps.image_classification.report import write_report
from apps.reading import to_test_on
from dlkeras import models
from dlkeras.data import DataError
from dlkeras.data.decode import decode_pictures
from dlkeras.data.encode import encode_png
from dlkeras.data.folders import load_test_folder
from dlkeras.data.idx import has_idx
from dlkeras.data.labels import top_labels
from dlkeras.data.picture_files import is_tar
from dlkeras.data.pictures import NAMED, load_pictures
from dlkeras.layers import MirrorAverage
from dlkeras.losses import SmoothedSparseCrossEntropy
from dlkeras.metrics import Accuracy
from dlkeras.training.auxiliary import DeeplySupervised
from dlkeras.training.mixing import Mixing


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: Name of a data set, folder or tar file; see `dlkeras.data.pictures.load_pictures`.
        image_size: Height and width that pictures are read at; 0 for the data's own.
        model: Name of a model; see `dlkeras.models.list`.
        finetune: Name of a pretrained network to fine-tune in place of `model`; see
            `apps.backbones.open_backbone`.
        weights: Weights file for it, where it needs one.
        head_epochs: Passes in which a new head alone is trained on it, before those in which its last layers are too.
        head_learning_rate: Peak of the one-cycle schedule of these passes.
        unfreeze: Share of its layers, from the last one, that is trained in the second phase.
        dropout: Rate before the last layer of a fine-tuned network.
        flip: Whether training pictures are mirrored at random.
        shift: How far training pictures are moved at random, as a share of their size.
        zoom: How much training pictures are made larger or smaller at random, as a share of their size.
        rand_augment: Whether training pictures go through Keras's `RandAugment`.
        erase: Share of training pictures that a random rectangle is erased from.
        epochs: Passes over the training pictures.
        batch_size: Pictures a step.
        mirror: Whether a picture is judged together with its mirror image, which takes twice the time.
        mix: `mixup` or `cutmix` to train on mixed pictures, with `alpha` 0.2 and 1.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        optimizer: `sgd` (Nesterov momentum 0.9) or `adam`.
        learning_rate: Peak of the one-cycle schedule.
        weight_decay: Decoupled weight decay, on kernels only.
        label_smoothing: Share of the target that is spread over all classes.
        validation_fraction: Share of the training pictures kept for validation where the data has no such part.
        patience: Epochs without improvement after which training stops; 0 for never.
        seed: Seed of everything.
    """

    data: str = "digits"
    image_size: int = 0
    model: str = "lenet"
    finetune: str = ""
    weights: str = ""
    head_epochs: int = 10
    head_learning_rate: float = 0.003
    unfreeze: float = 0.3
    dropout: float = 0.2
    flip: bool = False
    shift: float = 0.0
    zoom: float = 0.0
    rand_augment: bool = False
    erase: float = 0.0
    epochs: int = 20
    batch_size: int = 64
    mirror: bool = False
    mix: str = ""
    average: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 0.003
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    validation_fraction: float = 0.1
    patience: int = 0
    seed: int = 0

    def __post_init__(self):
        classifiers = models.list("vision")
        if self.model not in classifiers:
            raise ValueError(f"`model` must be one of {', '.join(classifiers)}. Received: {self.model}")
        if self.optimizer not in _OPTIMIZERS:
            raise ValueError(f"`optimizer` must be one of {', '.join(_OPTIMIZERS)}. Received: {self.optimizer}")
        for name in ("epochs", "batch_size", "learning_rate", "head_epochs", "head_learning_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be above 0. Received: {name}={getattr(self, name)}")
        if self.mix and self.mix not in _MIXING:
            raise ValueError(f"`mix` must be one of {', '.join(_MIXING)}, or empty. Received: {self.mix}")
        for name in ("shift", "zoom", "erase", "label_smoothing", "dropout", "average"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={getattr(self, name)}")
        if not 0 <= self.unfreeze <= 1:
            raise ValueError(f"`unfreeze` must be in [0, 1]. Received: unfreeze={self.unfreeze}")


_OPTIMIZERS = {
    "sgd": functools.partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
    "adam": keras.optimizers.Adam,  # its weight decay is decoupled, as AdamW's
}
_MIXING = {"mixup": 0.2, "cutmix": 1.0}

_RESNET = {
    "model": "resnet20",
    "flip": True,
    "batch_size": 128,
    "optimizer": "sgd",
    "learning_rate": 0.2,
    "weight_decay": 0.003,
    "validation_fraction": 0.05,
}


class ImageClassification(App):
    """Names what is in a picture, with a score for each name."""

    name = "image_classification"
    title = "Image classification"
    Config = Config
    configs = {
        "default": Config(),
        "smoke": Config(epochs=2),
        "cifar10": Config(data="cifar10", shift=0.125, epochs=30, **_RESNET),
        "fashion_mnist": Config(data="fashion_mnist", shift=0.08, epochs=12, **_RESNET),
        "fashion_mnist_lenet": Config(data="fashion_mnist", epochs=10, batch_size=64),
        "finetune": Config(
            finetune="mobilenet_v1_025",
            mirror=True,
            flip=True,
            shift=0.1,
            zoom=0.2,
            batch_size=16,
            learning_rate=0.0003,
        ),
    }
    published = {
        "cifar10": "accuracy 0.81 to 0.85 (Dive into Deep Learning, ResNet-18, 10 epochs)",
        "fashion_mnist": "accuracy 0.89 to 0.90 (Dive into Deep Learning, ResNet-18, 10 epochs)",
        "fashion_mnist_lenet": "accuracy 0.73 to 0.78 (Dive into Deep Learning, LeNet, 10 epochs)",
    }

    def config_name(self, settings):
        return "finetune" if "finetune" in settings else "default"

    def load(self, config, info=None):
        backbone = open_backbone(config.finetune, config.weights) if config.finetune and info is None else None
        splits = load_pictures(
            config.data, _wanted_shape(config, info, backbone), config.validation_fraction, config.seed
        )
        if info is not None:
            _check_as_trained(splits.info, info)
        if backbone is not None:
            _check_fits(splits.info, backbone, config)
            splits.info[BACKBONE] = describe(backbone, splits.info["image_shape"])
        return splits

    def load_other(self, data, config, info):
        """Tests on all pictures of a folder that has no pictures to train on, and on the test split of other data."""
        test = None
        path = Path(data).expanduser()
        if data not in NAMED and (is_tar(path) or (path.is_dir() and not has_idx(path))):
            test = load_test_folder(path, info["class_names"], info["image_shape"])
        if test is None:
            return super().load_other(data, config, info)
        print(f"{data} has no folder train: all of its {len(test.y)} pictures are tested on.")
        return to_test_on(test, info, path.name)

    def build(self, config, info):
        inputs = keras.Input(info["image_shape"], name="image")  # (batch, height, width, channels), in [0, 255]
        scaling = info[BACKBONE]["scaling"] if config.finetune else {"scale": 1 / 127.5, "offset": -1.0}
        x = layers.Rescaling(**scaling)(inputs)
        for layer in self._augmentation(config):
            x = layer(x)
        classifier = self._classifier(config, info)
        if getattr(classifier, "auxiliary", None) is not None:
            return DeeplySupervised(keras.Model(inputs, classifier.auxiliary(x)), name=self.name)
        outputs = MirrorAverage(classifier, name="mirror")(x) if config.mirror else classifier(x)
        return keras.Model(inputs, outputs, name=self.name)  # logits: (batch, num_classes)

    def _classifier(self, config, info):
        num_classes = len(info["class_names"])
        if config.finetune:
            return classifier_on(info[BACKBONE], num_classes, config.dropout)
        classifier = models.create(config.model, num_classes=num_classes, input_shape=tuple(info["image_shape"]))
        if config.mirror and getattr(classifier, "auxiliary", None) is not None:
            raise ValueError(f"`mirror` is not for models with auxiliary heads. Received: model={config.model}")
        return classifier

    def _augmentation(self, config):
        if config.flip:
            yield layers.RandomFlip("horizontal")
        if config.shift:
            # Whole pixels, black where the picture has been moved away: the papers' padding and cropping.
            yield layers.RandomTranslation(
                config.shift, config.shift, fill_mode="constant", fill_value=-1.0, interpolation="nearest"
            )
        if config.zoom:
            yield layers.RandomZoom((-config.zoom, config.zoom), fill_mode="reflect")
        if config.rand_augment:
            yield layers.RandAugment((-1, 1))
        if config.erase:
            yield layers.RandomErasing(config.erase, scale=(0.02, 0.25), value_range=(-1, 1))

    def compile(self, model, config, steps):
        self.compile_phase(model, config, steps, config.head_learning_rate if config.finetune else config.learning_rate)

    def compile_phase(self, model, config, steps, learning_rate):
        """Compiles as `compile` does, with the learning rate of a phase of fine-tuning."""
        optimizer = make_optimizer(_OPTIMIZERS[config.optimizer], config, learning_rate, steps)
        model.compile(optimizer, SmoothedSparseCrossEntropy(config.label_smoothing), metrics=[Accuracy()])

    def transform(self, config, info):
        return Mixing(config.mix, len(info["class_names"]), _MIXING[config.mix]) if config.mix else None

    def prepare(self, model, config):
        if config.finetune:
            prepare(model, config)

    def fit(self, model, splits, config, directory):
        if config.finetune:
            return finetune(self, model, splits, config, directory)
        return super().fit(model, splits, config, directory)

    def evaluate(self, model, splits, directory=None):
        logits = model.predict(splits.test.x, batch_size=500, verbose=0)
        probabilities = softmax(logits.astype("float64"), axis=-1)  # rows sum to 1 as closely as log_loss asks
        if directory is not None:
            write_report(directory, probabilities, splits.test, splits.info["class_names"])
        return measure(probabilities, splits.test.y)

    def endpoints(self, model, info):
        class_names, image_shape = info["class_names"], tuple(info["image_shape"])

        def answer(image):
            probabilities = keras.ops.softmax(model(image, training=False))
            labels, scores = top_labels(probabilities, class_names)
            return {"labels": labels, "scores": scores, "probabilities": probabilities}

        def from_bytes(image_bytes):
            return answer(keras.ops.cast(decode_pictures(image_bytes, image_shape), "float32"))

        example = _example_picture(image_shape)
        return [
            Endpoint(
                "serving_default",
                from_bytes,
                {"image_bytes": ((None,), "string")},
                {"image_bytes": [encode_png(example)]},
            ),
            Endpoint("tensors", answer, {"image": ((None, *image_shape), "float32")}, {"image": [example]}),
        ]

    def demo(self, predict):
        from apps.image_classification.demo import build_page

        return build_page(predict)


def _wanted_shape(config, info, backbone):
    """Returns the shape that pictures are to be read at, or `None` for the data's own."""
    if info is not None:
        return tuple(info["image_shape"])
    height, width, channels = backbone.image_shape if backbone else (None, None, 3)
    if config.image_size:
        return (config.image_size, config.image_size, channels)
    return (height, width, channels) if backbone else None


def _check_as_trained(found, info):
    for key in ("class_names", "image_shape"):
        if found[key] != info[key]:
            raise DataError(f"The model was trained on {key} {info[key]}. Received: {found[key]}")


def _check_fits(found, backbone, config):
    if found["image_shape"][2] != backbone.image_shape[2]:
        raise DataError(
            f"{config.finetune} takes pictures of {backbone.image_shape[2]} channels. "
            f"Received: {found['data']} with image_shape {found['image_shape']}"
        )


def _example_picture(image_shape):
    """Makes a picture, `uint8`: a gradient, so that an example needs no data set."""
    height, width, channels = image_shape
    gradient = np.add.outer(np.arange(height) * 255 // height, np.arange(width) * 255 // width) // 2
    return np.repeat(gradient[..., None], channels, axis=-1).astype("uint8")
