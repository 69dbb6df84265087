"""How well few questions tell segments, as a curve."""

import pandas as pd

from custseg.plotting import _drawing as draw


@draw.display
class TypingCurveDisplay(draw.Display):
    """Accuracy of a typing tool by the number of its questions.

    The line with its band of two standard errors is the share of customers without
    part in the choice who get their segment; the broken line is the accuracy that the
    choice went by, which flatters; the dotted one is the share of the largest segment.
    A filled point is the number of questions chosen.

    Use `from_tool` to make one.

    Parameters
    ----------
    curve : DataFrame
        ``curve_`` of a `TypingTool`.
    largest_share : float
        Share of the largest segment.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        After `plot`.
    ax_ : matplotlib.axes.Axes
        After `plot`.

    See Also
    --------
    custseg.typing_tool.TypingTool : Chooses the questions.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import TypingCurveDisplay, TypingTool
    >>> rng = np.random.default_rng(0)
    >>> segments = rng.integers(0, 3, 300)
    >>> answers = rng.normal(size=(300, 6)) + np.eye(3, 6)[segments] * 2
    >>> tool = TypingTool(max_questions=4).fit(answers, segments)
    >>> TypingCurveDisplay.from_tool(tool).frame()["n_questions"].tolist()
    [1, 2, 3, 4]
    """

    curve: pd.DataFrame
    largest_share: float

    @classmethod
    def from_tool(cls, tool):
        """Make the display of a fitted tool.

        Parameters
        ----------
        tool : TypingTool
            Fitted.

        Returns
        -------
        display : TypingCurveDisplay

        Raises
        ------
        TypeError
            If it is no fitted typing tool.
        """
        wanted = "be a fitted TypingTool"
        draw.checked_kind("tool", tool, ("curve_",), wanted, "Call fit first.")
        return cls(curve=tool.curve_, largest_share=tool.largest_share_)

    def frame(self):
        """Return the numbers that are drawn.

        Returns
        -------
        frame : DataFrame
            One row a number of questions, as ``curve_`` of the tool, with the ends of
            the band, ``low`` and ``high``.
        """
        frame = self.curve.copy()
        band = 2 * frame["accuracy_se"]
        frame["low"], frame["high"] = frame["accuracy"] - band, frame["accuracy"] + band
        return frame

    def plot(self, ax=None):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        self : TypingCurveDisplay
            With ``figure_`` and ``ax_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = self._start(ax, (7, 3.6))
        frame, blue = self.frame(), draw.color(0)
        n_questions = frame["n_questions"]
        dashed = {"color": "0.3", "linestyle": "--"}
        dotted = {"color": "0.3", "linestyle": ":"}
        band = {"color": draw.pale(0), "linewidth": 0}
        ax.fill_between(n_questions, frame["low"], frame["high"], **band)
        ax.plot(n_questions, frame["selected_accuracy"], **dashed)
        ax.plot(n_questions, frame["accuracy"], color=blue)
        for row in frame.itertuples():
            face = blue if row.chosen else "white"
            point = {"marker": "o", "color": blue, "markerfacecolor": face}
            ax.plot([row.n_questions], [row.accuracy], **point)
        ax.axhline(self.largest_share, zorder=1, **dotted)
        ax.set_xticks(n_questions)
        ax.set(ylim=(0, 1.02), xlabel="questions")
        ax.set_ylabel("customers who get their segment")
        asked = {"marker": "o", "color": blue, "linestyle": "-"}
        largest = f"largest segment, {draw.percent(self.largest_share)}"
        handles = [
            draw.handle("asked without part in the choice", **asked),
            draw.handle("what the choice went by", **dashed),
            draw.handle(largest, **dotted),
        ]
        draw.legend(ax, handles)
        draw.tidy(ax, "y")
        return self
