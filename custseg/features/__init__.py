"""Customer columns to numbers: one transformer for each base to segment on.

- `DemographicTransformer`, `FirmographicTransformer`, `GeographicTransformer`: who and
  where customers are;
- `BehaviouralTransformer`, `RFMTransformer`, `OccasionTransformer`,
  `LifecycleTransformer`: what they do, how recently, when, and whether they still do;
- `PsychographicTransformer`, `BenefitTransformer`, `AdoptionTransformer`: what they
  think, want and take up;
- `SocialTransformer`, `LoyaltyTransformer`: what they are to each other and to a firm.

`make_customer_features` puts them side by side so that none outweighs another,
`infer_roles` proposes which column belongs where, and `check_customers` looks a table
over before anything is learned from it.

All learning happens in `fit` and is frozen there: the numbers of a customer never
depend on who else is in the table. By default every customer column that goes in
carries a total variance of one on the training data, so no column outweighs another
in a distance. The transformers take NumPy arrays and pandas or polars frames.
"""

from custseg.features._adoption import AdoptionTransformer as AdoptionTransformer
from custseg.features._behavioural import (
    BehaviouralTransformer as BehaviouralTransformer,
)
from custseg.features._benefit import BenefitTransformer as BenefitTransformer
from custseg.features._benefit import map_benefits as map_benefits
from custseg.features._block_scaler import BlockScaler as BlockScaler
from custseg.features._check import CustomerCheck as CustomerCheck
from custseg.features._check import check_customers as check_customers
from custseg.features._customer_features import (
    make_customer_features as make_customer_features,
)
from custseg.features._demographic import (
    DemographicTransformer as DemographicTransformer,
)
from custseg.features._factorability import bartlett_sphericity as bartlett_sphericity
from custseg.features._factorability import kaiser_meyer_olkin as kaiser_meyer_olkin
from custseg.features._factorability import parallel_analysis as parallel_analysis
from custseg.features._factors import FactorSolution as FactorSolution
from custseg.features._factors import factor_analysis as factor_analysis
from custseg.features._firmographic import (
    FirmographicTransformer as FirmographicTransformer,
)
from custseg.features._geographic import (
    GeographicTransformer as GeographicTransformer,
)
from custseg.features._lifecycle import LifecycleTransformer as LifecycleTransformer
from custseg.features._loyalty import LoyaltyTransformer as LoyaltyTransformer
from custseg.features._loyalty import net_promoter_score as net_promoter_score
from custseg.features._occasion import OccasionTransformer as OccasionTransformer
from custseg.features._price import price_sensitivity_meter as price_sensitivity_meter
from custseg.features._psychographic import (
    PsychographicTransformer as PsychographicTransformer,
)
from custseg.features._reliability import cronbach_alpha as cronbach_alpha
from custseg.features._reliability import item_statistics as item_statistics
from custseg.features._reliability import mcdonald_omega as mcdonald_omega
from custseg.features._reliability import scale_reliability as scale_reliability
from custseg.features._response_style import flag_responses as flag_responses
from custseg.features._rfm import RFMTransformer as RFMTransformer
from custseg.features._roles import CustomerRoles as CustomerRoles
from custseg.features._roles import infer_roles as infer_roles
from custseg.features._social import SocialTransformer as SocialTransformer

__all__ = [name for name in dir() if not name.startswith("_")]
