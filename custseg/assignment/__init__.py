"""Which segment a new customer belongs to, and whether to any."""

from custseg.assignment._calibration import (
    cross_fitted_probabilities as cross_fitted_probabilities,
)
from custseg.assignment._calibration import fit_to_fold as fit_to_fold
from custseg.assignment._calibration import folds as folds
from custseg.assignment._calibration import learn_calibration as learn_calibration
from custseg.assignment._columns_choice import partial_wilks as partial_wilks
from custseg.assignment._columns_choice import sweep as sweep
from custseg.assignment._compile import compile_scorer as compile_scorer
from custseg.assignment._discriminant import (
    DiscriminantAssigner as DiscriminantAssigner,
)
from custseg.assignment._discriminant_tables import DiscriminantAxes as DiscriminantAxes
from custseg.assignment._discriminant_tables import WilksTest as WilksTest
from custseg.assignment._identity import SegmentMatch as SegmentMatch
from custseg.assignment._identity import match_segments as match_segments
from custseg.assignment._model import SegmentationModel as SegmentationModel
from custseg.assignment._model_columns import as_table as as_table
from custseg.assignment._model_columns import check_ids as check_ids
from custseg.assignment._model_columns import columns_of as columns_of
from custseg.assignment._moments import fit_gaussians as fit_gaussians
from custseg.assignment._moments import moments_of as moments_of
from custseg.assignment._moments import probabilities_of as probabilities_of
from custseg.assignment._moments import segment_moments as segment_moments
from custseg.assignment._taught import check_variation as check_variation
from custseg.assignment._taught import checked_priors as checked_priors
from custseg.assignment._taught import taught_customers as taught_customers
from custseg.assignment._tuning import fold_rows as fold_rows
from custseg.assignment._tuning import spread_evenly as spread_evenly
from custseg.assignment._typicality import finite_numbers as finite_numbers

# Offered to other stages, not to users.
_FOR_STAGES = {
    "as_table",
    "check_ids",
    "check_variation",
    "checked_priors",
    "columns_of",
    "cross_fitted_probabilities",
    "finite_numbers",
    "fit_gaussians",
    "fit_to_fold",
    "fold_rows",
    "folds",
    "learn_calibration",
    "moments_of",
    "partial_wilks",
    "probabilities_of",
    "segment_moments",
    "spread_evenly",
    "sweep",
    "taught_customers",
}
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
