"""How alike refits to resamples are, for every number of segments, as a picture."""

import numpy as np
import pandas as pd

from custseg.plotting import _drawing as draw
from custseg.plotting._boxes import box_numbers, draw_boxes

_WIDTH = 0.8  # of all boxes of one number of segments
_NUMBERS = ["estimator", "n_segments"]


def checked_stability(result):
    """Refuse what is no result of bootstrap_stability."""
    wanted = "be what bootstrap_stability returns"
    remedy = "Call search.stability(X), or bootstrap_stability(estimator, X)."
    return draw.checked_kind(
        "result", result, ("adjusted_rand", "jaccard"), wanted, remedy
    )


def chosen_estimator(result, estimator):
    """Return the name of an estimator of the result: selected, or first, for None."""
    names = result.sizes["estimator"].unique().tolist()
    name = estimator
    if estimator is None:
        name = result.selected[0] if result.selected else names[0]
    return draw.one_of("estimator", name, names, "Leave it out for the selected one.")


@draw.display
class StabilityDisplay(draw.Display):
    """Adjusted Rand index of pairs of refits, one box a candidate.

    Each pair of resamples gives two segmentations of all customers; 1 means that they
    cut the customers alike, 0 that they agree no more than by chance. The line within a
    box is the median, its heavy lower edge the lower quartile, and whiskers reach from
    the fifth to the ninety-fifth percentile. A triangle at the top marks the number of
    segments that the rule "stable" takes: after it the lower quartile drops for good.

    Use `from_stability` to make one.

    Parameters
    ----------
    boxes : DataFrame
        One row a candidate: ``estimator``, ``n_segments``, ``n_pairs`` of refits
        that could be made, ends of the whiskers ``low`` and ``high``, ``q25``,
        ``median``, ``q75``, and ``drops``: whether the lower quartile drops for
        good after this number of segments.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    References
    ----------
    Dolnicar, S. and Leisch, F. (2010). Evaluation of structure and reproducibility of
    cluster solutions using the bootstrap. Marketing Letters 21, 83-101.
    https://doi.org/10.1007/s11002-009-9083-4

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter
    >>> from custseg.plotting import StabilityDisplay
    >>> from custseg.selection import bootstrap_stability
    >>> rng = np.random.default_rng(0)
    >>> X = np.repeat([[0.0], [10.0], [20.0]], 30, axis=0)
    >>> result = bootstrap_stability(
    ...     KMeansSegmenter(),
    ...     X + rng.normal(size=X.shape),
    ...     n_segments=(2, 3, 4),
    ...     n_bootstraps=20,
    ...     n_null=0,
    ...     random_state=0,
    ... )
    >>> display = StabilityDisplay.from_stability(result)
    >>> display.frame()[["n_segments", "q25", "median", "q75", "drops"]].round(2)
       n_segments   q25  median   q75  drops
    0           2  0.09    0.09  1.00  False
    1           3  1.00    1.00  1.00   True
    2           4  0.73    0.94  0.98  False
    """

    boxes: pd.DataFrame

    @classmethod
    def from_stability(cls, result):
        """Make the display of a result.

        Parameters
        ----------
        result : StabilityResult
            As `bootstrap_stability` and `SegmentSearch.stability` return it.

        Returns
        -------
        display : StabilityDisplay

        Raises
        ------
        TypeError
            If it is no such result.
        """
        pairs = checked_stability(result).adjusted_rand
        rows = [
            {
                "estimator": name,
                "n_segments": number,
                "n_pairs": int(values.notna().sum()),
                **box_numbers(values),
            }
            for (name, number), values in pairs.groupby(_NUMBERS, sort=False)[
                "adjusted_rand"
            ]
        ]
        drops = result.frame()[[*_NUMBERS, "drops"]]
        return cls(boxes=pd.DataFrame(rows).merge(drops, on=_NUMBERS, how="left"))

    def plot(self, ax=None):
        """Draw one box a candidate, estimators side by side.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : StabilityDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        names = self.boxes["estimator"].unique()
        numbers = np.unique(self.boxes["n_segments"])
        ax = self._start(ax, (8.5, 4.2))
        handles = [
            self._estimator(position, name, numbers, len(names))
            for position, name in enumerate(names)
        ]
        draw.legend(ax, handles + self._marks())
        ax.set_xticks(range(len(numbers)), numbers)
        lowest = np.nanmin([0, self.boxes["low"].min()])
        ax.set(
            xlim=(-0.6, len(numbers) - 0.4),
            ylim=(lowest - 0.03, 1.12),
            yticks=np.arange(np.floor(5 * lowest), 6) / 5,
            xlabel="number of segments",
            ylabel="adjusted Rand index of pairs of refits",
        )
        # Lines between the numbers keep boxes of one number together.
        if len(names) > 1:
            for between in np.arange(len(numbers) - 1) + 0.5:
                ax.axvline(between, color="0.85", linewidth=0.8, zorder=0)
        draw.tidy(ax, "y")
        return self

    def _estimator(self, position, name, numbers, n_estimators):
        """Draw the boxes of one estimator; return its entry in the legend."""
        boxes = self.boxes[self.boxes["estimator"] == name]
        width = _WIDTH / n_estimators
        shift = (position - (n_estimators - 1) / 2) * width
        x = np.searchsorted(numbers, boxes["n_segments"]) + shift
        style = draw.style_of(position)
        face, box = draw.pale(position), min(0.85 * width, 0.5)
        draw_boxes(self.ax_, boxes, x, box, face=face, edge=style["color"])
        dots = {"markeredgecolor": "black", **style}
        small = {"markersize": 5, "markeredgewidth": 0.8, "zorder": 5}
        draw.points(self.ax_, x, boxes["median"], **small, **dots)
        taken = boxes["drops"].to_numpy(dtype=bool)
        above = {"marker": "v", "markersize": 9, "color": style["color"], "zorder": 5}
        draw.points(self.ax_, x[taken], np.full(taken.sum(), 1.07), **above)
        return draw.handle(draw.wrapped(name, 28, 3), markersize=7, **dots)

    def _marks(self):
        """Return what the legend says of lines and marks."""
        handles = [
            draw.handle("median", linestyle="-", color="black", linewidth=1.6),
            draw.handle("lower quartile", linestyle="-", color="0.4", linewidth=3),
        ]
        if self.boxes["drops"].any():
            words = "taken by the rule stable:\nthe lower quartile drops\nafter it"
            handles.append(draw.handle(words, color="0.3", marker="v", markersize=9))
        return handles
