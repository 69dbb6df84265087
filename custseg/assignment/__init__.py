"""Which segment a new customer belongs to, and whether to any."""

from custseg.assignment._discriminant import (
    DiscriminantAssigner as DiscriminantAssigner,
)
from custseg.assignment._identity import SegmentMatch as SegmentMatch
from custseg.assignment._identity import match_segments as match_segments
from custseg.assignment._model import SegmentationModel as SegmentationModel

__all__ = [name for name in dir() if not name.startswith("_")]
