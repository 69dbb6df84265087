"""How many segments: silhouettes in bounded memory, and the search over candidates."""

from custseg.selection._choice import CRITERIA as CRITERIA
from custseg.selection._criteria import (
    calinski_harabasz_scores as calinski_harabasz_scores,
)
from custseg.selection._criteria import davies_bouldin_scores as davies_bouldin_scores
from custseg.selection._dip import dip_statistic as dip_statistic
from custseg.selection._draw import proportional_sizes as proportional_sizes
from custseg.selection._likelihood_ratio import (
    LikelihoodRatioTest as LikelihoodRatioTest,
)
from custseg.selection._likelihood_ratio import (
    bootstrap_likelihood_ratio as bootstrap_likelihood_ratio,
)
from custseg.selection._search import SegmentSearch as SegmentSearch
from custseg.selection._silhouette import checked as checked
from custseg.selection._silhouette import encoded as encoded
from custseg.selection._silhouette import segment_silhouettes as segment_silhouettes
from custseg.selection._silhouette import silhouette_samples as silhouette_samples
from custseg.selection._silhouette import silhouette_score as silhouette_score
from custseg.selection._silhouette import silhouette_scores as silhouette_scores
from custseg.selection._silhouette import silhouettes_of as silhouettes_of
from custseg.selection._stability import bootstrap_stability as bootstrap_stability
from custseg.selection._stability_result import StabilityResult as StabilityResult
from custseg.selection._structure import StructureTest as StructureTest
from custseg.selection._structure import structure_test as structure_test
from custseg.selection._unimodality import UnimodalityTest as UnimodalityTest
from custseg.selection._unimodality import unimodality_test as unimodality_test

# Offered to other stages, not to users.
_FOR_STAGES = {
    "CRITERIA",
    "checked",
    "encoded",
    "proportional_sizes",
    "silhouettes_of",
}
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
