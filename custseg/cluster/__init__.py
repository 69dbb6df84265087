"""Numbers to segments: clusterers that keep one protocol.

Every segmenter is a scikit-learn clusterer that, fitted, has ``labels_``,
``n_segments_``, ``segment_sizes_``, ``segment_centers_`` and ``predict``, and
``predict_proba`` where the model gives one. Segments are numbered from 0 by size,
largest first; ``labels_`` equals ``predict`` of the training customers.
"""

from custseg.cluster._hierarchical import HierarchicalSegmenter
from custseg.cluster._kmeans import KMeansSegmenter
from custseg.cluster._latent_class import LatentClassSegmenter
from custseg.cluster._linkage import cut_tree
from custseg.cluster._matching import coded, ids_of, match_labels
from custseg.cluster._mixture import GaussianMixtureSegmenter
from custseg.cluster._mixture_segmenter import MixtureSegmenterMixin
from custseg.cluster._multiplicity import SegmentMultiplicity, segment_multiplicity
from custseg.cluster._parameter_errors import bootstrap_parameters
from custseg.cluster._partitions import (
    adjusted_rand,
    best_match,
    crossed,
    jaccards,
    moved_share,
)
from custseg.cluster._prototypes import segment_prototypes
from custseg.cluster._residuals import bivariate_residuals
from custseg.cluster._rule_data import Rule, RuleBand
from custseg.cluster._rule_segmenter import RuleSegmenter
from custseg.cluster._rule_sets import (
    loyalty_table,
    marketing_table,
    value_cells_table,
    value_tiers_table,
)
from custseg.cluster._rule_tables import RuleTable
from custseg.cluster._segmenter import has_distinct_rows
from custseg.cluster._som import SOMSegmenter
from custseg.cluster._som_grid import adjacency, unit_positions

# Offered to other stages, not to users.
_FOR_STAGES = """
MixtureSegmenterMixin adjacency adjusted_rand best_match coded crossed cut_tree
has_distinct_rows ids_of jaccards moved_share segment_prototypes unit_positions
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
