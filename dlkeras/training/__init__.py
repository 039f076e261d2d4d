"""Training that can be broken off (batches, checkpoints, resume, strategy, curves), and what makes it better."""

from dlkeras.training.auxiliary import DeeplySupervised
from dlkeras.training.distillation import distill
from dlkeras.training.fit import fit
from dlkeras.training.learning_rate_finder import find_learning_rate
from dlkeras.training.mixing import Mixing
from dlkeras.training.strategy import STRATEGIES, strategy_scope

__all__ = ["STRATEGIES", "DeeplySupervised", "Mixing", "distill", "find_learning_rate", "fit", "strategy_scope"]
