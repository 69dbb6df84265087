"""How well each segment of one solution comes back, as a picture."""

import numpy as np
import pandas as pd

from custseg.plotting import _drawing as draw
from custseg.plotting._boxes import box_numbers, draw_boxes
from custseg.plotting._stability_display import checked_stability, chosen_estimator

# Hennig's words for the mean Jaccard index of clusterboot, where the band begins.
_BANDS = (
    (0.0, "dissolved"),
    (0.5, "not to be trusted"),
    (0.6, "a pattern, members in doubt"),
    (0.75, "stable"),
    (0.85, "highly stable"),
)
_SCHEMES = {
    "bootstrap": "resamples with replacement",
    "subset": "subsets of the customers",
    "noise": "customers replaced by noise",
    "jitter": "all values jittered",
    "bootstrap_jitter": "jittered resamples",
    "within": "refits carried to all customers",
}
_EXPLAINED = (
    "segment and share of customers   (diamond: mean; heavy edge: lower quartile)"
)
_ROOM = 1.75  # inches for the words at the right
_SIGN = 0.08  # width of a sign in inches


@draw.display
class SegmentStabilityDisplay(draw.Display):
    """Jaccard index of each segment with what comes back of it, one box a segment.

    For each resample the segment is compared with the most similar segment of the
    refit: 1 means the same customers, 0 that none comes back. The line within a box is
    the median, its heavy lower edge the lower quartile, the diamond the mean, and
    whiskers reach from the fifth to the ninety-fifth percentile. Below each box stands
    the share of customers.

    Dashed lines part the bands of mean Jaccard indices that users of `clusterboot`
    go by, with its words. They are rules of thumb for comparisons on the customers of
    the resample, and not drawn for scheme "within". Stable does not mean valid: a cut
    through the middle of a cloud may come back each time.

    Use `from_stability` to make one.

    Parameters
    ----------
    boxes : DataFrame
        One row a segment: ``segment``, ``customers`` and their ``share``,
        ``n_resamples``, ends of the whiskers ``low`` and ``high``, ``q25``,
        ``median``, ``q75``, ``mean``, and the shares of resamples in which the
        segment was ``dissolved`` (Jaccard index up to .5) or ``recovered`` (from
        .75).
    title : str, default=""
        Title of the picture.
    scheme : str, default="bootstrap"
        How customers were resampled.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    References
    ----------
    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational
    Statistics & Data Analysis 52, 258-271. https://doi.org/10.1016/j.csda.2006.11.025

    Dolnicar, S. and Leisch, F. (2017). Using segment level stability to select target
    segments in data-driven market segmentation studies. Marketing Letters 28, 423-436.
    https://doi.org/10.1007/s11002-017-9423-8

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter
    >>> from custseg.plotting import SegmentStabilityDisplay
    >>> from custseg.selection import bootstrap_stability
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(m, 1, (30, 2)) for m in (0, 9, 18)])
    >>> result = bootstrap_stability(
    ...     KMeansSegmenter(3), X, n_bootstraps=10, n_null=0, random_state=0
    ... )
    >>> display = SegmentStabilityDisplay.from_stability(result)
    >>> display.frame()[["segment", "customers", "share", "mean"]].round(2)
       segment  customers  share  mean
    0        0         30   0.33   1.0
    1        1         30   0.33   1.0
    2        2         30   0.33   1.0
    """

    boxes: pd.DataFrame
    title: str = ""
    scheme: str = "bootstrap"

    @classmethod
    def from_stability(
        cls, result, estimator=None, n_segments=None, scheme="bootstrap"
    ):
        """Make the display of one solution of a result.

        Parameters
        ----------
        result : StabilityResult
            As `bootstrap_stability` and `SegmentSearch.stability` return it.
        estimator : str, default=None
            Name of the estimator; None takes the selected one.
        n_segments : int, default=None
            Number of segments of the solution; None takes the selected one.
        scheme : {"bootstrap", "subset", "noise", "jitter", "bootstrap_jitter", \
"within"}, default="bootstrap"
            How customers were resampled; "within" is segment-level stability within a
            solution, with refits carried to all customers.

        Returns
        -------
        display : SegmentStabilityDisplay

        Raises
        ------
        TypeError
            If it is no such result.
        ValueError
            If the result has no such estimator, solution or scheme.
        """
        checked_stability(result)
        estimator = chosen_estimator(result, estimator)
        number = n_segments
        if n_segments is None and result.selected:
            number = result.selected[1]
        sizes = _one_solution(result.sizes, estimator, number)
        jaccard = _one_solution(result.jaccard, estimator, number)
        _check_scheme(jaccard, scheme)
        jaccard = jaccard.loc[jaccard["scheme"] == scheme].set_index("segment")
        rows = []
        for row in sizes.sort_values("segment").itertuples():
            values = jaccard.loc[jaccard.index == row.segment, "jaccard"].dropna()
            n_known = len(values) or np.nan
            rows.append(
                {
                    "segment": row.segment,
                    "customers": row.customers,
                    "share": row.customers / sizes["customers"].sum(),
                    "n_resamples": len(values),
                    **box_numbers(values),
                    "mean": values.mean(),
                    "dissolved": (values <= 0.5).sum() / n_known,
                    "recovered": (values >= 0.75).sum() / n_known,
                }
            )
        title = f"{estimator}, {number} segments: {_SCHEMES.get(scheme, scheme)}"
        return cls(boxes=pd.DataFrame(rows), title=title, scheme=scheme)

    def plot(self, ax=None, *, names=None):
        """Draw one box a segment, and the bands with their words.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        names : mapping of int to str, default=None
            Names of segments; their numbers where not given.

        Returns
        -------
        self : SegmentStabilityDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        SchemaError
            If `names` is no mapping.
        """
        names, n_segments = draw.checked_names(names), len(self.boxes)
        ax = self._start(ax, (8.5, 4.5))
        width = draw.inches(ax)[0]
        room = 0.2 if self.scheme == "within" else min(_ROOM, 0.4 * width)
        cell = (width - room) / n_segments
        for position in range(n_segments):
            draw_boxes(
                ax,
                self.boxes.iloc[position : position + 1],
                [position],
                min(0.5, 0.9 / cell),
                face=draw.pale(position),
                edge=draw.color(position),
            )
        mean = {"marker": "D", "color": "white", "markeredgecolor": "black"}
        draw.points(ax, range(n_segments), self.boxes["mean"], zorder=5, **mean)
        if self.scheme != "within":
            self._bands(n_segments - 0.5 + 0.1 / cell)
        self._headings(names, max(7, int(cell / _SIGN)))
        ax.set(
            xlim=(-0.5, n_segments - 0.5 + room / cell),
            ylim=(-0.02, 1.03),
            ylabel="Jaccard index with what comes back",
        )
        draw.small_title(ax, draw.wrapped(self.title, 90, 2), pad=10)
        draw.tidy(ax)
        return self

    def _bands(self, x):
        ends = [begin for begin, _ in _BANDS[1:]] + [1.0]
        for (begin, words), end in zip(_BANDS, ends, strict=True):
            if begin:
                dashed = {"linestyle": (0, (5, 4)), "linewidth": 0.8, "zorder": 1}
                self.ax_.axhline(begin, color="0.5", **dashed)
            middle = (begin + end) / 2
            draw.write(self.ax_, x, middle, words, ha="left", zorder=5)
        self.ax_.set_yticks([0, 0.25, *ends])

    def _headings(self, names, width):
        own = [_name(segment, names) for segment in self.boxes["segment"]]
        headings = draw.headings(own, self.boxes["share"], width, 3)
        self.ax_.set_xticks(range(len(headings)), headings, fontsize="small")
        self.ax_.tick_params(axis="x", length=0)
        self.ax_.set_xlabel(_EXPLAINED, loc="left", fontsize="small")


def _name(segment, names):
    return names.get(segment, "none" if segment < 0 else segment)


def _one_solution(frame, estimator, n_segments):
    """Rows of one solution, or what numbers of segments there are."""
    of_estimator = frame[frame["estimator"] == estimator]
    rows = of_estimator[of_estimator["n_segments"] == n_segments]
    if len(rows) == 0:
        known = np.unique(of_estimator["n_segments"]).tolist()
        raise ValueError(
            f"n_segments must be one of {', '.join(map(str, known))} for "
            f"{estimator!r}. Got {n_segments!r} instead. Leave it out for the "
            "selected one."
        )
    return rows


def _check_scheme(jaccard, scheme):
    known = jaccard["scheme"].unique().tolist()
    remedy = "Ask for more schemes when the stability is worked out."
    draw.one_of("scheme", scheme, known, remedy)
