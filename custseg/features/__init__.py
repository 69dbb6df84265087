"""Customer columns to numbers: one transformer for each base to segment on.

- `BehaviouralTransformer`: skewed counts and amounts, with returns and gaps;
- `DemographicTransformer`: numbers, categories and ordered categories side by side;
- `PsychographicTransformer`: answers to attitude items, keyed and scored.

All learning happens in `fit` and is frozen there: the numbers of a customer never
depend on who else is in the table. By default every customer column that goes in
carries a total variance of one on the training data, so no column outweighs another
in a distance. The transformers take NumPy arrays and pandas or polars frames.
"""

from custseg.features._behavioural import (
    BehaviouralTransformer as BehaviouralTransformer,
)
from custseg.features._block_scaler import BlockScaler as BlockScaler
from custseg.features._check import CustomerCheck as CustomerCheck
from custseg.features._check import check_customers as check_customers
from custseg.features._demographic import (
    DemographicTransformer as DemographicTransformer,
)
from custseg.features._psychographic import (
    PsychographicTransformer as PsychographicTransformer,
)
from custseg.features._roles import CustomerRoles as CustomerRoles
from custseg.features._roles import infer_roles as infer_roles

__all__ = [name for name in dir() if not name.startswith("_")]
