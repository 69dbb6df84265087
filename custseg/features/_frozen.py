"""What a transformer has learned of its columns, as the step that applies it."""

import numpy as np

from custseg.columns import MISSING, OTHER, Levels
from custseg.features._scaling import Scaling
from custseg.scoring import CustomerColumns, LevelColumn

__all__ = ["frozen_columns"]


def frozen_columns(estimator, scalings):
    """Freeze a transformer of columns of numbers, levels and planes.

    Parameters
    ----------
    estimator : fitted MixedTransformer
    scalings : list of Scaling
        One for each of its `kinds_`.

    Returns
    -------
    step : CustomerColumns
    """
    figures, numbers, outputs, indicators, levels = [], [], [], [], []
    position = n_outputs = 0
    for (name, kind), scaling in zip(estimator.kinds_.items(), scalings, strict=True):
        if kind in ("nominal", "ordered"):
            freeze = _frozen_levels if kind == "nominal" else _frozen_ranks
            frozen = freeze(estimator, name, scaling)
            levels.append(_level_column(position, n_outputs, *frozen, estimator.strict))
            n_outputs += levels[-1].rows.shape[1]
            position += 1
            continue
        of_numbers = [scaling] if kind == "numeric" else _of_plane(estimator, name)
        for one in of_numbers:
            if not np.isnan(one.indicator_scale):
                which = (len(numbers), one.indicator_scale, n_outputs + 1)
                indicators.append(which)
            figures.append(one)
            numbers.append(position)
            outputs.append(n_outputs)
            n_outputs += 1 + (not np.isnan(one.indicator_scale))
            position += 1
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


def _of_plane(estimator, name):
    plane = estimator.planes_[name]
    return [
        Scaling(fill, np.nan, mean, plane.scale, np.nan)
        for fill, mean in zip(plane.fill.tolist(), plane.mean.tolist(), strict=True)
    ]


def _level_column(position, start, levels, rows, told, strict):
    places = Levels(levels, "level")
    return LevelColumn(position, places, rows, start, told if strict else "", told)


def _frozen_levels(estimator, name, scaling):
    """Return the levels of a nominal column, the output of each, and what is told."""
    kept = estimator.levels_[name]
    position = {level: place for place, level in enumerate(kept)}
    elsewhere = position.get(OTHER, -1)
    pooled = dict.fromkeys(estimator.pooled_levels_[name], elsewhere)
    place_of = {**position, **pooled}
    # Then a missing level, and one that has not been seen.
    places = [*place_of.values(), position.get(MISSING, elsewhere), elsewhere]
    rows = np.zeros((len(places), len(kept)))
    for row, place in enumerate(places):
        if place >= 0:
            rows[row, place] = 1 / scaling.scale  # zero for a constant column
    # A column in which all levels were rare has none to be unseen: fit said so.
    if not set(kept) - {OTHER, MISSING}:
        return list(place_of), rows, ""
    told = "unseen" if MISSING in position else "unseen or missing"
    return list(place_of), rows, told


def _frozen_ranks(estimator, name, scaling):
    """Return the levels of an ordered column, the output of each, and what is told."""
    levels = estimator.levels_[name]
    # A missing rank, and one that has not been seen, are the median.
    ranks = np.array([*range(len(levels)), scaling.median, scaling.median], dtype=float)
    ranks = (ranks - scaling.mean) / scaling.scale + 0.0  # not minus zero
    if np.isnan(scaling.indicator_scale):
        return list(levels), ranks[:, np.newaxis], "unseen"
    marks = np.zeros(len(ranks))
    marks[-2:] = 1 / scaling.indicator_scale
    return list(levels), np.column_stack([ranks, marks]), "unseen"


def _whole(numbers):
    return np.array(numbers, dtype=np.intp)
