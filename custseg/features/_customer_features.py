"""`make_customer_features`: the bases side by side, none outweighing another."""

from collections.abc import Mapping
from functools import partial
from numbers import Real

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from custseg._sklearn import check_is_fitted
from custseg._utils._frames import as_frame, as_known_frame
from custseg.columns import check_names, quoted
from custseg.exceptions import SchemaError
from custseg.features._adoption import AdoptionTransformer
from custseg.features._behavioural import BehaviouralTransformer
from custseg.features._benefit import BenefitTransformer
from custseg.features._block_scaler import BlockScaler
from custseg.features._demographic import DemographicTransformer
from custseg.features._firmographic import FirmographicTransformer
from custseg.features._geographic import GeographicTransformer
from custseg.features._lifecycle import LifecycleTransformer
from custseg.features._loyalty import LoyaltyTransformer
from custseg.features._occasion import OccasionTransformer
from custseg.features._psychographic import PsychographicTransformer
from custseg.features._rfm import RFMTransformer
from custseg.features._social import SocialTransformer

__all__ = ["make_customer_features"]

_TRANSFORMERS = {
    "demographic": DemographicTransformer,
    "firmographic": FirmographicTransformer,
    "geographic": GeographicTransformer,
    "behavioural": BehaviouralTransformer,
    # The mean score is the scores once more: they would count twice.
    "rfm": partial(RFMTransformer, output=("r", "f", "m")),
    "psychographic": PsychographicTransformer,
    "benefit": BenefitTransformer,
    "adoption": AdoptionTransformer,
    "occasion": OccasionTransformer,
    "social": SocialTransformer,
    "lifecycle": LifecycleTransformer,
    "loyalty": LoyaltyTransformer,
}
_BALANCES = ("variance", "eigenvalue", None)


class CustomerFeatures(ColumnTransformer):
    """A ColumnTransformer that says which base lacks a column, and reads Arrow tables.

    `make_customer_features` makes it.
    """

    def fit_transform(self, X, y=None, **params):
        """Fit the bases, and turn the customers into numbers."""
        X = as_known_frame(X)
        self._check_columns(X)
        return super().fit_transform(X, y, **params)

    def transform(self, X, **params):
        """Turn customers into numbers by what `fit` learned."""
        check_is_fitted(self)
        X = as_known_frame(X)
        if as_frame(X) is not None:
            self._check_columns(X)
        return super().transform(X, **params)

    def _check_columns(self, X):
        """Refuse a table without a column that a base names."""
        if isinstance(X, pd.DataFrame):
            known = X.columns.tolist()
        else:
            frame = as_frame(X)
            known = None if frame is None else frame.columns
        for base, _, columns in self.transformers:
            named = [column for column in columns if isinstance(column, str)]
            if named and known is None:
                raise SchemaError(
                    "The table must be a frame in memory where bases name columns, as "
                    f"{base!r} does. Got {type(X).__name__} instead. Pass a pandas, "
                    "polars or Arrow table, or give the positions of columns."
                )
            check_names(f"Base {base!r}", named, known or ())


def make_customer_features(
    *,
    demographic=None,
    firmographic=None,
    geographic=None,
    behavioural=None,
    rfm=None,
    adoption=None,
    occasion=None,
    social=None,
    lifecycle=None,
    loyalty=None,
    psychographic=None,
    benefit=None,
    balance="variance",
    weights=None,
    **own,
):
    """Put the bases of a segmentation side by side, balanced.

    Each base has the columns that are given for it, its transformer and a
    `BlockScaler`. By default each carries the same total variance, so each has the
    same share in the distances between customers, however many columns it has.

    Parameters
    ----------
    demographic, firmographic, geographic, behavioural, rfm, adoption, occasion : \
            list of str, or tuple (transformer, list of str), default=None
        Columns of the base, for the transformer of that name as it is by default; or
        a transformer of your own settings and its columns. For rfm a list is enough
        where the columns have the names that `RFMTransformer` looks for; out come the
        scores r, f and m without their mean, which would count them twice.
    social, lifecycle, loyalty : list of str, or tuple (transformer, list of str), \
            default=None
        Likewise. For lifecycle and loyalty a list is enough where the columns have
        the names that `LifecycleTransformer` and `LoyaltyTransformer` look for.
    psychographic : list of str, mapping or tuple, default=None
        A list of items, which are used as they are; or a mapping of scale to items,
        which are averaged, reverse-keyed items found by ``reverse="auto"``; or
        ``(transformer, columns)``.
    benefit : list of str, mapping or tuple, default=None
        A list of items; or a mapping of benefit to items; or
        ``(transformer, columns)``.
    balance : {"variance", "eigenvalue"} or None, default="variance"
        What is made equal between bases, see `BlockScaler`. None leaves the numbers as
        the transformers give them: there a column, not a base, has a variance of one.
    weights : mapping of str to float, default=None
        Weight of a base where it is not 1: ``{"behavioural": 2}`` gives behaviour twice
        the share of each other base.
    **own : tuple (transformer, list of str)
        Further bases, under names of your own.

    Returns
    -------
    features : ColumnTransformer
        Not fitted. Tables may be of Arrow too. Its parts are named as the bases, and
        each is a Pipeline of the steps `transformer` and `balance`:
        ``set_params(behavioural__transformer__log="all")`` reaches in. Columns
        that are in none are left out. Output columns have the names that the
        transformers give; where a column is in two bases, the names begin with the
        base, as ``lifecycle__recency``.

    Raises
    ------
    ValueError
        If there is no base, a base has no column or one of them twice, `weights` names
        a base that is not there or is not above zero, or is given with
        ``balance=None``.
    TypeError
        If a base is neither a list of columns, nor a mapping where one is allowed,
        nor a pair of transformer and columns.

    See Also
    --------
    infer_roles : Proposes which column belongs to which base.
    BlockScaler : The figure behind the balance.

    Notes
    -----
    A base of fifty items has fifty times the total variance of a base of one column
    when each column has a variance of one, and k-means finds segments of the items.
    Balanced, both have a half. What the balance cannot do is to find segments in noise:
    fifty items without structure still blur, with a half of the distances, what the
    other base shows. Leave out what does not matter before weighing it.

    Examples
    --------
    >>> import numpy as np
    >>> import custseg as cs
    >>> from custseg.datasets import make_customers
    >>> simulated = make_customers(300, random_state=0)
    >>> features = cs.make_customer_features(
    ...     demographic=["age", "gender"],
    ...     psychographic=list(simulated.item_columns),
    ...     weights={"demographic": 0.5},
    ... )
    >>> X = features.set_output(transform="pandas").fit_transform(simulated.customers)
    >>> X.shape
    (300, 23)
    >>> items = list(simulated.item_columns)
    >>> print(f"{X[items].var(ddof=0).sum():.2f}")
    1.00
    >>> print(f"{X.drop(columns=items).var(ddof=0).sum():.2f}")
    0.50
    """
    wished = {name: value for name, value in locals().items() if name in _TRANSFORMERS}
    wished = {name: value for name, value in wished.items() if value is not None}
    bases = {name: _base(name, value) for name, value in {**wished, **own}.items()}
    _check(bases, balance, weights)
    weights = weights or {}
    parts = []
    for name, (transformer, columns) in bases.items():
        if balance is not None:
            scaler = BlockScaler(balance=balance, weight=weights.get(name, 1.0))
            transformer = Pipeline([("transformer", transformer), ("balance", scaler)])
        parts.append((name, transformer, columns))
    listed = [column for _, _, columns in parts for column in columns]
    shared = len(set(listed)) < len(listed)
    return CustomerFeatures(parts, verbose_feature_names_out=shared)


def _base(name, value):
    """Return the transformer and the columns of one base."""
    own_transformer = isinstance(value, tuple) and len(value) == 2
    if own_transformer and hasattr(value[0], "transform"):
        transformer, columns = value
    elif name not in _TRANSFORMERS:
        raise TypeError(
            f"{name} must be a pair of a transformer and its columns: custseg has none "
            f"for a base of that name. Got {type(value).__name__} instead. Give "
            f"{name}=(transformer, columns), or use one of {', '.join(_TRANSFORMERS)}."
        )
    elif isinstance(value, Mapping):
        transformer, columns = _of_mapping(name, value)
    else:
        transformer, columns = _TRANSFORMERS[name](), value
    if isinstance(columns, str) or not hasattr(columns, "__iter__"):
        raise TypeError(
            f"{name} must be a list of column names. Got {columns!r} instead. Put it "
            "into a list."
        )
    return transformer, list(columns)


def _of_mapping(name, groups):
    """Return the transformer of items in groups, and all items."""
    if name not in ("psychographic", "benefit"):
        raise TypeError(
            f"{name} must be a list of column names, or a pair of a transformer and "
            "its columns. Got a mapping instead. Only psychographic and benefit have "
            "items in groups."
        )
    groups = {group: tuple(items) for group, items in groups.items()}
    items = [item for group in groups.values() for item in group]
    if name == "benefit":
        return BenefitTransformer(benefits=groups), items
    return PsychographicTransformer(scales=groups, reverse="auto"), items


def _check(bases, balance, weights):
    """Refuse bases and weights that cannot be meant."""
    if not bases:
        raise ValueError(
            "There must be a base to segment on. Got none instead. Give columns for "
            f"one of {', '.join(_TRANSFORMERS)}."
        )
    for name, (_, columns) in bases.items():
        twice = sorted({str(c) for c in columns if columns.count(c) > 1})
        if not columns or twice:
            got = f"{quoted(twice)} more than once" if twice else "none"
            raise ValueError(
                f"{name} must have columns, each once. Got {got} instead. Name them, "
                "or leave the base out."
            )
    if balance not in _BALANCES:
        raise ValueError(
            "balance must be 'variance', 'eigenvalue' or None. Got "
            f"{balance!r} instead."
        )
    unknown = [name for name in weights or {} if name not in bases]
    if unknown or (weights and balance is None):
        got = quoted(unknown) if unknown else "balance=None"
        raise ValueError(
            f"weights must name bases that are balanced. Got {got} instead. There are "
            f"{quoted(bases, limit=12)}."
        )
    wrong = [n for n, w in (weights or {}).items() if not _is_weight(w)]
    if wrong:
        raise ValueError(
            f"weights must be above zero. Got another weight of {quoted(wrong)} "
            "instead. Leave out a base that is to weigh nothing."
        )


def _is_weight(weight):
    return isinstance(weight, Real) and 0 < weight < float("inf")
