"""The scenes of the configs and presets `scenes`. Imports neither Keras nor TensorFlow: pages draw examples by it."""

from dlkeras.data.scenes import draw_banana

# One in a scene, of the size that bananas have in the textbook's pictures.
BANANAS = {"max_objects": 1, "cutouts": [(draw_banana(), 0)], "scale": (0.24, 0.4)}
