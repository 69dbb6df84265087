"""Customer columns to numbers: one transformer for each base to segment on.

- `DemographicTransformer`, `FirmographicTransformer`, `GeographicTransformer`: who and
  where customers are;
- `BehaviouralTransformer`, `RFMTransformer`, `OccasionTransformer` and
  `LifecycleTransformer`: what they do, how recently, when, and whether they still do;
- `PsychographicTransformer`, `BenefitTransformer`, `AdoptionTransformer`: what they
  think, want and take up;
- `SocialTransformer`, `LoyaltyTransformer`: what they are to each other and to a firm.

`make_customer_features` puts them side by side so that none outweighs another, and
`infer_roles` proposes which column belongs where.

All learning happens in `fit` and is frozen there: the numbers of a customer never
depend on who else is in the table. By default every customer column that goes in
carries a total variance of one on the training data, so no column outweighs another
in a distance. The transformers take NumPy arrays and pandas or polars frames.
"""

from custseg.features._adoption import AdoptionTransformer
from custseg.features._behavioural import BehaviouralTransformer
from custseg.features._benefit import BenefitTransformer, map_benefits
from custseg.features._block_scaler import BlockScaler
from custseg.features._customer_features import make_customer_features
from custseg.features._demographic import DemographicTransformer
from custseg.features._firmographic import FirmographicTransformer
from custseg.features._geographic import GeographicTransformer
from custseg.features._infer_roles import CustomerRoles, infer_roles
from custseg.features._lifecycle import LifecycleTransformer
from custseg.features._loyalty import LoyaltyTransformer, net_promoter_score
from custseg.features._occasion import OccasionTransformer
from custseg.features._psychographic import PsychographicTransformer
from custseg.features._rfm import RFMTransformer
from custseg.features._rfm_cuts import class_limits
from custseg.features._social import SocialTransformer

# Offered to other stages, not to users.
_FOR_STAGES = """
class_limits
""".split()
__all__ = [
    name for name in dir() if not name.startswith("_") and name not in _FOR_STAGES
]
