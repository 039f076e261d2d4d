"""Layers that Keras lacks, or has slower.

Scaling pictures is `keras.layers.Rescaling`, resizing `keras.layers.Resizing`, statistics of a data set
`keras.layers.Normalization`, RandAugment `keras.layers.RandAugment`: take those from Keras.
"""

from dlkeras.layers.anchors import AnchorBoxes, anchor_boxes, anchors_per_pixel
from dlkeras.layers.gaussian_blur import GaussianBlur
from dlkeras.layers.grayscale import Grayscale
from dlkeras.layers.grouped_convolution import GroupedConv2D
from dlkeras.layers.inference_mode import InferenceMode
from dlkeras.layers.matching import AnchorMatching, match_anchors
from dlkeras.layers.median_filter import MedianFilter
from dlkeras.layers.mirror_average import MirrorAverage
from dlkeras.layers.normalization import BatchNormalization
from dlkeras.layers.pca_color import PCAColor
from dlkeras.layers.positional import ClassToken, PositionEmbedding
from dlkeras.layers.squeeze_excitation import SqueezeExcitation
from dlkeras.layers.standardization import StandardizePicture
from dlkeras.layers.suppression import NonMaximumSuppression
from dlkeras.layers.yuv import RGBToYUV, YUVToRGB

__all__ = [
    "AnchorBoxes",
    "AnchorMatching",
    "BatchNormalization",
    "ClassToken",
    "GaussianBlur",
    "Grayscale",
    "GroupedConv2D",
    "InferenceMode",
    "MedianFilter",
    "MirrorAverage",
    "NonMaximumSuppression",
    "PCAColor",
    "PositionEmbedding",
    "RGBToYUV",
    "SqueezeExcitation",
    "StandardizePicture",
    "YUVToRGB",
    "anchor_boxes",
    "anchors_per_pixel",
    "match_anchors",
]
