"""How similar customers are to each segment, as a picture."""

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.utils import check_array

from custseg._sklearn import check_is_fitted
from custseg.plotting import _drawing as draw
from custseg.plotting._innermost import innermost, segments_of
from custseg.profile import checked_labels

_PANEL = 1.6  # inches a panel is high in a figure of its own, with its title
_MAX_COLUMNS = 4
_SIGN = 0.085  # width of a sign of a title in inches
_OTHERS = "0.8"
_EXPLAINED = "similarity to the segment (coloured: its own customers, grey: others)"


def _similarities(estimator, X):
    """Similarity of each customer to each segment, labels, and the segments."""
    check_is_fitted(estimator)
    labels = np.asarray(estimator.predict(X)) if hasattr(estimator, "predict") else None
    if labels is not None and hasattr(estimator, "predict_proba"):
        probabilities = np.asarray(estimator.predict_proba(X), dtype=np.float64)
        return probabilities, labels, segments_of(estimator, probabilities.shape[1])
    estimator, X = innermost(estimator, X)
    centers = getattr(estimator, "segment_centers_", None)
    if centers is None:
        centers = getattr(estimator, "cluster_centers_", None)
    if centers is None or labels is None:
        raise TypeError(
            "The estimator must have predict, and predict_proba or centres of its "
            f"segments. Got {type(estimator).__name__} instead. Use "
            "from_labels(X, labels), with labels_ for the customers of the fit."
        )
    similarities = _by_distance(check_array(X, dtype=np.float64), centers)
    return similarities, labels, np.arange(len(centers))


def _by_distance(X, centers):
    """Shares of ``exp(-d)`` over the Euclidean distances to all centres."""
    distances = cdist(X, centers)
    # The nearest has exponent 0: however far all are, the shares sum to one.
    weights = np.exp(distances.min(axis=1, keepdims=True) - distances)
    return weights / weights.sum(axis=1, keepdims=True)


@draw.display
class GorgeDisplay(draw.Display):
    """Similarity of customers to each segment, one histogram a segment.

    Similarities of a customer to all segments sum to one. Where segments are natural,
    customers are either very similar to a segment or not at all: the bars stand at
    both ends, with a gorge between them. Where a cloud was cut, many stand in the
    middle. Coloured is the part of the customers that the segment has, grey all others.

    Similarities are the probabilities of `predict_proba` where the estimator has it,
    which tend to be near 0 or 1 whatever the data; else ``exp(-d)`` of the Euclidean
    distances d to the centres of the segments, as shares of their sum. These depend on
    the scale of the columns: compare pictures of the same columns only.

    Use `from_estimator` or `from_labels` to make one.

    Parameters
    ----------
    bars : DataFrame
        One row a bar: ``segment``, ``low`` and ``high`` end of the similarity (the
        high end belongs to the next bar, 1 to the last), ``customers`` with such a
        similarity to the segment, and ``members``, those of them that it has.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.
    panels_ : list of matplotlib.axes.Axes
        One a segment, within ``ax_``, after `plot`.

    References
    ----------
    Dolnicar, S., Gruen, B. and Leisch, F. (2018). Market Segmentation Analysis.
    Springer. https://doi.org/10.1007/978-981-10-8818-6

    Examples
    --------
    >>> from custseg import KMeansSegmenter
    >>> from custseg.plotting import GorgeDisplay
    >>> visits = [[1], [2], [9], [10], [11]]
    >>> segmenter = KMeansSegmenter(2, random_state=0).fit(visits)
    >>> GorgeDisplay.from_estimator(segmenter, visits, n_bins=2).frame()
       segment  low  high  customers  members
    0        0  0.0   0.5          2        0
    1        0  0.5   1.0          3        3
    2        1  0.0   0.5          3        0
    3        1  0.5   1.0          2        2
    """

    bars: pd.DataFrame

    @classmethod
    def from_estimator(cls, estimator, X, *, n_bins=20):
        """Measure how similar customers are to the segments of an estimator.

        Parameters
        ----------
        estimator : fitted segmenter, mixture, search, model, or Pipeline of one
            With `predict`, and `predict_proba` or centres of its segments. Distances
            to centres are measured in what the last step is given.
        X : array-like or frame of shape (n_customers, n_features)
            What the estimator takes.
        n_bins : int, default=20
            Bars from 0 to 1.

        Returns
        -------
        display : GorgeDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If the estimator has neither probabilities nor centres.
        ValueError
            If `n_bins` is not an integer of two or more.
        """
        n_bins = _checked_bins(n_bins)
        return cls(bars=_bars(*_similarities(estimator, X), n_bins))

    @classmethod
    def from_labels(cls, X, labels, *, n_bins=20):
        """Measure how similar customers are to given segments, by their means.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns on comparable scales, without missing values.
        labels : array-like of int of shape (n_customers,)
            Segment of each customer; those with -1 are members of none.
        n_bins : int, default=20
            Bars from 0 to 1.

        Returns
        -------
        display : GorgeDisplay

        Raises
        ------
        SchemaError
            If there is not one label a customer, or labels are not integers.
        DataQualityError
            If labels are missing or below -1.
        ValueError
            If `n_bins` is not an integer of two or more, or no customer has a segment.
        """
        n_bins = _checked_bins(n_bins)
        X = check_array(X, dtype=np.float64)
        labels = checked_labels(labels, len(X))
        segments = np.unique(labels[labels >= 0])
        if len(segments) == 0:
            raise ValueError(
                "labels must have one segment or more. Got -1 for all customers "
                "instead. -1 is a customer without a segment."
            )
        centers = np.array([X[labels == one].mean(axis=0) for one in segments])
        return cls(bars=_bars(_by_distance(X, centers), labels, segments, n_bins))

    def plot(self, ax=None, *, names=None):
        """Draw one histogram a segment.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw, all panels within; None makes a figure.
        names : mapping of int to str, default=None
            Names of segments; ``segment 0`` and so on where not given.

        Returns
        -------
        self : GorgeDisplay
            With ``figure_``, ``ax_`` and ``panels_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        SchemaError
            If `names` is no mapping.
        """
        name_of, segments = draw.namer(names), self.bars["segment"].unique()
        n_rows = -(-len(segments) // _MAX_COLUMNS)
        n_columns = -(-len(segments) // n_rows)
        ax = self._start(ax, (8.5, max(2.8, 0.6 + _PANEL * n_rows)))
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.set_xlabel(_EXPLAINED, labelpad=18)
        ax.set_ylabel("customers (%)", labelpad=26)
        size = draw.inches(ax)
        boxes = _grid(n_rows, n_columns, size)
        width = max(8, int(boxes[0][2] * size[0] / _SIGN) - len(", 10 %"))
        self.panels_ = [ax.inset_axes(box) for box in boxes[: len(segments)]]
        for position, (segment, panel) in enumerate(
            zip(segments, self.panels_, strict=True)
        ):
            share = self._draw(panel, segment, position)
            name = draw.wrapped(name_of(segment), width, 2)
            panel.set_title(f"{name}, {share}", fontsize="small")
            panel.tick_params(
                labelsize="small",
                labelleft=position % n_columns == 0,
                labelbottom=position + n_columns >= len(segments),
            )
        return self

    def _draw(self, panel, segment, position):
        """Draw one histogram; return the share of customers that are members."""
        bars = self.bars[self.bars["segment"] == segment]
        n_customers = bars["customers"].sum()
        place = {"x": bars["low"], "width": bars["high"] - bars["low"], "align": "edge"}
        members, others = bars["members"], bars["customers"] - bars["members"]
        for height, bottom, shade in (
            (members, 0, draw.color(position)),
            (others, members, _OTHERS),
        ):
            ends = {"height": 100 * height / n_customers}
            ends["bottom"] = 100 * bottom / n_customers
            style = {"color": shade, "edgecolor": "white", "linewidth": 0.4}
            panel.bar(**ends, **place, **style)
        panel.set(
            xlim=(0, 1),
            ylim=(0, 105 * self.bars["customers"].max() / n_customers),
            xticks=(0, 0.5, 1),
        )
        panel.set_xticklabels(("0", ".5", "1"))
        draw.tidy(panel)
        return draw.percent(members.sum() / n_customers)


def _bars(similarities, labels, segments, n_bins):
    """Count customers and members by their similarity to each segment."""
    edges = np.linspace(0, 1, n_bins + 1)
    frames = []
    for segment, similarity in zip(segments, similarities.T, strict=True):
        similarity = np.clip(similarity, 0, 1)  # a sum of one may round to more
        own = similarity[labels == segment]
        bars = {"segment": segment, "low": edges[:-1], "high": edges[1:]}
        bars["customers"] = np.histogram(similarity, edges)[0]
        bars["members"] = np.histogram(own, edges)[0]
        frames.append(pd.DataFrame(bars))
    return pd.concat(frames, ignore_index=True)


def _checked_bins(n_bins):
    return draw.checked_whole("n_bins", n_bins, 2, default=20)


def _grid(n_rows, n_columns, size):
    """Left, bottom, width and height of panels, by rows from the top, as shares."""
    aside, between = 0.18 / size[0], 0.45 / size[1]
    width = (1 - aside * (n_columns - 1)) / n_columns
    height = (1 - between * (n_rows - 1)) / n_rows
    return [
        (column * (width + aside), row * (height + between), width, height)
        for row in reversed(range(n_rows))
        for column in range(n_columns)
    ]
