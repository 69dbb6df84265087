"""Silhouettes of all candidates of a search, as a picture."""

import numpy as np

from custseg._sklearn import check_is_fitted
from custseg._utils._pipelines import last_step
from custseg.plotting._figure import MARKERS, color, literal, new_axes


class SegmentSearchDisplay:
    """Silhouette of every candidate over the number of segments.

    One line an estimator. A full marker is a candidate that may be chosen, a hollow
    one has a segment that is too small, a cross at the bottom has no silhouette
    because it failed. A ring marks the candidate that was chosen.

    Use `from_search` to make one.

    Parameters
    ----------
    results : DataFrame
        ``results_`` of a search.
    min_segment_share : float, default=None
        Below it a segment is too small; for the words only.

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

    def __init__(self, *, results, min_segment_share=None):
        self.results = results
        self.min_segment_share = min_segment_share

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
        return cls(
            results=search.results_.reset_index(drop=True),
            min_segment_share=getattr(search, "min_segment_share", None),
        )

    def frame(self):
        """Return the numbers of every candidate.

        Returns
        -------
        frame : DataFrame
            A copy of the search's ``results_``, one row a candidate.
        """
        return self.results.copy()

    def plot(self, ax=None):
        """Draw one line an estimator.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : SegmentSearchDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if ax is None:
            _, ax = new_axes((8.5, 4.2))
        self.ax_, self.figure_ = ax, ax.figure
        results = self.results.sort_values("n_segments", kind="stable")
        handles = [
            self._line(position, name, results[results["estimator"] == name])
            for position, name in enumerate(self.results["estimator"].unique())
        ]
        handles += self._marks(results)
        # Only a layout engine makes room beside the axes.
        place = {"loc": "best", "framealpha": 0.6}
        if ax.figure.get_layout_engine() is not None:
            place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)}
        ax.legend(handles=handles, fontsize="small", **place)
        ax.set_xticks(np.unique(results["n_segments"]))
        ax.set(xlabel="number of segments", ylabel="mean silhouette")
        ax.grid(axis="y", color="0.9")
        ax.set_axisbelow(True)
        ax.spines[["top", "right"]].set_visible(False)
        return self

    def _line(self, position, name, rows):
        """Draw one estimator; return its entry in the legend."""
        style = {"color": color(position), "marker": MARKERS[position % len(MARKERS)]}
        known = rows[rows["silhouette"].notna()]
        self.ax_.plot(
            known["n_segments"], known["silhouette"], color=style["color"], zorder=2
        )
        sampled = known[known["silhouette_se"] > 0]
        if len(sampled):
            self.ax_.errorbar(
                sampled["n_segments"],
                sampled["silhouette"],
                yerr=sampled["silhouette_se"],
                fmt="none",
                ecolor=style["color"],
                capsize=3,
            )
        for eligible, face in ((True, style["color"]), (False, "white")):
            part = known[known["eligible"] == eligible]
            self.ax_.plot(
                part["n_segments"],
                part["silhouette"],
                linestyle="none",
                markerfacecolor=face,
                zorder=3,
                **style,
            )
        return _handle(literal(name), linestyle="-", **style)

    def _marks(self, results):
        """Mark failed and chosen candidates; return what the legend says of marks."""
        handles = []
        scored = results["silhouette"].notna()
        if (scored & ~results["eligible"]).any():
            limit = self.min_segment_share
            under = "too small" if limit is None else f"under {100 * limit:g} %"
            handles.append(
                _handle(
                    f"not to be chosen:\nsmallest segment {under}",
                    color="0.3",
                    marker="o",
                    markerfacecolor="white",
                )
            )
        failed = np.unique(results.loc[~scored, "n_segments"])
        if len(failed):
            marks = {"color": "0.3", "marker": "x", "linestyle": "none"}
            self.ax_.plot(
                failed,
                np.full(len(failed), 0.02),
                transform=self.ax_.get_xaxis_transform(),
                **marks,
            )
            handles.append(_handle("failed: no silhouette", **marks))
        chosen = results[results["selected"]]
        if len(chosen):
            ring = {
                "color": "black",
                "marker": "o",
                "markersize": 14,
                "markerfacecolor": "none",
                "linestyle": "none",
            }
            self.ax_.plot(chosen["n_segments"], chosen["silhouette"], **ring)
            handles.append(_handle("chosen", **{**ring, "markersize": 10}))
        if (results["silhouette_se"] > 0).any():
            bar = {"color": "0.3", "marker": "|", "markersize": 10}
            handles.append(_handle("one standard error up and down", **bar))
        return handles


def _handle(label, **style):
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **{"linestyle": "none", **style})
