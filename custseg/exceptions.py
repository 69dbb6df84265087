"""Errors and warnings of custseg.

Each error is also a `ValueError`, so code that catches what scikit-learn raises
catches these as well.
"""

__all__ = [
    "DataQualityError",
    "DegenerateFitError",
    "ModelFileError",
    "SchemaError",
    "SegmentWarning",
]


class SchemaError(ValueError):
    """A table lacks a column, or a column has a type that cannot be used."""


class DataQualityError(ValueError):
    """A column has values that cannot be used: missing, infinite, out of range."""


class DegenerateFitError(ValueError):
    """The data cannot carry the model asked for, as too few distinct customers."""


class ModelFileError(ValueError):
    """A file does not hold a model that custseg can use."""


class SegmentWarning(UserWarning):
    """A result stands but may mislead, and the message says why."""
