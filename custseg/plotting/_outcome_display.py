"""What segments did afterwards, as a picture."""

import textwrap

import pandas as pd

from custseg.plotting import _drawing as draw

_NAME_WIDTH = 26


@draw.display
class OutcomeDisplay(draw.Display):
    """Mean outcome of each segment with its interval, beside the mean of all.

    A point is a segment's mean outcome, its line the 95 % interval; the number beside
    it says how many customers it is of. The dotted line is the mean of all customers.
    The title has the verdict.

    Use `from_validation` to make one.

    Parameters
    ----------
    segments : DataFrame
        One row a segment: ``segment``, ``segment_name``, ``customers``, ``share``,
        ``mean``, ``low``, ``high``, ``share_of_outcome`` and ``lift``.
    outcome : str
        Name of the outcome.
    kind : {"amount", "event"}
        What the outcome is.
    verdict : str
        What the figures say, for the title.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    See Also
    --------
    custseg.evaluation.outcome_report : Works the figures out.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter, OutcomeDisplay, SegmentationModel
    >>> from custseg.evaluation import outcome_report
    >>> rng = np.random.default_rng(0)
    >>> X = rng.poisson(np.repeat([3, 20], 100))[:, np.newaxis]
    >>> model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(X)
    >>> later = rng.gamma(2, np.repeat([10, 30], 100))
    >>> validation = outcome_report(model, X, later, random_state=0)
    >>> OutcomeDisplay.from_validation(validation).frame()["customers"].tolist()
    [101, 99]
    """

    segments: pd.DataFrame
    outcome: str
    kind: str
    verdict: str

    @classmethod
    def from_validation(cls, validation):
        """Make the display of a validation.

        Parameters
        ----------
        validation : OutcomeReport
            As `outcome_report` returns it.

        Returns
        -------
        display : OutcomeDisplay

        Raises
        ------
        TypeError
            If it is none.
        """
        wanted = "be what outcome_report returns"
        remedy = "Call outcome_report(model, X, outcome)."
        draw.checked_kind("validation", validation, ("of_segments",), wanted, remedy)
        return cls(
            segments=validation.segments(),
            outcome=validation.outcome,
            kind=validation.kind,
            verdict=validation.verdict,
        )

    def plot(self, ax=None):
        """Draw one point a segment, and the mean of all.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : OutcomeDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        rows = self.segments
        ax = self._start(ax, (8, 1.4 + 0.45 * len(rows)))
        for position, row in enumerate(rows.itertuples()):
            shade = "0.5" if row.segment == -1 else draw.color(row.segment)
            ax.hlines(position, row.low, row.high, color=shade, linewidth=2.5)
            ax.plot([row.mean], [position], marker="o", markersize=8, color=shade)
            style = {"va": "center", "color": "0.3"}
            draw.note(ax, (row.high, position), f"{row.customers:,}", (6, 0), **style)
        mean = (rows["mean"] * rows["customers"]).sum() / rows["customers"].sum()
        dotted = {"color": "0.3", "linestyle": ":", "linewidth": 1.2}
        ax.axvline(mean, zorder=1, **dotted)
        draw.legend(ax, [draw.handle("all customers", **dotted)])
        names = [draw.wrapped(name, _NAME_WIDTH, 2) for name in rows["segment_name"]]
        ax.set_yticks(range(len(rows)), names)
        ax.tick_params(axis="y", length=0)
        event = self.kind == "event"
        ax.set(
            ylim=(len(rows) - 0.5, -0.5),
            xlabel=f"{'share with' if event else 'mean of'} {self.outcome}",
        )
        draw.small_title(ax, draw.literal(textwrap.fill(self.verdict, 95)))
        ax.margins(x=0.1)
        draw.tidy(ax, "x", ("top", "right", "left"))
        return self
