"""A criterion of all candidates of a search, as a picture."""

import numpy as np
import pandas as pd

from custseg._sklearn import check_is_fitted
from custseg._utils._pipelines import last_step
from custseg.plotting import _drawing as draw
from custseg.selection import CRITERIA

_WORDS = {
    "silhouette": ("mean silhouette", "silhouette"),
    "stability": ("median adjusted Rand index", "stability"),
    "calinski_harabasz": ("criterion of Calinski and Harabasz", "Calinski-Harabasz"),
    "davies_bouldin": ("criterion of Davies and Bouldin", "Davies-Bouldin"),
    "gap": ("gap statistic", "gap"),
    "bic": ("BIC", "BIC"),
    "icl": ("ICL", "ICL"),
}
_SHORT = {name: short for name, (_, short) in _WORDS.items()}
_ONE_ERROR = "one standard error up and down"
# Columns of standard errors by criterion, the one that says most first.
_STD_ERRORS = {
    "silhouette": (
        ("silhouette_boot_se", f"{_ONE_ERROR},\nover refits to resamples"),
        ("silhouette_se", _ONE_ERROR),
    ),
    "gap": (("gap_se", f"{_ONE_ERROR},\nover tables without segments"),),
}


@draw.display
class SegmentSearchDisplay(draw.Display):
    """A criterion of every candidate over the number of segments asked for.

    One line an estimator. A full marker is a candidate that may be chosen, a hollow
    one may not, as a segment is too small, a cross at the bottom has no criterion,
    mostly because it failed. A ring marks the candidate that was chosen. The label at
    the left says whether larger or smaller is better.

    Around the line is a band, where the search knows how sure it is: one standard error
    over refits to resamples up and down for the silhouette, one standard error over the
    tables without segments for the gap, from the lower to the upper quartile of pairs
    of refits for the stability. Bars are one standard error of silhouettes that were
    averaged over a draw of customers, where there was no refit.

    Use `from_search` to make one.

    Parameters
    ----------
    results : DataFrame
        A copy of the search's ``results_``, one row a candidate.
    min_segment_share : float, default=None
        Below it a segment is too small; for the words only.
    criterion : str, default="silhouette"
        What the search chose by.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    Examples
    --------
    >>> from custseg import KMeansSegmenter, SegmentSearch
    >>> from custseg.plotting import SegmentSearchDisplay
    >>> visits = [[1], [2], [3], [11], [12], [13], [14]]
    >>> search = SegmentSearch([KMeansSegmenter()], n_segments=(2, 3), random_state=0)
    >>> display = SegmentSearchDisplay.from_search(search.fit(visits))
    >>> display.frame()[["estimator", "n_segments", "silhouette", "selected"]].round(2)
             estimator  n_segments  silhouette  selected
    0  kmeanssegmenter           2        0.85      True
    1  kmeanssegmenter           3        0.63     False
    """

    results: pd.DataFrame
    min_segment_share: float | None = None
    criterion: str = "silhouette"

    @classmethod
    def from_search(cls, search):
        """Make the display of a fitted search.

        Parameters
        ----------
        search : SegmentSearch, or Pipeline that ends in one
            Fitted.

        Returns
        -------
        display : SegmentSearchDisplay

        Raises
        ------
        NotFittedError
            If the search is not fitted.
        """
        search = last_step(search)
        check_is_fitted(search, "results_")
        by_rule = getattr(search, "rule", None) == "stable"
        criterion = getattr(search, "criterion", "silhouette")
        return cls(
            results=search.results_.reset_index(drop=True),
            min_segment_share=getattr(search, "min_segment_share", None),
            criterion="stability" if by_rule else criterion,
        )

    def plot(self, ax=None, *, criterion=None):
        """Draw one line an estimator.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        criterion : {"silhouette", "stability", "calinski_harabasz", \
"davies_bouldin", "gap", "bic", "icl"}, default=None
            What to draw; None draws what the search chose by.

        Returns
        -------
        self : SegmentSearchDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such criterion, or it was not worked out.
        """
        criterion = self.criterion if criterion is None else criterion
        self._check(criterion)
        ax = self._start(ax, (8.5, 4.2))
        results = self.results.sort_values("n_segments", kind="stable")
        spread = _spread(results, criterion)
        handles = [
            self._line(position, name, results["estimator"] == name, results, spread)
            for position, name in enumerate(self.results["estimator"].unique())
        ]
        handles += self._marks(results, criterion) + spread.handles(results)
        draw.legend(ax, handles)
        ax.set_xticks(np.unique(results["n_segments"]))
        better = "larger" if CRITERIA[criterion] else "smaller"
        ax.set(
            xlabel="number of segments",
            ylabel=f"{_WORDS[criterion][0]} ({better} is better)",
        )
        draw.tidy(ax, "y")
        return self

    def _check(self, criterion):
        known = [
            name
            for name in CRITERIA
            if name in self.results and self.results[name].notna().any()
        ]
        remedy = "Leave it out for what the search chose by."
        draw.one_of("criterion", criterion, CRITERIA, remedy)
        # A search whose candidates all failed still has its crosses.
        if known and criterion not in known:
            raise ValueError(
                "criterion must be one that the search worked out: "
                f"{', '.join(map(repr, known))}. Got {criterion!r} instead. Search "
                "with it as criterion, or with n_bootstraps= or n_references=."
            )

    def _line(self, position, name, rows, results, spread):
        """Draw one estimator; return its entry in the legend."""
        criterion, ax = spread.criterion, self.ax_
        style = draw.style_of(position)
        known = results[rows & results[criterion].notna()]
        x, y = known["n_segments"], known[criterion]
        ax.plot(x, y, color=style["color"], zorder=2)
        spread.draw(ax, known, style["color"])
        for eligible, face in ((True, style["color"]), (False, "white")):
            part = known["eligible"] == eligible
            draw.points(ax, x[part], y[part], markerfacecolor=face, **style)
        label = draw.wrapped(name, 28, 3)
        if len(known) == 0 and results[criterion].notna().any():
            return draw.handle(f"{label}: no {_SHORT[criterion]}", color=style["color"])
        return draw.handle(label, linestyle="-", **style)

    def _marks(self, results, criterion):
        """Mark failed and chosen candidates; return what the legend says of marks."""
        handles = []
        scored = results[criterion].notna()
        barred = results[scored & ~results["eligible"]]
        if len(barred):
            hollow = {"color": "0.3", "marker": "o", "markerfacecolor": "white"}
            words = f"not to be chosen:\n{self._why_barred(barred)}"
            handles.append(draw.handle(words, **hollow))
        handles += self._crosses(results[~scored], results, criterion)
        chosen = results[results["selected"] & scored]
        if len(chosen):
            ring = {"color": "black", "marker": "o", "markerfacecolor": "none"}
            place = chosen["n_segments"], chosen[criterion]
            draw.points(self.ax_, *place, markersize=14, zorder=4, **ring)
            by = "" if criterion == self.criterion else f" by {_SHORT[self.criterion]}"
            handles.append(draw.handle(f"chosen{by}", markersize=10, **ring))
        return handles

    def _why_barred(self, barred):
        limit = self.min_segment_share
        if limit is None:
            return "smallest segment too small"
        if "smallest_share" in barred and (barred["smallest_share"] >= limit).any():
            return "small segment or other reason"
        return f"smallest segment under {100 * limit:g} %"

    def _crosses(self, missing, results, criterion):
        """Mark numbers without the criterion, where the estimator may have one."""
        failed = _failed(missing)
        scored = results.groupby("estimator")[criterion].transform("count") > 0
        missing = missing[failed | scored[missing.index]]
        if len(missing) == 0:
            return []
        marks, ground = {"color": "0.3", "marker": "x"}, self.ax_.get_xaxis_transform()
        numbers = np.unique(missing["n_segments"])
        place = numbers, np.full(len(numbers), 0.02)
        draw.points(self.ax_, *place, transform=ground, zorder=2, **marks)
        label = f"no {_SHORT[criterion]}"
        if failed[missing.index].all():
            label = f"failed: {label}"
        return [draw.handle(label, **marks)]


class _Spread:
    """How far a criterion may be off: columns of lower and upper ends, and words."""

    def __init__(self, criterion, low=None, high=None, words="", *, as_bars=False):
        self.criterion, self.words, self.as_bars = criterion, words, as_bars
        self.low, self.high = low, high

    def draw(self, ax, rows, shade):
        """Draw the spread of one estimator as a band, or as bars."""
        if self.low is None:
            return
        low, high = self.low[rows.index], self.high[rows.index]
        x, y = rows["n_segments"], rows[self.criterion]
        if not self.as_bars:
            ax.fill_between(x, low, high, color=shade, alpha=0.18, linewidth=0)
        elif (high > low).any():
            wide = high > low
            ax.errorbar(
                x[wide],
                y[wide],
                yerr=(y - low)[wide],
                fmt="none",
                ecolor=shade,
                capsize=3,
            )

    def handles(self, results):
        """Return what the legend says of the spread, if any is seen."""
        if self.low is None or not (self.high > self.low).any():
            return []
        if self.as_bars:
            return [draw.handle(self.words, color="0.3", marker="|", markersize=10)]
        from matplotlib.patches import Patch

        return [Patch(facecolor="0.3", alpha=0.25, label=self.words)]


def _spread(results, criterion):
    """Find the best known spread of a criterion among the columns of the results."""
    values = results[criterion]
    if criterion == "stability" and "stability_q75" in results:
        quartiles = results["stability_q25"], results["stability_q75"]
        return _Spread(criterion, *quartiles, "lower to upper quartile of refits")
    for column, words in _STD_ERRORS.get(criterion, ()):
        if column in results and results[column].notna().any():
            error = results[column]
            ends = values - error, values + error
            as_bars = column == "silhouette_se"
            return _Spread(criterion, *ends, words, as_bars=as_bars)
    return _Spread(criterion)


def _failed(rows):
    """Whether candidates failed; without their sizes, all that have no criterion."""
    if "sizes" not in rows:
        return rows["reason"].notna()
    return rows["sizes"].map(len) == 0
