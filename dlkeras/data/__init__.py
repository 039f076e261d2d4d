"""Readers of data sets: files in, `Splits` of arrays out."""

from dlkeras.data.location import DataError
from dlkeras.data.splits import Examples, Splits

__all__ = ["DataError", "Examples", "Splits"]
