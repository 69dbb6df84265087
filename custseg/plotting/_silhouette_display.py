"""Silhouettes of customers by segment, as a picture."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state

from custseg._utils._pipelines import at_last_step
from custseg.exceptions import DegenerateFitError
from custseg.plotting import _drawing as draw
from custseg.profile import checked_labels
from custseg.selection import checked, encoded, proportional_sizes, silhouettes_of

_MAX_POINTS = 3_000  # corners of all segments together: what a screen can show
_GAP = 0.02  # between two segments, as a share of the customers
_LABEL_HEIGHT = 0.45  # inches that three lines of small text need


def _space_and_labels(estimator, X):
    """Return the matrix that silhouettes are measured in, and labels by predict."""
    estimator, X = at_last_step(estimator, X)
    if hasattr(estimator, "segmenter_"):
        raise TypeError(
            "The estimator must be a segmenter. Got a model that owns one instead, "
            "whose assigner answers from other columns. Pass model.segmenter_ and the "
            "columns that it was given."
        )
    if not hasattr(estimator, "predict"):
        raise TypeError(
            "The estimator must have predict. Got "
            f"{type(estimator).__name__} instead. Use from_labels(X, labels), with "
            "labels_ for the customers of the fit."
        )
    labels = estimator.predict(X)
    # A search over Pipelines compares them in a space of its own.
    score_on = getattr(estimator, "score_on", None)
    if score_on is not None:
        X = clone(score_on).fit_transform(X)
    return X, labels


def _drawn_rows(code, counts, sample_size, random_state):
    """Rows of the customers to measure: all with a segment, or a draw from each.

    Parameters
    ----------
    code : ndarray of shape (n_customers,)
        Segment of each customer from 0, -1 for none.
    counts : ndarray of shape (n_segments,)
        Customers in each segment.
    sample_size : int or None
    random_state : int, RandomState instance or None
    """
    valid = isinstance(sample_size, Integral) and not isinstance(sample_size, bool)
    if sample_size is not None and not (valid and sample_size >= len(counts)):
        raise ValueError(
            "sample_size must be None or an integer not below the number of segments, "
            f"{len(counts)}. Got {sample_size!r} instead. None measures all customers."
        )
    if sample_size is None or sample_size >= counts.sum():
        return np.flatnonzero(code >= 0)
    rng = check_random_state(random_state)
    drawn = [
        rng.choice(np.flatnonzero(code == segment), size, replace=False)
        for segment, size in enumerate(proportional_sizes(counts, sample_size))
    ]
    return np.sort(np.concatenate(drawn))


@draw.display
class SilhouetteDisplay(draw.Display):
    """Silhouettes of customers, sorted within their segments.

    A customer's silhouette is near 1 when its own segment is much nearer than the
    next one, 0 between two segments, and negative when another segment is nearer. The
    picture shows a blade for each segment: as high as the segment has customers, wide
    where they belong, left of zero where they might as well be elsewhere. Of many
    customers a draw is measured; the shares stay those of all.

    Use `from_estimator` or `from_labels` to make one.

    Parameters
    ----------
    silhouettes : ndarray of shape (n_customers,)
        Silhouette of each customer with a segment.
    labels : ndarray of shape (n_customers,)
        Segment of each of them.
    customers : ndarray of shape (n_customers,)
        Row of each of them in the table.
    sizes : dict of int to int, default=None
        Customers in each segment, where only a draw of them was measured; None counts
        the labels.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and
    validation of cluster analysis. Journal of Computational and Applied Mathematics
    20, 53-65. https://doi.org/10.1016/0377-0427(87)90125-7

    Examples
    --------
    >>> from custseg.plotting import SilhouetteDisplay
    >>> visits = [[1], [2], [9], [10], [11]]
    >>> display = SilhouetteDisplay.from_labels(visits, [1, 1, 0, 0, 0])
    >>> display.frame().round(2)
       customer  segment  silhouette
    0         0        1        0.89
    1         1        1        0.88
    2         2        0        0.80
    3         3        0        0.88
    4         4        0        0.84
    """

    silhouettes: np.ndarray
    labels: np.ndarray
    customers: np.ndarray
    sizes: dict | None = None

    @classmethod
    def from_estimator(
        cls, estimator, X, *, metric="euclidean", sample_size=5000, random_state=0
    ):
        """Measure the silhouettes of customers in the segments an estimator gives them.

        Parameters
        ----------
        estimator : fitted segmenter, mixture, search, or Pipeline that ends in one
            Segments are those of `predict`. Silhouettes are measured in what the last
            step is given, or in the space of ``score_on`` where a search has one.
        X : array-like or frame of shape (n_customers, n_features)
            What the estimator takes.
        metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, \
default="euclidean"
            Distance between customers.
        sample_size : int, default=5000
            Where more customers than this have a segment, so many are drawn, from each
            segment its share and one at least, and compared with **all** customers:
            their silhouettes are exact. None measures all customers, in time that
            grows with the square of their number.
        random_state : int, RandomState instance or None, default=0
            Seed of the draw.

        Returns
        -------
        display : SilhouetteDisplay

        Raises
        ------
        TypeError
            If the estimator has no `predict`, or is a model around a segmenter.
        ValueError
            If `sample_size` is no integer, or below the number of segments.
        DegenerateFitError
            If customers are in fewer than two segments.
        """
        return cls.from_labels(
            *_space_and_labels(estimator, X),
            metric=metric,
            sample_size=sample_size,
            random_state=random_state,
        )

    @classmethod
    def from_labels(
        cls, X, labels, *, metric="euclidean", sample_size=5000, random_state=0
    ):
        """Measure the silhouettes of customers in given segments.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns on comparable scales, without missing values.
        labels : array-like of int of shape (n_customers,)
            Segment of each customer; those with -1 are left out.
        metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, \
default="euclidean"
            Distance between customers.
        sample_size : int, default=5000
            Where more customers than this have a segment, so many are drawn, from each
            segment its share and one at least, and compared with **all** customers:
            their silhouettes are exact. None measures all customers, in time that
            grows with the square of their number.
        random_state : int, RandomState instance or None, default=0
            Seed of the draw.

        Returns
        -------
        display : SilhouetteDisplay

        Raises
        ------
        SchemaError
            If there is not one label a customer, or labels are not integers.
        DataQualityError
            If labels are missing or below -1.
        ValueError
            If `sample_size` is no integer, or below the number of segments.
        DegenerateFitError
            If customers are in fewer than two segments.
        """
        X = checked(X, metric)
        labels = checked_labels(labels, len(X))
        labeling = encoded(labels, len(X))
        if labeling.problem():
            raise DegenerateFitError(labeling.problem())
        code, counts = labeling
        rows = _drawn_rows(code, counts, sample_size, random_state)
        segments = np.unique(labels[code >= 0]).tolist()
        return cls(
            silhouettes=silhouettes_of(X, [labeling], rows, metric=metric)[0],
            labels=labels[rows],
            customers=rows,
            sizes=dict(zip(segments, counts.tolist(), strict=True)),
        )

    def frame(self):
        """Return the silhouettes.

        Returns
        -------
        frame : DataFrame
            One row a customer with a segment, or a drawn one: ``customer`` (row in
            the table), ``segment`` and ``silhouette``.
        """
        return pd.DataFrame(
            {
                "customer": self.customers,
                "segment": self.labels,
                "silhouette": self.silhouettes,
            }
        )

    def plot(self, ax=None, *, names=None):
        """Draw one blade a segment, and the mean silhouette as a line.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        names : mapping of int to str, default=None
            Names of segments; ``segment 0`` and so on where not given.

        Returns
        -------
        self : SilhouetteDisplay
            With ``figure_`` and ``ax_``. However many customers there are, the blades
            have some thousand corners together.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        SchemaError
            If `names` is no mapping.
        """
        name_of = draw.namer(names)
        segments = np.unique(self.labels)
        ax = self._start(ax, (7.5, max(3.5, 1.2 + 0.6 * len(segments))))
        shares = self._shares(segments)
        heights = _slots(shares, _LABEL_HEIGHT / draw.inches(ax)[1])
        middles = np.cumsum(heights + _GAP) - _GAP - heights / 2
        for position, segment in enumerate(segments):
            values = np.sort(self.silhouettes[self.labels == segment])[::-1]
            middle, share = middles[position], shares[position]
            self._blade(values, middle, share, position)
            name = draw.wrapped(name_of(segment), 26, 2)
            text = f"{name}\n{draw.percent(share)}, mean {values.mean():.2f}"
            aside = {"transform": ax.get_yaxis_transform(), "ha": "right"}
            draw.write(ax, -0.02, middle, text, **aside)
        self._mean_line(segments, shares)
        ax.set(
            xlim=(min(-0.05, 1.05 * self.silhouettes.min()), 1),
            ylim=(heights.sum() + _GAP * len(heights), -_GAP),
            yticks=[],
            xlabel="silhouette of each customer",
        )
        draw.tidy(ax, hidden=("top", "right", "left"))
        return self

    def _shares(self, segments):
        """Share of each segment among all customers with one, measured or not."""
        sizes = self.sizes
        if sizes is None:
            sizes = {one: np.sum(self.labels == one) for one in segments}
        sizes = np.array([sizes[segment] for segment in segments])
        return sizes / sizes.sum()

    def _mean_line(self, segments, shares):
        # Of a draw, each segment counts by its share among all customers.
        means = [self.silhouettes[self.labels == one].mean() for one in segments]
        mean = float(shares @ means)
        n_measured = len(self.labels)
        n_customers = sum(self.sizes.values()) if self.sizes else n_measured
        whom = f"all {n_customers:,} customers"
        if n_measured < n_customers:
            whom += f", from {n_measured:,} drawn"
        self.ax_.axvline(0, color="0.3", linewidth=0.8)
        line = self.ax_.axvline(mean, color="black", linestyle="--", linewidth=1.2)
        line.set_path_effects(draw.halo(3, alpha=0.7))
        self.ax_.legend(
            [line],
            [f"mean of {whom}: {mean:.3f}"],
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            frameon=False,
            fontsize="small",
        )

    def _blade(self, values, middle, share, position):
        """Draw the sorted silhouettes of one segment, by quantiles where many."""
        n_points = min(len(values), max(2, round(_MAX_POINTS * share)))
        places = np.linspace(0, len(values) - 1, n_points).round().astype(int)
        edges = middle + share * (np.linspace(0, 1, n_points + 1) - 0.5)
        widths = values[places]
        widths, shade = np.append(widths, widths[-1]), draw.color(position)
        style = {"facecolor": shade, "edgecolor": shade, "linewidth": 0.3}
        self.ax_.fill_betweenx(edges, widths, step="post", **style)


def _slots(shares, label):
    """Height that each segment gets: its share, or what its label needs if more.

    Parameters
    ----------
    shares : ndarray of shape (n_segments,)
    label : float
        Height of a label as a share of the height of the picture.
    """
    label = min(label, 0.9 / len(shares))
    heights = shares
    # A larger floor makes the whole higher, and the floor with it: nine tenths at
    # most of each step, so that the steps die out.
    for _ in range(100):
        heights = np.maximum(shares, label * (heights.sum() + _GAP * len(shares)))
    return heights
