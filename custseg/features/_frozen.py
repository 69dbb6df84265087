"""What fitted transformers do, as steps of a scorer."""

import numpy as np

from custseg.columns import MISSING, OTHER, Levels
from custseg.features._scaling import apply_scaling, frozen_scalings
from custseg.scoring import CustomerColumns, LevelColumn

__all__ = ["frozen_columns", "frozen_levels", "frozen_ranks"]


def frozen_columns(estimator, level_of=lambda position: None):
    """Freeze a transformer of columns of numbers and of levels.

    Parameters
    ----------
    estimator : fitted transformer with frozen scalings
    level_of : callable
        Gives ``(levels, rows, refused)`` of the column at a position, as
        `frozen_levels` does, or None for a column of numbers.

    Returns
    -------
    step : CustomerColumns
    """
    scalings = frozen_scalings(estimator)
    numbers, outputs, indicators, levels, n_outputs = [], [], [], [], 0
    for position, scaling in enumerate(scalings):
        found = level_of(position)
        if found is not None:
            names, rows, refused = found
            places = Levels(names, "level")
            levels.append(LevelColumn(position, places, rows, n_outputs, refused))
            n_outputs += rows.shape[1]
            continue
        numbers.append(position)
        outputs.append(n_outputs)
        n_outputs += 1
        if not np.isnan(scaling.indicator_scale):
            indicators.append((len(numbers) - 1, scaling.indicator_scale, n_outputs))
            n_outputs += 1
    figures = [scalings[position] for position in numbers]
    which, scales, where = zip(*indicators, strict=True) if indicators else ((),) * 3
    return CustomerColumns(
        _whole(numbers),
        *(np.array([one[i] for one in figures], dtype=float) for i in range(4)),
        _whole(outputs),
        _whole(which),
        np.array(scales, dtype=float),
        _whole(where),
        tuple(levels),
        n_outputs,
    )


def frozen_levels(kept, pooled, scale, *, strict):
    """Return the levels of a nominal column, the output of each, and what is refused.

    Parameters
    ----------
    kept, pooled : sequence of str
        As `pool_levels` gives them.
    scale : float
        Divides the indicators; infinite for a constant column.
    strict : bool
        Whether levels that are not known are refused.

    Returns
    -------
    levels : list of str or None
        None is a missing value.
    rows : ndarray of shape (n_levels + 2, n_outputs)
    refused : str
    """
    position = {level: place for place, level in enumerate(kept)}
    elsewhere = position.get(OTHER, -1)
    place_of = {**position, **dict.fromkeys(pooled, elsewhere)}
    place_of[None] = position.get(MISSING, elsewhere)
    rows = np.zeros((len(place_of) + 2, len(kept)))
    for row, place in enumerate([*place_of.values(), place_of[None], elsewhere]):
        if place >= 0 and np.isfinite(scale):
            rows[row, place] = 1 / scale
    blind = not set(kept) - {OTHER, MISSING}
    refused = ""
    if strict and not blind:
        refused = "unseen" if MISSING in position else "unseen or missing"
        if MISSING not in position:
            place_of.pop(None)
            rows = np.delete(rows, len(place_of), axis=0)
    return list(place_of), rows, refused


def frozen_ranks(levels, scaling, *, strict):
    """Return the levels of an ordered column, the output of each, and what is refused.

    Parameters
    ----------
    levels : sequence of str
        Lowest first.
    scaling : Scaling
    strict : bool

    Returns
    -------
    levels : list of str
    rows : ndarray of shape (n_levels + 2, n_outputs)
    refused : str
    """
    ranks = np.array([*range(len(levels)), np.nan, np.nan], dtype=float)
    rows = np.column_stack(apply_scaling(ranks, scaling))
    return list(levels), rows, "unseen" if strict else ""


def _whole(numbers):
    return np.array(numbers, dtype=np.intp)
