"""Segmentation: pictures with a class for every pixel, an encoder and a decoder."""

import dataclasses

import keras
import numpy as np
from keras import layers

from apps.backbones import BACKBONE, backbone_names, copy_weights, describe, open_backbone, rebuild
from apps.base import App, Endpoint, make_optimizer
from apps.reading import check_classes, tell_problems, to_test_on
from apps.segmentation.answers import mask_answer, mask_png_answer, overlay_answer
from apps.segmentation.examples import CLASSES, SCENE, draw
from apps.segmentation.report import measure, predicted_classes, write_report
from dlkeras import models
from dlkeras.checks import check_choice, check_fraction, check_positive, check_rate
from dlkeras.data.decode import decode_whole_pictures
from dlkeras.data.encode import encode_png
from dlkeras.data.mask_augmentation import MaskAugmentation
from dlkeras.data.mask_files import IGNORED
from dlkeras.data.segmentation import load_mask_scenes, load_masks, load_test_masks
from dlkeras.layers import MirrorAverage
from dlkeras.losses import SegmentationLoss
from dlkeras.models.detection.ssd import levels_at
from dlkeras.models.segmentation.fcn import FCN
from dlkeras.models.segmentation.light import MobileUNet

SCENES = "scenes"
ON_BACKBONE = "fcn"
NETWORK, MIRROR = "network", "mirror"
_OURS = {"scale": 1 / 127.5, "offset": -1.0}  # pictures in [0, 255] to [-1, 1]


@dataclasses.dataclass(frozen=True)
class Config:
    """What a run depends on.

    Attributes:
        data: `scenes`, which are made up, or a folder of pictures and masks.
        strict: Whether anything wrong with the files is an error.
        scenes: Number of training scenes.
        height: Height that pictures are stretched to, in pixels.
        width: Width; scenes are square.
        model: A model of `dlkeras.models.list("segmentation")`, or `fcn` on a pretrained network.
        backbone: The pretrained network of `fcn`, or of the encoder of a `mobile_unet`; see
            `apps.backbones.open_backbone`.
        weights: Weights file for it, where it needs one.
        mirror: Whether the model's answer is the mean over a picture and its mirror image.
        dice: Weight of the Dice loss beside the cross-entropy.
        flip: Share of training pictures that are mirrored.
        photometric: Share whose colours are changed.
        crop: Share that is zoomed about a random place.
        zoom: Largest factor; the least is three quarters.
        rotation: Largest angle of these, in degrees.
        epochs: Passes over the training pictures.
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
    strict: bool = False
    scenes: int = 600
    height: int = 128
    width: int = 128
    model: str = "mobile_unet_025"
    backbone: str = ""
    weights: str = ""
    mirror: bool = False
    dice: float = 1.0
    flip: float = 0.5
    photometric: float = 0.0
    crop: float = 0.0
    zoom: float = 2.0
    rotation: float = 0.0
    epochs: int = 15
    batch_size: int = 8
    learning_rate: float = 0.003
    weight_decay: float = 0.0
    average: float = 0.0
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    patience: int = 0
    seed: int = 0

    def __post_init__(self):
        check_choice("model", self.model, (ON_BACKBONE, *models.list("segmentation")))
        for name in ("scenes", "height", "width", "epochs", "batch_size", "learning_rate", "zoom"):
            check_positive(name, getattr(self, name))
        for name in ("flip", "photometric", "crop"):
            check_fraction(name, getattr(self, name))
        check_rate("average", self.average)
        if self.data == SCENES and self.height != self.width:
            raise ValueError(f"Scenes are square. Received: height={self.height}, width={self.width}")
        takes_one = self.model == ON_BACKBONE or self.model.startswith("mobile_unet")
        if self.backbone and not takes_one:
            raise ValueError(
                f"`backbone` is for `{ON_BACKBONE}` and the encoder of a `mobile_unet`. "
                f"Received: backbone={self.backbone}, model={self.model}"
            )
        if self.model == ON_BACKBONE and not self.backbone:
            names = ", ".join(backbone_names())
            raise ValueError(f"`backbone` must name a pretrained network for `{ON_BACKBONE}`, such as {names}.")


_MASKS = Config(
    backbone="mobilenet_v1_025",
    height=224,
    width=224,
    mirror=True,
    photometric=0.5,
    crop=1.0,
    epochs=240,
    weight_decay=0.001,
    average=0.99,
)


class Segmentation(App):
    """Finds the class of every pixel of a picture."""

    name = "segmentation"
    title = "Segmentation"
    Config = Config
    configs = {
        "default": Config(),
        "scenes": Config(),
        "smoke": Config(scenes=64, height=64, width=64, epochs=4, batch_size=8),
        "masks": _MASKS,
        "camvid": dataclasses.replace(_MASKS, data="camvid", height=180, width=240),
    }
    monitor = "val_mean_iou"
    published = {
        "camvid": "mean_iou 0.513-0.521 (ENet, from scratch, 480 x 360), 0.556 (SegNet, pretrained), 0.570 (FCN-8, "
        "pretrained)",
        "scenes": "none",
    }

    def config_name(self, settings):
        return "masks" if {"data", "backbone"} & set(settings) else "default"

    def load(self, config, info=None):
        image_shape = (config.height, config.width, 3)
        if config.data == SCENES:
            held_out = max(8, config.scenes // 5)
            counts = (config.scenes, held_out, held_out)
            splits = load_mask_scenes(image_shape, counts, config.seed, CLASSES, **SCENE)
        else:
            fractions = {name: getattr(config, name) for name in ("validation_fraction", "test_fraction")}
            splits, problems = load_masks(config.data, image_shape, **fractions, seed=config.seed, strict=config.strict)
            tell_problems(problems, "the pictures and masks")
        check_classes(splits.info, info)
        if config.model == ON_BACKBONE and info is None:
            backbone = open_backbone(config.backbone, config.weights)
            splits.info[BACKBONE] = describe(backbone, splits.info["image_shape"])
        return splits

    def load_other(self, data, config, info):
        test, problems = load_test_masks(data, info["class_names"], info["image_shape"])
        tell_problems(problems, "the pictures and masks")
        return to_test_on(test, info, data)

    def build(self, config, info):
        inputs = keras.Input(info["image_shape"], name="image")  # (batch, height, width, 3), in [0, 255]
        given = {"num_classes": len(info["class_names"]), "input_shape": tuple(info["image_shape"]), "name": NETWORK}
        if config.model == ON_BACKBONE:
            scaling, backbone = info[BACKBONE]["scaling"], rebuild(info[BACKBONE])
            network = FCN(**given, backbone=backbone, levels=_coarsest_levels(backbone))
        else:
            scaling, network = _OURS, models.create(config.model, **given)
        x = layers.Rescaling(**scaling)(inputs)
        outputs = MirrorAverage(network, name=MIRROR)(x) if config.mirror else network(x)
        return keras.Model(inputs, outputs, name=self.name)  # (batch, height, width, num_classes)

    def prepare(self, model, config):
        if config.backbone:
            network = model.get_layer(MIRROR).layer if config.mirror else model.get_layer(NETWORK)
            source = open_backbone(config.backbone, config.weights).network
            if isinstance(network, MobileUNet):
                _check_encoder(network, source, config)
            copy_weights(source, network.get_layer(BACKBONE))

    def compile(self, model, config, steps):
        optimizer = make_optimizer(keras.optimizers.Adam, config, config.learning_rate, steps)
        metric = keras.metrics.MeanIoU(
            model.output_shape[-1], ignore_class=IGNORED, sparse_y_pred=False, name="mean_iou"
        )
        model.compile(optimizer, SegmentationLoss(IGNORED, dice_weight=config.dice), metrics=[metric])

    def transform(self, config, info):
        shares = {name: getattr(config, name) for name in ("flip", "photometric", "crop", "rotation")}
        return MaskAugmentation(**shares, zoom=(0.75, config.zoom))

    def evaluate(self, model, splits, directory=None):
        predictions = predicted_classes(model, splits.test.x)
        if directory is not None:
            write_report(directory, predictions, splits.test, splits.info)
        return measure(predictions, splits.test.y, splits.info)

    def endpoints(self, model, info):
        class_names, image_shape = info["class_names"], tuple(info["image_shape"])

        def logits_of(image):
            return model(keras.ops.cast(image, "float32"), training=False)

        def from_bytes(answer):
            def function(image_bytes):
                image, sizes = decode_whole_pictures(image_bytes, image_shape)
                return answer(logits_of(image), sizes, class_names, image_bytes)

            return function

        def from_tensors(image):
            sizes = keras.ops.zeros_like(image[:, 0, 0, :2], dtype="int32") + keras.ops.array(image_shape[:2], "int32")
            answer = mask_answer(logits_of(image), sizes, class_names)
            return {name: answer[name] for name in ("mask", "classes", "shares")}

        picture = np.asarray(draw(0)[0].resize(image_shape[1::-1]))
        inputs = {"image_bytes": ((None,), "string")}
        example = {"image_bytes": [encode_png(picture)]}
        return [
            Endpoint("serving_default", from_bytes(overlay_answer), inputs, example),
            Endpoint("masks", from_bytes(mask_png_answer), inputs, example),
            Endpoint("tensors", from_tensors, {"image": ((None, *image_shape), "float32")}, {"image": [picture]}),
        ]

    def demo(self, predict):
        from apps.segmentation.demo import build_page

        return build_page(predict)


def _coarsest_levels(backbone):
    """Returns the names of the three coarsest feature maps, those that FCN-8s merges."""
    for finest in (8, 4, 2):
        try:
            return levels_at(backbone, (finest, 2 * finest, 4 * finest))
        except ValueError:
            continue
    return levels_at(backbone, (1, 2, 4))


def _check_encoder(network, source, config):
    """Refuses weights of another network than the encoder's, or of another width."""
    width = network.get_config()["width"]
    received = getattr(source, "get_config", dict)().get("width")
    if received != width or not source.name.startswith("mobile"):
        raise ValueError(
            f"The encoder of {config.model} takes the weights of a MobileNetV1 of width {width}, such as "
            f"mobilenet_v1_025. Received: {config.backbone}"
        )
