"""Solutions of k-means that are about as good as the best, as a picture."""

import numpy as np
import pandas as pd

from custseg.plotting import _drawing as draw

_AREA = (30, 900)  # of a marker, in square points: a single start, all starts


@draw.display
class MultiplicityDisplay(draw.Display):
    """How much worse other solutions are, and how differently they cut the customers.

    One circle a solution, its area growing with the share of starts that found it; the
    best, filled, stands at the lower left. A circle high up is a solution that puts
    many customers elsewhere, one far to the left is about as good as the best. Circles
    high up on the left say that the data do not decide between the solutions.

    Use `from_multiplicity` to make one.

    Parameters
    ----------
    results : DataFrame
        One row a solution, the best first; see `SegmentMultiplicity.frame`.
    verdict : str, default=""
        Title of the picture.
    tolerance : float, default=None
        Relative excess over the best inertia up to which solutions were kept; the
        right end of the picture.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    Examples
    --------
    >>> from custseg.cluster import KMeansSegmenter, segment_multiplicity
    >>> from custseg.plotting import MultiplicityDisplay
    >>> square = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> display = MultiplicityDisplay.from_multiplicity(
    ...     segment_multiplicity(square, KMeansSegmenter(2), random_state=0)
    ... )
    >>> display.frame()[["excess_percent", "moved_share"]]
       excess_percent  moved_share
    0             0.0          0.0
    1             0.0          0.5
    """

    results: pd.DataFrame
    verdict: str = ""
    tolerance: float | None = None

    @classmethod
    def from_multiplicity(cls, multiplicity):
        """Make the display of a report.

        Parameters
        ----------
        multiplicity : SegmentMultiplicity
            As `segment_multiplicity` returns it.

        Returns
        -------
        display : MultiplicityDisplay
        """
        return cls(
            results=multiplicity.frame(),
            verdict=multiplicity.verdict,
            tolerance=multiplicity.tolerance,
        )

    def plot(self, ax=None):
        """Draw one circle a solution.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : MultiplicityDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._start(ax, (8.5, 4.2))
        # The widest circles first, so that none hides another.
        rows = self.results.sort_values("start_share", ascending=False, kind="stable")
        is_best = rows.index == self.results.index[0]
        place = rows["excess_percent"], 100 * rows["moved_share"]
        shades = np.where(is_best, draw.color(0), draw.color(1))
        style = {"alpha": 0.65, "edgecolors": "black", "linewidths": 0.8, "zorder": 3}
        sizes = _area(rows["start_share"])
        ax.scatter(*place, s=sizes, c=shades, clip_on=False, **style)
        self._legend()
        self._limits()
        ax.set(
            xlabel="inertia above the best (%)",
            ylabel="customers in another segment (%)",
        )
        draw.small_title(ax, draw.wrapped(self.verdict, 88, 3), pad=14)
        draw.tidy(ax, "both")
        return self

    def _limits(self):
        """Begin a little before zero, and end at the tolerance."""
        widest = self.results["excess_percent"].max()
        if self.tolerance:
            widest = max(widest, 100 * self.tolerance)
        highest = max(10.0, 115 * self.results["moved_share"].max())
        if widest > 0:
            self.ax_.set_xlim(-0.04 * widest, 1.04 * widest)
        self.ax_.set_ylim(-0.06 * highest, highest)

    def _legend(self):
        """Say what is the best, and which circle stands for how many starts."""
        shares = self.results["start_share"]
        best, others = shares.iloc[0], shares.iloc[1:]
        handles = [_circle(f"best: {draw.percent(best)} of starts", 0, best)]
        handles += [
            _circle(f"another: {draw.percent(share)} of starts", 1, share)
            for share in dict.fromkeys(
                [others.min(), others.max()] if len(others) else []
            )
        ]
        draw.legend(self.ax_, handles, labelspacing=1.2)


def _area(share):
    return _AREA[0] + (_AREA[1] - _AREA[0]) * share


def _circle(label, position, share):
    return draw.handle(
        label,
        marker="o",
        markersize=np.sqrt(min(_area(share), 500)),
        markerfacecolor=draw.color(position),
        markeredgecolor="black",
        markeredgewidth=0.8,
        alpha=0.65,
    )
