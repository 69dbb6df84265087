"""Rule tables that are ready to use."""

from custseg.cluster._rule_data import Rule, RuleBand
from custseg.cluster._rule_tables import RuleTable

__all__ = [
    "loyalty_table",
    "marketing_table",
    "value_cells_table",
    "value_tiers_table",
]

_SCORES = range(1, 6)


def value_cells_table(
    split="mean",
    *,
    recency="recency",
    frequency="frequency",
    monetary="monetary_total",
    scores=False,
):
    """Make the eight cells of customer value.

    Recency, frequency and monetary value are each high or low against their mean, and
    the eight combinations have names. High recency means recent.

    Parameters
    ----------
    split : {"mean", "median"}, default="mean"
        What a customer must be better than to be high; learned in `fit`. Customers
        who equal it are low.
    recency, frequency, monetary : str or int
        Columns, by name or position.
    scores : bool, default=False
        Whether the columns are scores, in which a high recency is a recent one, as
        `custseg.features.RFMTransformer` gives them; they are then r, f and m unless
        they are named otherwise. If False, recency is in days.

    Returns
    -------
    table : RuleTable
        A missing recency, that of a customer without orders, counts as low.

    See Also
    --------
    marketing_table : Finer, on scores of 1 to 5.

    Notes
    -----
    =====================  =======  =========  ========
    segment                recency  frequency  monetary
    =====================  =======  =========  ========
    high value             high     high       high
    important to develop   high     low        high
    important to keep      low      high       high
    important to win back  low      low        high
    general value          high     high       low
    general to develop     high     low        low
    general to keep        low      high       low
    general to win back    low      low        low
    =====================  =======  =========  ========

    Examples
    --------
    >>> from custseg.cluster import value_cells_table
    >>> table = value_cells_table()
    >>> table.segment_of(recency="low", frequency="high", monetary_total="high")
    'important to keep'
    """
    if scores:
        defaults = {"recency": "r", "frequency": "f", "monetary_total": "m"}
        recency, frequency, monetary = (
            defaults.get(one, one) for one in (recency, frequency, monetary)
        )
    up = RuleBand(("low", "high"), split, equal="lower")
    down = RuleBand(("high", "low"), split, equal="upper", missing="low")
    names = {
        ("high", "high", "high"): "high value",
        ("high", "low", "high"): "important to develop",
        ("low", "high", "high"): "important to keep",
        ("low", "low", "high"): "important to win back",
        ("high", "high", "low"): "general value",
        ("high", "low", "low"): "general to develop",
        ("low", "high", "low"): "general to keep",
        ("low", "low", "low"): "general to win back",
    }
    columns = (recency, frequency, monetary)
    return RuleTable(
        tuple(
            Rule(name, dict(zip(columns, cell, strict=True)))
            for cell, name in names.items()
        ),
        bands=dict(zip(columns, (up if scores else down, up, up), strict=True)),
    )


def marketing_table():
    """Make the marketing table of eleven segments on scores of 1 to 5.

    The rules are on the recency score `r` and on `fm`, the mean of the frequency and
    monetary scores `f` and `m`, rounded half up.

    Returns
    -------
    table : RuleTable

    See Also
    --------
    custseg.features.RFMTransformer : Gives r, f and m.
    loyalty_table : Four segments on the same scores.

    Notes
    -----
    ===================  ====  ====
    segment              r     fm
    ===================  ====  ====
    Champions            5     4-5
    Loyal customers      3-4   4-5
    Potential loyalists  4-5   2-3
    New customers        5     1
    Promising            4     1
    Needing attention    3     3
    About to sleep       3     1-2
    Can't lose them      1-2   5
    At risk              1-2   3-4
    Hibernating          2     1-2
    Lost                 1     1-2
    ===================  ====  ====

    The eleven names, and the idea of a grid of recency against the mean of the other
    two scores, are those of Putler's guide to RFM analysis, whose ranges overlap: a
    customer with r=5 and fm=4 is there among the champions and among the loyal. The
    ranges here are the exclusive ones that are in common use since, written as ten
    patterns such as ``[3-4][4-5]`` for loyal customers, of which one is divided:
    customers with r=1 of the hibernating ones (r of 1 to 2, fm of 1 to 2) are lost.

    References
    ----------
    Putler. RFM Analysis for Successful Customer Segmentation.
    https://www.putler.com/rfm-analysis

    Examples
    --------
    >>> from custseg.cluster import marketing_table
    >>> marketing_table().segment_of(r=2, fm=5)
    "Can't lose them"
    """
    return RuleTable(
        (
            Rule("Champions", r=5, fm=(4, 5)),
            Rule("Loyal customers", r=(3, 4), fm=(4, 5)),
            Rule("Potential loyalists", r=(4, 5), fm=(2, 3)),
            Rule("New customers", r=5, fm=1),
            Rule("Promising", r=4, fm=1),
            Rule("Needing attention", r=3, fm=3),
            Rule("About to sleep", r=3, fm=(1, 2)),
            Rule("Can't lose them", r=(1, 2), fm=5),
            Rule("At risk", r=(1, 2), fm=(3, 4)),
            Rule("Hibernating", r=2, fm=(1, 2)),
            Rule("Lost", r=1, fm=(1, 2)),
        ),
        levels={"r": _SCORES, "fm": _SCORES},
        means={"fm": ("f", "m")},
    )


def loyalty_table():
    """Make the table of loyal, potential, general and churned customers.

    Returns
    -------
    table : RuleTable
        On the scores `r` and `f` of 1 to 5.

    See Also
    --------
    marketing_table : Eleven segments, with monetary value.

    Notes
    -----
    =========  ====  ====
    segment    r     f
    =========  ====  ====
    loyal      3-5   4-5
    potential  4-5   1-3
    general    3     1-3
    churned    1-2   1-5
    =========  ====  ====

    The four names are common and their limits are not: these are one choice. A churned
    customer here is one of the two fifths who have stayed away longest, which says
    nothing about whether they will come back.

    Examples
    --------
    >>> from custseg.cluster import loyalty_table
    >>> loyalty_table().frame()
         segment     r     f
    0      loyal  3..5  4..5
    1  potential  4..5  1..3
    2    general     3  1..3
    3    churned  1..2   any
    """
    return RuleTable(
        (
            Rule("loyal", r=(3, 5), f=(4, 5)),
            Rule("potential", r=(4, 5), f=(1, 3)),
            Rule("general", r=3, f=(1, 3)),
            Rule("churned", r=(1, 2)),
        ),
        levels={"r": _SCORES, "f": _SCORES},
    )


def value_tiers_table(column="monetary_total", *, shares=(0.2, 0.3)):
    """Make the table of high, middle and low value.

    Parameters
    ----------
    column : str or int, default="monetary_total"
        Column of value, by name or position; larger is better.
    shares : tuple of two floats, default=(0.2, 0.3)
        Shares of the training customers that are high and middle. Equal values stay
        together, so shares are met as far as values differ.

    Returns
    -------
    table : RuleTable

    Raises
    ------
    ValueError
        If the shares are not two positive numbers that sum to less than 1.

    See Also
    --------
    value_cells_table : Looks at recency and frequency as well.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.cluster import RuleSegmenter, value_tiers_table
    >>> spend = [5.0, 1, 9, 2, 40, 3, 7, 100, 4, 6]
    >>> customers = pd.DataFrame({"monetary_total": spend})
    >>> segmenter = RuleSegmenter(value_tiers_table()).fit(customers)
    >>> segmenter.segment_names_
    {0: 'low value', 1: 'middle value', 2: 'high value'}
    >>> segmenter.segment_sizes_
    array([5, 3, 2])
    """
    high, middle = shares
    if not (high > 0 and middle > 0 and high + middle < 1):
        raise ValueError(
            "shares must be two positive numbers that sum to less than 1. Got "
            f"{shares!r} instead."
        )
    band = RuleBand(
        ("low", "middle", "high"), "quantile", at=(1 - high - middle, 1 - high)
    )
    return RuleTable(
        tuple(Rule(f"{one} value", {column: one}) for one in reversed(band.labels)),
        bands={column: band},
    )
