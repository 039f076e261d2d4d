"""BERT on KerasHub's `BertBackbone`: pretraining, heads for tasks, and preset folders.

Apart from the other models, since it imports `keras_hub`, which takes seconds.
"""
