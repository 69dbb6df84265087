"""What people say of single customers, against or beside the model."""

import warnings
from contextlib import suppress
from datetime import date as Date
from datetime import datetime
from numbers import Integral
from typing import NamedTuple

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg.assignment._model_columns import columns_of
from custseg.exceptions import SegmentWarning


class Override(NamedTuple):
    """A segment that a person has chosen for a customer."""

    segment: int
    reason: str
    date: Date
    locked: bool


def as_date(date):
    """Return the day of a date, a moment or ISO text."""
    if isinstance(date, str):
        with suppress(ValueError):
            date = datetime.fromisoformat(date.strip())
    if isinstance(date, datetime) and not pd.isna(date):
        return date.date()
    if isinstance(date, Date) and not pd.isna(date):
        return date
    raise ValueError(
        "date must be a date or text such as '2026-03-31'. Got "
        f"{date!r} instead. Pass the day on which it was decided."
    )


def as_id(customer_id):
    """Return an id as tables list it, not as NumPy's scalar."""
    plain = customer_id.item() if isinstance(customer_id, np.generic) else customer_id
    if not pd.api.types.is_hashable(plain) or np.ndim(plain) or pd.isna(plain):
        raise ValueError(
            "customer_id must be the id of one customer. Got "
            f"{'a missing one' if np.ndim(plain) == 0 else 'several'} instead. Make "
            "one override a customer."
        )
    return plain


def chosen_by_people(customers, customer_id, overrides):
    """Return positions of customers who have an override, and these.

    Parameters
    ----------
    customers : frame
    customer_id : str or None
        Column with the ids.
    overrides : dict of Override

    Returns
    -------
    positions : list of int
    found : list of Override
    """
    if not overrides:
        return [], []
    ids = columns_of(customers, [customer_id], "id")[customer_id].to_list()
    positions = [row for row, one in enumerate(ids) if one in overrides]
    return positions, [overrides[ids[row]] for row in positions]


def carried_on(overrides, segment_ids):
    """Return the locked overrides for a refitted model, and say which are dropped."""
    alive = set(segment_ids.tolist())
    locked = {one: known for one, known in overrides.items() if known.locked}
    kept = {one: known for one, known in locked.items() if known.segment in alive}
    n_moves, n_orphans = len(overrides) - len(locked), len(locked) - len(kept)
    if n_moves:
        warnings.warn(
            "Overrides must be locked to outlast a refit. Got "
            f"{n_moves} that are not instead, which the new model does not have. See "
            "overrides_ of the old model, and make those anew that still hold.",
            SegmentWarning,
            stacklevel=3,
        )
    if n_orphans:
        warnings.warn(
            "Locked customers must have a segment that is still there. Got "
            f"{n_orphans} of {len(locked)} whose segment is gone instead; the new "
            "model answers for them. See overrides_ of the old model, and choose anew.",
            SegmentWarning,
            stacklevel=3,
        )
    return kept


class OverridesMixin:
    """Lets people move and lock customers of a `SegmentationModel`."""

    @property
    def overrides_(self):
        """What people have said of customers, a row each, as DataFrame."""
        check_is_fitted(self)
        frame = pd.DataFrame(
            [(one, *override) for one, override in self._overrides.items()],
            columns=["customer_id", *Override._fields],
        )
        return frame.astype(
            {"segment": "int64", "date": "datetime64[s]", "locked": bool}
        )

    def override(self, customer_id, segment, *, reason, date, lock=False):
        """Let a person's word on a customer stand before the model's.

        `assign` answers with the person's segment from then on; `predict` and
        `predict_proba` stay the model's own opinion.

        Parameters
        ----------
        customer_id : str or int
            Id of the customer, as in the id column. A second override of the same
            customer takes the place of the first.
        segment : int
            Segment that the customer is to be in: one of ``segment_ids_``.
        reason : str
            Why, in words.
        date : date or str
            Day on which it was decided, or its text, such as "2026-03-31".
        lock : bool, default=False
            Whether the customer stays there through refits, as long as the segment
            lives. An override that is not locked ends with the next `refit`.

        Returns
        -------
        self : SegmentationModel
            Lists the override in ``overrides_``.

        Raises
        ------
        ValueError
            If the model has no `customer_id` column, the id is missing or is text where
            the column has numbers or the other way round, there is no such segment, the
            reason is blank, or the date is none.

        Examples
        --------
        >>> import pandas as pd
        >>> from custseg import KMeansSegmenter, SegmentationModel
        >>> clients = pd.DataFrame({"client": ["a", "b", "c"], "orders": [1, 2, 9]})
        >>> model = SegmentationModel(
        ...     KMeansSegmenter(2, random_state=0), customer_id="client"
        ... ).fit(clients)
        >>> model = model.override(
        ...     "b", 1, reason="orders by phone as well", date="2026-03-31", lock=True
        ... )
        >>> model.assign(clients)[["customer_id", "segment", "override"]]
          customer_id  segment                 override
        0           a        0                     None
        1           b        1  orders by phone as well
        2           c        1                     None
        >>> model.predict(clients)
        array([0, 0, 1])
        """
        check_is_fitted(self)
        one = self._checked_id(customer_id)
        known = self.segment_ids_.tolist()
        if not isinstance(segment, Integral) or segment not in known:
            raise ValueError(
                f"segment must be one of {', '.join(map(str, known))}. Got "
                f"{segment!r} instead. See segment_names_ for the segments."
            )
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(
                "reason must say why in words. Got "
                f"{reason!r} instead. Write what the next reader has to know."
            )
        override = Override(int(segment), reason.strip(), as_date(date), bool(lock))
        # A new dict: threads that assign meanwhile go on with the old one.
        self._overrides = {**self._overrides, one: override}
        return self

    def remove_override(self, customer_id):
        """Take an override back: the model's answer stands again.

        Parameters
        ----------
        customer_id : str or int
            Id of the customer.

        Returns
        -------
        self : SegmentationModel

        Raises
        ------
        ValueError
            If nobody has said anything of the customer.
        """
        check_is_fitted(self)
        one = as_id(customer_id)
        if one not in self._overrides:
            raise ValueError(
                "customer_id must have an override. Got one without instead. See "
                "overrides_ for those that have."
            )
        self._overrides = {k: v for k, v in self._overrides.items() if k != one}
        return self

    def _checked_id(self, customer_id):
        if self.customer_id is None:
            raise ValueError(
                "An override must find its customer by an id. Got a model without "
                "instead. Fit it with customer_id=, the name of the id column."
            )
        one = as_id(customer_id)
        if isinstance(one, str) != self._ids_are_text:
            kinds = ("numbers", "text")
            raise ValueError(
                f"customer_id must be as in column {self.customer_id!r}, which has "
                f"{kinds[self._ids_are_text]}. Got {type(one).__name__} instead. Pass "
                "the id as the table has it."
            )
        return one
