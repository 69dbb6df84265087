"""How many segments: silhouettes in bounded memory, and the search over candidates."""

from custseg.selection._choice import CRITERIA
from custseg.selection._criteria import calinski_harabasz_scores, davies_bouldin_scores
from custseg.selection._draw import proportional_sizes
from custseg.selection._labelings import encoded
from custseg.selection._likelihood_ratio import (
    LikelihoodRatioTest,
    bootstrap_likelihood_ratio,
)
from custseg.selection._search import SegmentSearch
from custseg.selection._silhouette import (
    checked,
    segment_silhouettes,
    silhouette_samples,
    silhouette_score,
    silhouette_scores,
    silhouettes_of,
)
from custseg.selection._stability import bootstrap_stability
from custseg.selection._stability_result import StabilityResult
from custseg.selection._structure import StructureTest, structure_test
from custseg.selection._unimodality import (
    UnimodalityTest,
    dip_statistic,
    unimodality_test,
)

# Offered to other stages, not to users.
_FOR_STAGES = """
CRITERIA checked encoded proportional_sizes silhouettes_of
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
