"""Fitted models frozen to arrays: answers in microseconds, with NumPy alone.

`custseg.compile_scorer` makes a `Scorer` of a fitted model; `load_scorer` reads one
that was saved. Neither this package nor a scorer imports scikit-learn, pandas or SciPy.
"""

from custseg.scoring._attitudes import (
    TYPES,
    Adoption,
    Loyalty,
    Promoters,
    check_proportions,
    no_answer,
    promoter_class,
    read_times,
    refuse_answers,
    side_of,
)
from custseg.scoring._classes import AsScored, Classes
from custseg.scoring._customer_columns import (
    Beside,
    Chosen,
    CustomerColumns,
    Items,
    LevelColumn,
    only_read,
)
from custseg.scoring._derivations import (
    Balance,
    Bands,
    CheckedCounts,
    Cyclic,
    Events,
    MeanOfItems,
    Rate,
    Threshold,
    Usage,
    YearsSince,
)
from custseg.scoring._derived import Derived, DerivedColumns, Same
from custseg.scoring._earth import LIMITS, Kilometres, OnSphere
from custseg.scoring._file import load_scorer
from custseg.scoring._nested import Hierarchy, HierarchyLevel, Joined, Trades
from custseg.scoring._numbers import (
    FUNCTIONS,
    Apply,
    AsNumbers,
    Bins,
    Fill,
    Power,
    Rotate,
    RowNorm,
    Scale,
    Select,
    Stretch,
)
from custseg.scoring._rfm_scores import (
    RFMScores,
    checked_figures,
    outputs_of,
    own_interval,
    relative_recency,
    score_by,
)
from custseg.scoring._road import Road, Types
from custseg.scoring._rules import (
    Decided,
    RuleAxis,
    RuleCells,
    bands_of,
    check_complete,
    check_known,
    check_levels,
    locate,
    mean_of,
)
from custseg.scoring._scorer import Scorer
from custseg.scoring._segments import (
    Components,
    Curves,
    Gaussians,
    Linear,
    Nearest,
    Sums,
    Tempered,
    Trees,
    Typicality,
    sums_of_answers,
)
from custseg.scoring._shares import Shares
from custseg.scoring._silence import LifeCycle, read_purchases
from custseg.scoring._sources import Coded, CustomerSource
from custseg.scoring._wants import Benefits, ItemScores, Prices

# Offered to other stages, not to users.
_FOR_STAGES = """
Adoption Apply AsNumbers AsScored Balance Bands Benefits Beside Bins
CheckedCounts Chosen Classes Coded Components Curves CustomerColumns
CustomerSource Cyclic Decided Derived DerivedColumns Events FUNCTIONS Fill
Gaussians Hierarchy HierarchyLevel ItemScores Items Joined Kilometres LIMITS
LevelColumn LifeCycle Linear Loyalty MeanOfItems Nearest OnSphere Power Prices
Promoters RFMScores Rate Road Rotate RowNorm RuleAxis RuleCells Same Scale
Select Shares Stretch Sums TYPES Tempered Threshold Trades Trees Types
Typicality Usage YearsSince bands_of check_complete check_known check_levels
check_proportions checked_figures locate mean_of no_answer only_read outputs_of
own_interval promoter_class read_purchases read_times refuse_answers
relative_recency score_by side_of sums_of_answers
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
