"""What a trained model is made of, and how it paints with less than full strength."""

from keras import ops


def features_of(model):
    """Returns the features that styles are read with, of a model that `App.build` gave."""
    return model.get_layer("predictor").get_layer("features")


def paint(model, content, style, strength, own=None):
    """Paints contents in styles, more or less.

    A content's own style gives the content back; the strength says how far from there to the other style the condition
    of the network lies.

    Args:
        model: What `App.build` gave.
        content: Pictures `(batch, height, width, 3)` in [0, 255].
        style: Pictures likewise, of any size.
        strength: `(batch,)` in [0, 1].
        own: The contents as their own style is read from them, where that is another size.

    Returns:
        Pictures of the contents' size, not clipped to [0, 255].
    """
    content, strength = ops.convert_to_tensor(content), ops.convert_to_tensor(strength)
    predictor, stylizer = model.get_layer("predictor"), model.get_layer("stylizer")
    start = predictor(content if own is None else own, training=False)
    condition = start + strength[:, None] * (predictor(style, training=False) - start)
    return stylizer([content, condition], training=False)
