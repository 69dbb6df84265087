"""Fitted models frozen to arrays: answers in microseconds, with NumPy alone.

`custseg.compile_scorer` makes a `Scorer` of a fitted model; `load_scorer` reads one
that was saved. Neither this package nor a scorer imports scikit-learn, pandas or SciPy.
"""

from custseg.scoring._classes import AsScored as AsScored
from custseg.scoring._classes import Classes as Classes
from custseg.scoring._columns import Beside as Beside
from custseg.scoring._columns import CustomerColumns as CustomerColumns
from custseg.scoring._columns import Items as Items
from custseg.scoring._columns import LevelColumn as LevelColumn
from custseg.scoring._columns import only_read as only_read
from custseg.scoring._file import load_scorer as load_scorer
from custseg.scoring._numbers import FUNCTIONS as FUNCTIONS
from custseg.scoring._numbers import Apply as Apply
from custseg.scoring._numbers import AsNumbers as AsNumbers
from custseg.scoring._numbers import Bins as Bins
from custseg.scoring._numbers import Fill as Fill
from custseg.scoring._numbers import Power as Power
from custseg.scoring._numbers import Rotate as Rotate
from custseg.scoring._numbers import RowNorm as RowNorm
from custseg.scoring._numbers import Scale as Scale
from custseg.scoring._numbers import Select as Select
from custseg.scoring._numbers import Stretch as Stretch
from custseg.scoring._rfm import RFMScores as RFMScores
from custseg.scoring._rfm import checked_figures as checked_figures
from custseg.scoring._rfm import outputs_of as outputs_of
from custseg.scoring._rfm import own_interval as own_interval
from custseg.scoring._rfm import score_by as score_by
from custseg.scoring._road import Road as Road
from custseg.scoring._road import Types as Types
from custseg.scoring._rules import Decided as Decided
from custseg.scoring._rules import RuleAxis as RuleAxis
from custseg.scoring._rules import RuleCells as RuleCells
from custseg.scoring._rules import bands_of as bands_of
from custseg.scoring._rules import check_complete as check_complete
from custseg.scoring._rules import check_known as check_known
from custseg.scoring._rules import check_levels as check_levels
from custseg.scoring._rules import locate as locate
from custseg.scoring._rules import mean_of as mean_of
from custseg.scoring._scorer import Scorer as Scorer
from custseg.scoring._segments import Components as Components
from custseg.scoring._segments import Curves as Curves
from custseg.scoring._segments import Gaussians as Gaussians
from custseg.scoring._segments import Linear as Linear
from custseg.scoring._segments import Nearest as Nearest
from custseg.scoring._segments import Sums as Sums
from custseg.scoring._segments import Tempered as Tempered
from custseg.scoring._segments import Trees as Trees
from custseg.scoring._segments import Typicality as Typicality
from custseg.scoring._segments import sums_of_answers as sums_of_answers

# Offered to other stages, not to users.
_FOR_STAGES = {
    "Apply",
    "AsNumbers",
    "AsScored",
    "Beside",
    "Bins",
    "Classes",
    "Components",
    "Curves",
    "CustomerColumns",
    "Decided",
    "FUNCTIONS",
    "Fill",
    "Gaussians",
    "Items",
    "LevelColumn",
    "Linear",
    "Nearest",
    "Power",
    "RFMScores",
    "Road",
    "Rotate",
    "RowNorm",
    "RuleAxis",
    "RuleCells",
    "Scale",
    "Select",
    "Stretch",
    "Sums",
    "Tempered",
    "Trees",
    "Types",
    "Typicality",
    "bands_of",
    "check_complete",
    "check_known",
    "check_levels",
    "checked_figures",
    "locate",
    "mean_of",
    "only_read",
    "outputs_of",
    "own_interval",
    "score_by",
    "sums_of_answers",
}
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
