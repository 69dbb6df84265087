"""Customers by their type: which rows are whose, and what is wrong with a type."""

from contextlib import contextmanager

import numpy as np
import pandas as pd

from custseg._utils._frames import as_frame
from custseg.assignment._roles import columns_of
from custseg.exceptions import DataQualityError, DegenerateFitError, SchemaError


def positions_by_type(table, split_by):
    """Return the rows of each customer type, by type.

    Parameters
    ----------
    table : frame
    split_by : str
        Column with the types.

    Returns
    -------
    positions : dict of ndarray
        Types ascending.

    Raises
    ------
    SchemaError
        If the column is not there.
    DataQualityError
        If a customer has no type.
    """
    cells = as_frame(columns_of(table, [split_by], "split_by"))[split_by].to_list()
    codes, kinds = pd.factorize(np.array(cells, dtype=object))
    if (codes < 0).any():
        raise DataQualityError(
            f"Column {split_by!r} must have a type for every customer. Got "
            f"{np.count_nonzero(codes < 0)} missing in {len(codes)} rows (first: row "
            f"{np.flatnonzero(codes < 0)[0]}) instead. Fill them, or leave these "
            "customers out."
        )
    found = {kind: np.flatnonzero(codes == code) for code, kind in enumerate(kinds)}
    return dict(sorted(found.items(), key=lambda item: _by_kind(item[0])))


def _by_kind(kind):
    """Order types; numbers and text in one column must not keep them from it."""
    return isinstance(kind, str), kind


def check_types(positions, known, split_by):
    """Refuse customers of types that no segments were learned for."""
    unseen = [positions[kind] for kind in positions if kind not in known]
    if unseen:
        rows = np.sort(np.concatenate(unseen))
        raise DataQualityError(
            f"Column {split_by!r} must have types that the model was fitted on: "
            f"{', '.join(map(repr, known))}. Got {len(unseen)} others in {len(rows)} "
            f"rows (first: row {rows[0]}) instead. Correct them, leave these customers "
            "out, or fit again with customers of all types."
        )


@contextmanager
def errors_name_the_type(kind, n_customers, split_by):
    """Say for which customers a fit has failed."""
    try:
        yield
    except ValueError as error:
        ours = (SchemaError, DataQualityError, DegenerateFitError)
        known = type(error) if isinstance(error, ours) else ValueError
        customers = "customer" if n_customers == 1 else "customers"
        raise known(
            f"Segments of type {kind!r} in column {split_by!r} could not be learned "
            f"from its {n_customers} {customers}: {error}"
        ) from error
