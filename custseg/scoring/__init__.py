"""Fitted models frozen to arrays: answers in microseconds, with NumPy alone.

`custseg.compile_scorer` makes a `Scorer` of a fitted model; `load_scorer` reads one
that was saved. Neither this package nor a scorer imports scikit-learn, pandas or SciPy.
"""

from custseg.scoring._classes import AsScored, Classes
from custseg.scoring._columns import (
    Beside,
    CustomerColumns,
    Items,
    LevelColumn,
    only_read,
)
from custseg.scoring._file import load_scorer
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
from custseg.scoring._rfm import (
    RFMScores,
    checked_figures,
    outputs_of,
    own_interval,
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

# Offered to other stages, not to users.
_FOR_STAGES = """
Apply AsNumbers AsScored Beside Bins Classes Components Curves CustomerColumns
Decided FUNCTIONS Fill Gaussians Items LevelColumn Linear Nearest Power
RFMScores Road Rotate RowNorm RuleAxis RuleCells Scale Select Stretch Sums
Tempered Trees Types Typicality bands_of check_complete check_known check_levels
checked_figures locate mean_of only_read outputs_of own_interval score_by
sums_of_answers
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
