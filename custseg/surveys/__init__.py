"""The science of answers: items, keying, reliability, factors, response style, price.

What a survey needs before its answers are segmented. `custseg.features` turns answers
into numbers with it: `PsychographicTransformer` items, `BenefitTransformer` utilities.
"""

from custseg.surveys._factorability import bartlett_sphericity as bartlett_sphericity
from custseg.surveys._factorability import kaiser_meyer_olkin as kaiser_meyer_olkin
from custseg.surveys._factorability import parallel_analysis as parallel_analysis
from custseg.surveys._factors import FactorSolution as FactorSolution
from custseg.surveys._factors import factor_analysis as factor_analysis
from custseg.surveys._factors import solution_of as solution_of
from custseg.surveys._factors import warn_of_factors as warn_of_factors
from custseg.surveys._items import check_answers as check_answers
from custseg.surveys._items import fill_answers as fill_answers
from custseg.surveys._items import mean_of as mean_of
from custseg.surveys._items import numbers_of_answers as numbers_of_answers
from custseg.surveys._items import signs_of as signs_of
from custseg.surveys._items import warn_outside as warn_outside
from custseg.surveys._items import weighted_sum as weighted_sum
from custseg.surveys._keying import declared_points as declared_points
from custseg.surveys._keying import declared_scales as declared_scales
from custseg.surveys._keying import find_reversed as find_reversed
from custseg.surveys._keying import settled_output as settled_output
from custseg.surveys._polychoric import polychoric_correlation as polychoric_correlation
from custseg.surveys._price import price_sensitivity_meter as price_sensitivity_meter
from custseg.surveys._reliability import cronbach_alpha as cronbach_alpha
from custseg.surveys._reliability import item_statistics as item_statistics
from custseg.surveys._reliability import mcdonald_omega as mcdonald_omega
from custseg.surveys._reliability import scale_reliability as scale_reliability
from custseg.surveys._reliability import statistics_of_scales as statistics_of_scales
from custseg.surveys._reliability import warn_of_contrary as warn_of_contrary
from custseg.surveys._response_style import check_style as check_style
from custseg.surveys._response_style import flag_responses as flag_responses
from custseg.surveys._response_style import learn_style as learn_style
from custseg.surveys._utilities import best_worst_scores as best_worst_scores
from custseg.surveys._utilities import fill_scores as fill_scores
from custseg.surveys._utilities import rank_scores as rank_scores
from custseg.surveys._utilities import relative_scores as relative_scores
from custseg.surveys._utilities import spread_of as spread_of

# Offered to other stages, not to users.
_FOR_STAGES = {
    "best_worst_scores",
    "check_answers",
    "check_style",
    "declared_points",
    "declared_scales",
    "fill_answers",
    "fill_scores",
    "find_reversed",
    "learn_style",
    "mean_of",
    "numbers_of_answers",
    "polychoric_correlation",
    "rank_scores",
    "relative_scores",
    "settled_output",
    "signs_of",
    "solution_of",
    "spread_of",
    "statistics_of_scales",
    "warn_of_contrary",
    "warn_of_factors",
    "warn_outside",
    "weighted_sum",
}
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
