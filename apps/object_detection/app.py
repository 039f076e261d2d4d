"""Object detection: pictures with boxes in, an SSD out."""

import dataclasses

import keras
import numpy as np
from keras import layers

from apps.backbones import BACKBONE, backbone_names, copy_weights, describe, open_backbone, rebuild
from apps.bananas import BANANAS
from apps.base import App, Endpoint, make_optimizer, steps_of
from apps.object_detection.detections import Detect
from apps.object_detection.report import measure, write_report
from apps.object_detection.validation import ValidatePrecision
from apps.reading import check_classes, tell_problems, to_test_on
from dlkeras.checks import check_choice, check_fraction, check_positive, check_rate
from dlkeras.data.box_augmentation import BoxAugmentation
from dlkeras.data.decode import decode_whole_pictures
from dlkeras.data.detection import FORMATS, load_boxes, load_scenes, load_test_boxes
from dlkeras.data.encode import encode_png
from dlkeras.data.labels import labels_of
from dlkeras.data.refusing import fractions
from dlkeras.data.scenes import SHAPES, make_scenes
from dlkeras.losses import MultiBoxLoss
from dlkeras.models.detection.ssd import SSD, geometric_anchor_sizes, levels_at
from dlkeras.models.detection.tiny_ssd import TinySSD

SCENES = "scenes"
DETECTOR = "detector"
_CHOICES = {"model": ("tiny_ssd", "ssd"), "head": ("ssd", "ssdlite"), "loss": ("softmax", "focal")}
# Of the validation pictures' average precision, in a run.
_MEASUREMENTS = 30
# On each feature map; more shapes where the map is coarse, as in the paper.
_RATIOS = ((1.0, 2.0, 0.5), (1.0, 2.0, 0.5, 3.0, 1 / 3))


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `scenes`, which are made up, or a folder of annotated pictures.
        format: How a folder is annotated: `voc`, `coco` or `yolo`.
        strict: Whether anything wrong with the annotations is an error.
        scenes: Number of training scenes.
        objects: Most objects in a scene.
        image_size: Height and width that pictures are stretched to.
        model: `tiny_ssd`, or `ssd` on a pretrained network.
        backbone: The pretrained network of `ssd`; see `apps.backbones.open_backbone`.
        weights: Weights file for it, where it needs one.
        head: `ssd` or `ssdlite`.
        pyramid: Channels of a feature pyramid on `ssd`; 0 for none.
        smallest: Size of the smallest anchors of `ssd`, relative to the picture; 0 to choose it by the training boxes.
        loss: `softmax`, with hard negatives, or `focal`.
        flip: Share of training pictures that are mirrored.
        photometric: Share whose colours are changed.
        crop: Share of which a part is taken, as SSD does.
        zoom_out: Share that is put on a larger canvas.
        mosaic: Share that is put together from four.
        epochs: Passes over the training pictures; 0 for as many as `steps` take.
        steps: Batches of the whole run, where `epochs` is 0.
        batch_size: Pictures a step.
        learning_rate: Peak of the one-cycle schedule, for Adam.
        weight_decay: Decoupled weight decay, on kernels only.
        average: Momentum of a moving average of the weights, which is validated and kept; 0 for none.
        validation_fraction: Share of the training pictures kept for validation where the data names none.
        test_fraction: Share of all pictures kept for test where the data names none.
        patience: Epochs without improvement after which training stops; 0 for never.
        seed: Seed of everything.
    """

    data: str = SCENES
    format: str = "voc"
    strict: bool = False
    scenes: int = 1000
    objects: int = 1
    image_size: int = 256
    model: str = "tiny_ssd"
    backbone: str = ""
    weights: str = ""
    head: str = "ssd"
    pyramid: int = 0
    smallest: float = 0.0
    loss: str = "softmax"
    flip: float = 0.5
    photometric: float = 0.0
    crop: float = 0.0
    zoom_out: float = 0.0
    mosaic: float = 0.0
    epochs: int = 20
    steps: int = 0
    batch_size: int = 32
    learning_rate: float = 0.003
    weight_decay: float = 0.0
    average: float = 0.0
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    patience: int = 0
    seed: int = 0

    def __post_init__(self):
        for name, choices in {**_CHOICES, "format": FORMATS}.items():
            check_choice(name, getattr(self, name), choices)
        for name in ("scenes", "objects", "image_size", "batch_size", "learning_rate"):
            check_positive(name, getattr(self, name))
        if max(self.epochs, self.steps) < 1:
            raise ValueError(f"`epochs` or `steps` must be above 0. Received: epochs={self.epochs}, steps={self.steps}")
        check_rate("average", self.average)
        for name in ("flip", "photometric", "crop", "zoom_out", "mosaic", "smallest"):
            check_fraction(name, getattr(self, name))
        if self.model == "ssd" and not self.backbone:
            names = ", ".join(backbone_names())
            raise ValueError(f"`backbone` must name a pretrained network for `ssd`, such as {names}. Received: ''")


_BOXES = Config(
    model="ssd",
    backbone="mobilenet_v1_025",
    head="ssdlite",
    image_size=320,
    pyramid=64,
    photometric=0.5,
    crop=0.5,
    zoom_out=0.3,
    mosaic=0.3,
    epochs=0,
    steps=4200,
    batch_size=16,
    weight_decay=0.001,
    average=0.995,
)


class ObjectDetection(App):
    """Finds things in a picture: a box, a name and a score for each."""

    name = "object_detection"
    title = "Object detection"
    Config = Config
    configs = {
        "default": Config(),
        "scenes": Config(),
        "smoke": Config(scenes=64, image_size=96, epochs=3, batch_size=8),
        "boxes": _BOXES,
        "kangaroo": dataclasses.replace(_BOXES, data="kangaroo"),
    }
    monitor = "val_ap50"
    published = {
        "scenes": "class_error 0.0032, box_mae 0.0031 (Dive into Deep Learning, 1,000 bananas, training pictures)",
        "kangaroo": "none",
    }

    def config_name(self, settings):
        return "boxes" if {"data", "backbone", "format"} & set(settings) else "default"

    def load(self, config, info=None):
        image_shape = (config.image_size, config.image_size, 3)
        if config.data == SCENES:
            counts = (config.scenes, max(8, config.scenes // 5), max(8, config.scenes // 5))
            splits = load_scenes(image_shape, counts, config.seed, **_scenes(config))
        else:
            splits, problems = load_boxes(
                config.data,
                config.format,
                image_shape,
                validation_fraction=config.validation_fraction,
                test_fraction=config.test_fraction,
                seed=config.seed,
                strict=config.strict,
            )
            tell_problems(problems, "the annotations")
        check_classes(splits.info, info)
        if config.model == "ssd" and info is None:
            splits.info["smallest_anchor"] = config.smallest or _smallest(splits.train.y)
            backbone = open_backbone(config.backbone, config.weights)
            splits.info[BACKBONE] = describe(backbone, splits.info["image_shape"])
        return splits

    def load_other(self, data, config, info):
        test, problems = load_test_boxes(data, config.format, info["class_names"], info["image_shape"])
        tell_problems(problems, "the annotations")
        return to_test_on(test, info, data)

    def build(self, config, info):
        inputs = keras.Input(info["image_shape"], name="image")  # (batch, height, width, 3), in [0, 255]
        given = {"num_classes": len(info["class_names"]), "input_shape": tuple(info["image_shape"])}
        if config.model == "tiny_ssd":
            scaling, detector = {"scale": 1 / 127.5, "offset": -1.0}, TinySSD(**given, head=config.head, name=DETECTOR)
        else:
            scaling, detector = info[BACKBONE]["scaling"], _ssd(config, info, given)
        x = layers.Rescaling(**scaling)(inputs)
        return keras.Model(inputs, detector(x), name=self.name)  # (batch, anchors, 4 + num_classes + 1)

    def prepare(self, model, config):
        if config.model == "ssd":
            source = open_backbone(config.backbone, config.weights).network
            copy_weights(source, model.get_layer(DETECTOR).get_layer(BACKBONE))

    def compile(self, model, config, steps):
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps)
        loss = MultiBoxLoss(model.get_layer(DETECTOR).anchors, classification=config.loss)
        model.compile(optimizer, loss)

    def transform(self, config, info):
        shares = {name: getattr(config, name) for name in ("flip", "photometric", "crop", "zoom_out", "mosaic")}
        return BoxAugmentation(config.image_size, **shares)

    def fit(self, model, splits, config, directory):
        config = _with_epochs(config, splits)
        every = max(1, config.epochs // _MEASUREMENTS)
        validate = ValidatePrecision(self.detect(model), splits.validation, splits.info, every)
        return super().fit(model, splits, config, directory, callbacks=[validate])

    def detect(self, model):
        """Returns the layer that turns what a model gives into detections."""
        return Detect(model.get_layer(DETECTOR).anchors)

    def evaluate(self, model, splits, directory=None):
        predictions = model.predict(splits.test.x, batch_size=64, verbose=0)
        detections = self.detect(model).in_batches(predictions)
        if directory is not None:
            write_report(directory, detections, splits.test, splits.info)
        return measure(predictions, detections, splits.test.y, splits.info, model.get_layer(DETECTOR).anchors)

    def endpoints(self, model, info):
        class_names, image_shape = info["class_names"], tuple(info["image_shape"])
        detect = self.detect(model)

        def answer(image, sizes, **thresholds):
            found = detect(model(image, training=False), **thresholds)
            height, width = keras.ops.split(keras.ops.cast(sizes, "float32")[:, None], 2, axis=-1)  # (batch, 1, 1)
            pixels = keras.ops.concatenate([width, height, width, height], axis=-1)
            return {
                "boxes": found["boxes"] * pixels,
                "labels": labels_of(found["classes"], class_names),
                "scores": found["scores"],
                "count": found["count"],
            }

        def from_bytes(image_bytes, **thresholds):
            count = keras.ops.size(image_bytes)
            thresholds = {name: fractions(values, name, count) for name, values in thresholds.items()}
            image, sizes = decode_whole_pictures(image_bytes, image_shape)
            return answer(keras.ops.cast(image, "float32"), sizes, **thresholds)

        def from_bytes_and_thresholds(image_bytes, score_threshold, iou_threshold):
            return from_bytes(image_bytes, score_threshold=score_threshold, iou_threshold=iou_threshold)

        def from_tensors(image):
            one = keras.ops.ones_like(image[:, 0, 0, :2])
            return answer(image, one)

        scene = make_scenes(1, image_shape[0], 0, **BANANAS)
        bytes_input = {"image_bytes": ((None,), "string")}
        thresholds = {"score_threshold": ((None,), "float32"), "iou_threshold": ((None,), "float32")}
        example = {"image_bytes": [encode_png(scene.pictures[0])]}
        return [
            Endpoint("serving_default", lambda image_bytes: from_bytes(image_bytes), bytes_input, example),
            Endpoint(
                "thresholds",
                from_bytes_and_thresholds,
                {**bytes_input, **thresholds},
                {**example, "score_threshold": [0.3], "iou_threshold": [0.5]},
            ),
            Endpoint(
                "tensors", from_tensors, {"image": ((None, *image_shape), "float32")}, {"image": [scene.pictures[0]]}
            ),
        ]

    def demo(self, predict):
        from apps.object_detection.demo import build_page

        return build_page(predict)


def _with_epochs(config, splits):
    epochs = config.epochs or -(-config.steps // steps_of(splits, config, epochs=1))
    return dataclasses.replace(config, epochs=epochs)


def _scenes(config):
    """Returns what is in the scenes: one banana each, as in the textbook's pictures, or several shapes."""
    if config.objects == 1:
        return {"class_names": ["banana"], **BANANAS}
    return {"class_names": SHAPES, "max_objects": config.objects}


def _smallest(targets):
    """Chooses the smallest anchors by the smaller ones of the boxes; the very smallest are often slips of the hand."""
    boxes = targets[targets[..., 0] >= 0][:, 1:]
    sizes = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1))
    return round(float(np.clip(np.quantile(sizes, 0.05), 0.02, 0.2)), 3)


def _ssd(config, info, given):
    backbone = rebuild(info[BACKBONE])
    levels = levels_at(backbone)
    count = len(levels) + 2
    sizes = geometric_anchor_sizes(count, info["smallest_anchor"])
    ratios = (_RATIOS[0], *[_RATIOS[1]] * (count - 1))
    return SSD(
        **given,
        backbone=backbone,
        levels=levels,
        extras=((256, 2), (128, 2)),
        sizes=sizes,
        ratios=ratios,
        head=config.head,
        pyramid_filters=config.pyramid,
        name=DETECTOR,
    )
