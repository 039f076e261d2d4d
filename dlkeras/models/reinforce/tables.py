"""A table of action values as a model (Sutton and Barto, "Reinforcement Learning", chapters 4 and 6).

States `(batch,)` in, the values of their actions `(batch, actions)` out.
"""

import keras
import numpy as np
from keras import layers

from dlkeras.checks import check_positive
from dlkeras.models.base import ConfiguredModel


@keras.saving.register_keras_serializable(package="dlkeras")
class ActionTable(ConfiguredModel):
    """Looks the values of a state's actions up.

    Args:
        states: Number of states, counted from 0.
        actions: Number of actions.

    Raises:
        ValueError: A number is below 1.
    """

    def __init__(self, *, states=16, actions=4, **kwargs):
        check_positive("states", states)
        check_positive("actions", actions)

        inputs = keras.Input((), dtype="int32", name="states")
        outputs = layers.Embedding(states, actions, embeddings_initializer="zeros", name="values")(inputs)
        super().__init__(inputs, outputs, arguments={"states": states, "actions": actions}, **kwargs)

    @property
    def table(self):
        """The values, a float32 array `(states, actions)`; may be set."""
        return self.get_layer("values").get_weights()[0]

    @table.setter
    def table(self, values):
        self.get_layer("values").set_weights([np.asarray(values, "float32")])

    @classmethod
    def holding(cls, values, **kwargs):
        """Makes a table of values `(states, actions)`."""
        states, actions = np.shape(values)
        model = cls(states=states, actions=actions, **kwargs)
        model.table = values
        return model


VARIANTS = {"action_table": (ActionTable, {})}
