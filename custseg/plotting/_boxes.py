"""Box plots whose numbers are worked out before they are drawn."""

import numpy as np

_QUANTILES = {"low": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "high": 0.95}
_IN_MATPLOTLIB = ("whislo", "q1", "med", "q3", "whishi")  # the same, in this order


def box_numbers(values):
    """Work out ends of whiskers, quartiles and median of the values that are there.

    Parameters
    ----------
    values : Series of float
        Missing ones are left out.

    Returns
    -------
    numbers : dict of str to float
        ``low`` and ``high``, which nine values of ten lie between, ``q25``,
        ``median`` and ``q75``; NaN where no value is there.
    """
    values = values.dropna()
    if len(values) == 0:
        return dict.fromkeys(_QUANTILES, np.nan)
    return {name: float(values.quantile(q)) for name, q in _QUANTILES.items()}


def draw_boxes(ax, boxes, positions, width, *, face, edge):
    """Draw one box a row, the lower edge and the median heavy.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    boxes : DataFrame
        Columns as `box_numbers` names them; rows without numbers are left out.
    positions : ndarray of shape (n_boxes,)
    width : float
    face, edge : color
    """
    known = boxes["median"].notna().to_numpy()
    positions, boxes = np.asarray(positions)[known], boxes[known]
    rows = boxes[list(_QUANTILES)].itertuples(index=False)
    statistics = [dict(zip(_IN_MATPLOTLIB, row, strict=True)) for row in rows]
    if not statistics:
        return
    line = {"color": edge, "linewidth": 1}
    ax.bxp(
        statistics,
        positions=positions,
        widths=width,
        patch_artist=True,
        showfliers=False,
        manage_ticks=False,
        boxprops={"facecolor": face, "edgecolor": edge, "linewidth": 1},
        medianprops={"color": "black", "linewidth": 1.6, "solid_capstyle": "butt"},
        whiskerprops=line,
        capprops=line,
        zorder=3,
    )
    ends = positions - width / 2, positions + width / 2
    ax.hlines(boxes["q25"], *ends, color=edge, linewidth=3, zorder=4)
