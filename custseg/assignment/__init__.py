"""Which segment a new customer belongs to, and whether to any."""

from custseg.assignment._discriminant import DiscriminantAssigner
from custseg.assignment._model import SegmentationModel

__all__ = ["DiscriminantAssigner", "SegmentationModel"]
