"""Which segment a new customer belongs to, and whether to any."""

from custseg.assignment._calibration import (
    cross_fitted_probabilities,
    fit_to_fold,
    folds,
    learn_calibration,
)
from custseg.assignment._columns_choice import partial_wilks, sweep
from custseg.assignment._compile import compile_scorer
from custseg.assignment._discriminant import DiscriminantAssigner
from custseg.assignment._discriminant_tables import DiscriminantAxes, WilksTest
from custseg.assignment._identity import SegmentMatch, match_segments
from custseg.assignment._model import SegmentationModel
from custseg.assignment._model_columns import as_table, check_ids, columns_of
from custseg.assignment._moments import (
    fit_gaussians,
    moments_of,
    probabilities_of,
    segment_moments,
)
from custseg.assignment._taught import check_variation, checked_priors, taught_customers
from custseg.assignment._tuning import fold_rows, spread_evenly
from custseg.assignment._typicality import finite_numbers

# Offered to other stages, not to users.
_FOR_STAGES = """
as_table check_ids check_variation checked_priors columns_of
cross_fitted_probabilities finite_numbers fit_gaussians fit_to_fold fold_rows
folds learn_calibration moments_of partial_wilks probabilities_of
segment_moments spread_evenly sweep taught_customers
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
