"""Training that can be broken off: batches, checkpoints, resume, strategy, curves."""

from dlkeras.training.fit import fit
from dlkeras.training.strategy import STRATEGIES, strategy_scope

__all__ = ["STRATEGIES", "fit", "strategy_scope"]
