"""How many segments: silhouettes in bounded memory, and the search over candidates."""

from custseg.selection._search import SegmentSearch
from custseg.selection._silhouette import (
    silhouette_samples,
    silhouette_score,
    silhouette_scores,
)

__all__ = [
    "SegmentSearch",
    "silhouette_samples",
    "silhouette_score",
    "silhouette_scores",
]
