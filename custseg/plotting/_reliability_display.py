"""Whether probabilities come true as often as they say, as a picture."""

import numpy as np
import pandas as pd

from custseg.plotting import _drawing as draw
from custseg.plotting._accuracy_display import checked_report

_FLOOR, _STRIP = -0.28, 0.16  # where bars stand, and the height of the highest
_STYLES = ((False, "uncalibrated"), (True, "calibrated"))


@draw.display
class ReliabilityDisplay(draw.Display):
    """Share of customers for whom a probability came true, by the probability.

    On the diagonal probabilities come true as often as they say; below it they are too
    sure. Lines upright are 95 % intervals of the shares. The bars below say how many
    customers were given such probabilities, by the model as it is.

    Use `from_report` to make one.

    Parameters
    ----------
    bins : DataFrame
        One row a bin: ``calibrated``, ``segment``, ``bin``, ``customers``, mean
        ``probability``, ``share`` in which it came true, and ``low`` and ``high``
        of that share's 95 % interval.
    errors : mapping of bool to float, default=None
        Expected calibration error to write beside each curve, by whether it is the
        calibrated one.
    title : str, default=""
        What the probabilities are of.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    See Also
    --------
    custseg.evaluation.assignment_report : Works the numbers out.

    References
    ----------
    DeGroot, M. H. and Fienberg, S. E. (1983). The comparison and evaluation of
    forecasters. The Statistician 32, 12-22. https://doi.org/10.2307/2987588

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import DiscriminantAssigner, KMeansSegmenter, SegmentationModel
    >>> from custseg.evaluation import assignment_report
    >>> from custseg.plotting import ReliabilityDisplay
    >>> noise = np.random.default_rng(0).normal(size=(200, 4))
    >>> model = SegmentationModel(
    ...     KMeansSegmenter(3, random_state=0),
    ...     DiscriminantAssigner(),
    ...     basis=[0, 1],
    ...     descriptors=[2, 3],
    ... ).fit(noise)
    >>> report = assignment_report(model, noise, refit=False, random_state=0)
    >>> display = ReliabilityDisplay.from_report(report)
    >>> int(display.frame()["customers"].sum())
    200
    """

    bins: pd.DataFrame
    errors: object = None
    title: str = ""

    @classmethod
    def from_report(cls, report, segment=None):
        """Make the display of a report.

        Parameters
        ----------
        report : AssignmentReport
            As `assignment_report` returns it.
        segment : int, default=None
            Segment whose probability is looked at, also where it is not assigned; None
            takes that of the segment assigned, whichever it is.

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        TypeError
            If it is no such report.
        ValueError
            If the report has no probabilities, or no such segment.
        """
        table = checked_report(report).reliability
        if not len(table):
            raise ValueError(
                "The report must have probabilities. Got one of a model without "
                "instead. Use an assigner that has predict_proba."
            )
        known = [k for k in np.unique(table["segment"]).tolist() if k >= 0]
        if segment is not None and segment not in known:
            raise ValueError(
                f"segment must be one of {', '.join(map(str, known))}. Got "
                f"{segment!r} instead. Leave it out for the segment assigned."
            )
        errors, title = None, "probability of the segment assigned"
        if segment is None:
            by_name = report.scores.set_index("probabilities")["calibration_error"]
            errors = {is_so: by_name.get(name) for is_so, name in _STYLES}
        else:
            title = f"probability of {report.segment_names[segment]}"
        bins = table[table["segment"] == (-1 if segment is None else segment)]
        return cls(bins=bins.reset_index(drop=True), errors=errors, title=title)

    def plot(self, ax=None):
        """Draw a curve, two of a calibrated model, and the counts below.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : ReliabilityDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._start(ax, (7.2, 5.2))
        line = {"color": "0.4", "linestyle": "--", "linewidth": 1}
        ax.plot([0, 1], [0, 1], zorder=1, **line)
        handles = [draw.handle("as often as they say", **line)]
        for position, (is_calibrated, name) in enumerate(_STYLES):
            curve = self.bins[self.bins["calibrated"].astype(bool) == is_calibrated]
            if len(curve):
                handles.append(self._curve(position, name, curve, is_calibrated))
                last = position, curve
        self._counts(*last)
        draw.legend(ax, handles)
        ax.axhline(0, color="0.6", linewidth=0.8)
        ax.set(
            xlim=(-0.02, 1.02),
            ylim=(_FLOOR, 1.03),
            yticks=np.arange(6) / 5,
            xlabel=draw.wrapped(self.title, 60, 2),
            ylabel="share in which it came true",
        )
        draw.tidy(ax, "y")
        return self

    def _curve(self, position, name, curve, is_calibrated):
        """Draw one curve; return its entry in the legend."""
        style = draw.style_of(position)
        x = curve["probability"]
        self.ax_.vlines(
            x, curve["low"], curve["high"], color=style["color"], linewidth=1.2
        )
        self.ax_.plot(x, curve["share"], linewidth=1.6, zorder=3, **style)
        error = (self.errors or {}).get(is_calibrated)
        if error is not None:
            name += f"\ncalibration error {error:.3f}"
        return draw.handle(name, linestyle="-", **style)

    def _counts(self, position, curve):
        """Draw bars of how many customers each bin has, by the model as it is."""
        height = _STRIP * curve["customers"] / curve["customers"].max()
        bars = {"color": draw.color(position), "alpha": 0.35, "width": 0.03}
        self.ax_.bar(curve["probability"], height, bottom=_FLOOR, **bars)
        for row, top in zip(curve.itertuples(), height, strict=True):
            place, text = (
                (row.probability, _FLOOR + top),
                draw.count_text(row.customers),
            )
            draw.note(self.ax_, place, text, (0, 2), ha="center", fontsize="x-small")
