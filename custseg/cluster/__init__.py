"""Numbers to segments: clusterers that keep one protocol.

Every segmenter is a scikit-learn clusterer that, fitted, has ``labels_``,
``n_segments_``, ``segment_sizes_``, ``segment_centers_`` and ``predict``, and
``predict_proba`` where the model gives one. Segments are numbered from 0 by size,
largest first; ``labels_`` equals ``predict`` of the training customers.
"""

from custseg.cluster._hierarchical import HierarchicalSegmenter as HierarchicalSegmenter
from custseg.cluster._kmeans import KMeansSegmenter as KMeansSegmenter
from custseg.cluster._latent_class import LatentClassSegmenter as LatentClassSegmenter
from custseg.cluster._linkage import cut_tree as cut_tree
from custseg.cluster._matching import coded as coded
from custseg.cluster._matching import ids_of as ids_of
from custseg.cluster._matching import match_labels as match_labels
from custseg.cluster._mixture import (
    GaussianMixtureSegmenter as GaussianMixtureSegmenter,
)
from custseg.cluster._mixture_segmenter import (
    MixtureSegmenterMixin as MixtureSegmenterMixin,
)
from custseg.cluster._multiplicity import SegmentMultiplicity as SegmentMultiplicity
from custseg.cluster._multiplicity import segment_multiplicity as segment_multiplicity
from custseg.cluster._parameter_errors import (
    bootstrap_parameters as bootstrap_parameters,
)
from custseg.cluster._partitions import adjusted_rand as adjusted_rand
from custseg.cluster._partitions import best_match as best_match
from custseg.cluster._partitions import crossed as crossed
from custseg.cluster._partitions import jaccards as jaccards
from custseg.cluster._partitions import moved_share as moved_share
from custseg.cluster._prototypes import segment_prototypes as segment_prototypes
from custseg.cluster._residuals import bivariate_residuals as bivariate_residuals
from custseg.cluster._rule_data import Rule as Rule
from custseg.cluster._rule_data import RuleBand as RuleBand
from custseg.cluster._rule_sets import loyalty_table as loyalty_table
from custseg.cluster._rule_sets import marketing_table as marketing_table
from custseg.cluster._rule_sets import value_cells_table as value_cells_table
from custseg.cluster._rule_sets import value_tiers_table as value_tiers_table
from custseg.cluster._rule_tables import RuleTable as RuleTable
from custseg.cluster._rules import RuleSegmenter as RuleSegmenter
from custseg.cluster._segmenter import has_distinct_rows as has_distinct_rows
from custseg.cluster._som import SOMSegmenter as SOMSegmenter
from custseg.cluster._som_grid import adjacency as adjacency
from custseg.cluster._som_grid import unit_positions as unit_positions

# Offered to other stages, not to users.
_FOR_STAGES = {
    "MixtureSegmenterMixin",
    "adjacency",
    "adjusted_rand",
    "best_match",
    "coded",
    "crossed",
    "cut_tree",
    "has_distinct_rows",
    "ids_of",
    "jaccards",
    "moved_share",
    "segment_prototypes",
    "unit_positions",
}
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
