"""Who brought whom: `summarize_referrals`."""

import narwhals as nw
import numpy as np

from custseg.exceptions import SchemaError
from custseg.tables._accounts import open_accounts
from custseg.tables._parents import find_tops, links_of, read_ids, read_parents

__all__ = ["summarize_referrals"]


def summarize_referrals(customers, *, referred_by, customer_id="customer_id"):
    """Count, for each customer, who they brought and how far down a chain they stand.

    Parameters
    ----------
    customers : frame
        One row a customer, of any kind that `roll_up_accounts` takes, and read whole
        as there. It is not changed.
    referred_by : str
        Column of the id of who brought the customer; missing for one who came alone.
        Who brought somebody need not have a row.
    customer_id : str, default="customer_id"
        Column of ids, as integers or text, each once.

    Returns
    -------
    referrals : same kind as `customers`
        One row a customer, in the order of the table:

        - `customer_id`, under the name it had;
        - `referral_depth`: steps up to somebody who came alone, 0 for such;
        - `n_referred`: customers brought;
        - `n_referred_all`: customers brought, and by those, and so on down.

    Raises
    ------
    SchemaError
        If a column is missing, or the ids of the two are of different types.
    DataQualityError
        If ids are missing or repeat, or customers brought each other in a circle.

    See Also
    --------
    custseg.features.SocialTransformer : Takes the columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import summarize_referrals
    >>> customers = pd.DataFrame(
    ...     {"customer_id": ["a", "b", "c", "d"], "brought_by": [None, "a", "b", "a"]}
    ... )
    >>> summarize_referrals(customers, referred_by="brought_by")
      customer_id  referral_depth  n_referred  n_referred_all
    0           a               0           2               3
    1           b               1           1               1
    2           c               2           0               0
    3           d               1           0               0
    """
    frame, give_back, ordered = open_accounts(customers)
    unknown = [one for one in (customer_id, referred_by) if one not in frame.columns]
    if unknown:
        raise SchemaError(
            f"Columns {unknown} must be in the customer table. Got {frame.columns} "
            "instead."
        )
    ids = read_ids(frame, customer_id, ordered)
    parents = read_parents(frame, referred_by, customer_id, ids, ordered)
    find_tops(ids, parents, referred_by, ordered)  # refuses circles
    _, account, up = links_of(ids, parents)
    depth, below = np.zeros(len(up), dtype=np.int64), np.zeros(len(up), dtype=np.int64)
    place = np.arange(len(up))
    moving = up != place
    direct = np.bincount(up[moving], minlength=len(up))
    while moving.any():  # once a step of the longest chain
        place = up[place]
        depth += moving
        below += np.bincount(place[moving], minlength=len(up))
        moving &= up[place] != place
    figures = {
        "referral_depth": depth,
        "n_referred": direct,
        "n_referred_all": below,
    }
    new = [
        nw.new_series(name, values[account], backend=frame.implementation).to_frame()
        for name, values in figures.items()
    ]
    return give_back(nw.concat([frame.select(customer_id), *new], how="horizontal"))
