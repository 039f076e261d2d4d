"""The scenes of the config and preset `scenes`. Imports neither Keras nor TensorFlow: the page draws examples by it."""

from dlkeras.data.scenes import draw_banana

# One in a scene, of the size that bananas have in the textbook's pictures.
BANANAS = {"max_objects": 1, "cutouts": [(draw_banana(), 0)], "scale": (0.24, 0.4)}
