"""Van Westendorp's price sensitivity meter: four curves and where they cross."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from custseg._utils._result import Result
from custseg.columns import check_names, numbers, read_columns
from custseg.exceptions import DataQualityError

__all__ = ["PriceSensitivity", "price_sensitivity_meter"]

_CURVES = ("too_cheap", "cheap", "expensive", "too_expensive")
_REMEDY = "Give prices as numbers of one currency."


@dataclass(frozen=True, eq=False, repr=False)
class PriceSensitivity(Result):
    """Points of van Westendorp's meter, and how many customers they rest on.

    Attributes
    ----------
    marginal_cheapness, marginal_expensiveness : float
        Between them lie acceptable prices.
    indifference : float
        As many customers call it cheap as expensive.
    optimum : float
        As many customers call it too cheap as too expensive.
    n_customers : int
        Whose prices rise from too cheap to too expensive.
    n_left_out : int
        Whose prices are missing or do not rise.
    curves : pandas.DataFrame
        Shares of customers by price: columns `price`, `too_cheap`, `cheap`,
        `expensive` and `too_expensive`.
    """

    marginal_cheapness: float
    marginal_expensiveness: float
    indifference: float
    optimum: float
    n_customers: int
    n_left_out: int
    curves: pd.DataFrame

    def frame(self):
        """Return the curves.

        Returns
        -------
        frame : DataFrame
            A copy of ``curves``: one row per price.
        """
        return self.curves.copy()

    def summary(self):
        """Return the acceptable prices and the optimum, in a sentence.

        Returns
        -------
        summary : str
        """
        low, high, even, best = (
            "unknown" if one != one else f"{one:,.5g}"
            for one in (
                self.marginal_cheapness,
                self.marginal_expensiveness,
                self.indifference,
                self.optimum,
            )
        )
        return (
            f"Acceptable prices lie between {low} and {high}, with the optimum at "
            f"{best} and indifference at {even} ({self.n_customers:,} customers, "
            f"{self.n_left_out:,} left out)."
        )


def price_sensitivity_meter(
    answers,
    *,
    too_cheap="too_cheap",
    cheap="cheap",
    expensive="expensive",
    too_expensive="too_expensive",
    acceptable="original",
):
    """Find where the curves of van Westendorp's four questions cross.

    At which price is the product too cheap to be good, a bargain, expensive but worth
    a thought, and too expensive?

    Parameters
    ----------
    answers : DataFrame
        One row a customer, pandas, polars or Arrow; prices above 0.
    too_cheap, cheap, expensive, too_expensive : str
        Names of the four columns.
    acceptable : {"original", "narrow"}, default="original"
        Which curves bound acceptable prices. "original": too cheap with *not* cheap,
        and too expensive with *not* expensive. "narrow": too cheap with expensive, and
        too expensive with cheap.

    Returns
    -------
    meter : PriceSensitivity
        With the fields `marginal_cheapness`, `marginal_expensiveness`, `indifference`,
        `optimum`, `n_customers`, `n_left_out` and `curves`. A point is NaN where curves
        do not cross.

    Raises
    ------
    SchemaError
        If a column is missing or holds no numbers.
    DataQualityError
        If a price is not above 0, or no customer's prices rise.
    ValueError
        If `acceptable` is something else.

    See Also
    --------
    BenefitTransformer : Makes a price level and a range of each customer's answers.

    Notes
    -----
    At a price p the curves are the shares of customers whose too-cheap and cheap
    prices are p or more, and whose expensive and too-expensive prices are p or less
    [1]_. Between the prices that were named, curves are taken as straight. What people
    say of a price that they do not have to pay is no demand curve: the range tells
    what looks odd, and not what sells.

    References
    ----------
    .. [1] van Westendorp, P. H. (1976). NSS price sensitivity meter (PSM): a new
       approach to study consumer perception of prices. Proceedings of the 29th ESOMAR
       Congress, 139-167.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.surveys import price_sensitivity_meter
    >>> answers = pd.DataFrame(
    ...     {
    ...         "too_cheap": [2, 3, 4, 3], "cheap": [5, 5, 6, 7],
    ...         "expensive": [8, 9, 9, 10], "too_expensive": [10, 12, 11, 14],
    ...     }
    ... )
    >>> meter = price_sensitivity_meter(answers)
    >>> print(f"{meter.marginal_cheapness:.1f} to {meter.marginal_expensiveness:.1f}")
    5.0 to 9.5
    """
    columns = read_columns(BaseEstimator(), answers, reset=True)
    by_name = {column.name: column for column in columns}
    wanted = (too_cheap, cheap, expensive, too_expensive)
    check_names("The four questions", wanted, by_name)
    if acceptable not in ("original", "narrow"):
        raise ValueError(
            f"acceptable must be 'original' or 'narrow'. Got {acceptable!r} instead."
        )
    prices = np.array([numbers(by_name[name], _REMEDY) for name in wanted])
    below = int(np.count_nonzero(np.any(prices <= 0, axis=0)))
    if below:
        raise DataQualityError(
            f"Prices must be above 0. Got others in {below} of {prices.shape[1]} rows "
            "instead. Correct them or mark them as missing."
        )
    rising = np.all(np.diff(prices, axis=0) >= 0, axis=0)  # False where missing
    if not rising.any():
        raise DataQualityError(
            "Prices must rise from too cheap to too expensive. Got none of "
            f"{prices.shape[1]} customers for whom they do instead. Check which column "
            "is which."
        )
    prices = prices[:, rising]
    grid = np.unique(prices)
    shares = [np.mean(one[:, None] >= grid, axis=0) for one in prices[:2]]
    shares += [np.mean(one[:, None] <= grid, axis=0) for one in prices[2:]]
    curves = dict(zip(_CURVES, shares, strict=True))
    rises, falls = curves["expensive"], curves["cheap"]
    if acceptable == "original":
        rises, falls = 1 - curves["cheap"], 1 - curves["expensive"]
    return PriceSensitivity(
        marginal_cheapness=_crossing(grid, curves["too_cheap"], rises),
        marginal_expensiveness=_crossing(grid, falls, curves["too_expensive"]),
        indifference=_crossing(grid, curves["cheap"], curves["expensive"]),
        optimum=_crossing(grid, curves["too_cheap"], curves["too_expensive"]),
        n_customers=int(rising.sum()),
        n_left_out=int(len(rising) - rising.sum()),
        curves=pd.DataFrame({"price": grid, **curves}),
    )


def _crossing(grid, falling, rising):
    """Return where a falling curve meets a rising one: the middle where they lie."""
    gap = falling - rising
    on = np.flatnonzero(gap == 0)
    if len(on):
        return float((grid[on[0]] + grid[on[-1]]) / 2)
    before = np.flatnonzero((gap[:-1] > 0) & (gap[1:] < 0))
    if not len(before):
        return np.nan
    i = before[0]
    return float(grid[i] + (grid[i + 1] - grid[i]) * gap[i] / (gap[i] - gap[i + 1]))
