"""The science of answers: items, keying, reliability, factors, response style, price.

What a survey needs before its answers are segmented. `custseg.features` turns answers
into numbers with it: `PsychographicTransformer` items, `BenefitTransformer` utilities.
"""

from custseg.surveys._factorability import (
    bartlett_sphericity,
    kaiser_meyer_olkin,
    parallel_analysis,
)
from custseg.surveys._factors import (
    FactorSolution,
    factor_analysis,
    solution_of,
    warn_of_factors,
)
from custseg.surveys._items import (
    check_answers,
    numbers_of_answers,
    signs_of,
    warn_outside,
)
from custseg.surveys._keying import (
    declared_points,
    declared_scales,
    find_reversed,
    settled_output,
)
from custseg.surveys._polychoric import polychoric_correlation
from custseg.surveys._price import price_sensitivity_meter
from custseg.surveys._reliability import (
    cronbach_alpha,
    item_statistics,
    mcdonald_omega,
    scale_reliability,
    statistics_of_scales,
    warn_of_contrary,
)
from custseg.surveys._response_style import check_style, flag_responses, learn_style
from custseg.surveys._utilities import cumulative_normal_scores

# Offered to other stages, not to users.
_FOR_STAGES = """
check_answers check_style cumulative_normal_scores declared_points
declared_scales find_reversed learn_style numbers_of_answers
polychoric_correlation settled_output signs_of solution_of statistics_of_scales
warn_of_contrary warn_of_factors warn_outside
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
