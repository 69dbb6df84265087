"""The cells that rules make of a table: exact checks, and a look-up for customers.

Each column that rules mention is cut into cells on which no rule changes its mind: the
declared levels, the labels of bands, or the points and the open stretches between them.
A rule is a box of such cells, so holes and overlaps are found by counting.
"""

import re
from typing import Any, NamedTuple

import numpy as np

from custseg.columns import level_text
from custseg.scoring import locate

__all__ = [
    "Among",
    "Axis",
    "Span",
    "axis_of",
    "box_text",
    "holes",
    "overlaps",
    "owners",
]

_OTHER = None  # among text, and itself in copies and pickles
_COMPARISON = re.compile(
    r"\s*(<=|>=|<|>)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"
)
_MAX_CELLS = 2_000_000


class Span(NamedTuple):
    """An interval of numbers."""

    low: float = -np.inf
    high: float = np.inf
    low_closed: bool = True
    high_closed: bool = True

    def holds(self, values):
        """Tell which values lie in it."""
        above = values >= self.low if self.low_closed else values > self.low
        below = values <= self.high if self.high_closed else values < self.high
        return above & below

    def __str__(self):
        return _span_text("", *self)


class Among(NamedTuple):
    """A set of levels or numbers, each once and in order."""

    values: tuple

    def __str__(self):
        return _joined(self.values)


def as_span(condition):
    """Read text such as ">= 100 and < 500" as an interval; None if it is a level."""
    if isinstance(condition, Span):
        return condition
    if len(condition.values) != 1 or not isinstance(condition.values[0], str):
        return None
    span = Span()
    for part in condition.values[0].split(" and "):
        match = _COMPARISON.fullmatch(part)
        if match is None:
            return None
        sign, number = match[1], float(match[2])
        side, closed = ("low" if ">" in sign else "high"), "=" in sign
        span = span._replace(**{side: number, f"{side}_closed": closed})
    return span


class Axis(NamedTuple):
    """A column cut into cells.

    Attributes
    ----------
    column : str or int
        Name or position.
    kind : {"levels", "band", "text", "number"}
        What the cells are: declared numbers, labels of a band, text, or the stretches
        and points of a line.
    cells : tuple
        Levels or labels; the points of a "number", between which lie its other cells.
    """

    column: Any
    kind: str
    cells: tuple

    @property
    def n_cells(self):
        """Number of cells."""
        return 2 * len(self.cells) + 1 if self.kind == "number" else len(self.cells)

    def mask(self, condition, rule):
        """Tell which cells a condition holds in."""
        if self.kind == "number":
            return self._mask_of_line(condition)
        if isinstance(condition, Span):
            if self.kind != "levels" or any(isinstance(x, str) for x in self.cells):
                raise ValueError(
                    f"Rule {rule!r} must give levels of column {self.column!r}. Got "
                    f"an interval instead. There are {_joined(self.cells)}."
                )
            return condition.holds(np.array(self.cells, dtype=np.float64))
        unknown = [one for one in condition.values if one not in self.cells]
        if unknown:
            raise ValueError(
                f"Rule {rule!r} must give levels of column {self.column!r}. Got "
                f"{_joined(unknown)} instead. There are {_joined(self.cells)}."
            )
        return np.isin(
            np.arange(self.n_cells), [*map(self.cells.index, condition.values)]
        )

    def _mask_of_line(self, condition):
        place = {point: 2 * i + 1 for i, point in enumerate(self.cells)}
        cells = np.arange(self.n_cells)
        span = as_span(condition)
        if span is None:
            return np.isin(cells, [place[point] for point in condition.values])
        first = place.get(span.low, -1) + (not span.low_closed)
        last = place.get(span.high, self.n_cells) - (not span.high_closed)
        return (cells >= first) & (cells <= last)

    def locate(self, values):
        """Find the cell of each number; -1 for those that are no level."""
        points = np.array(self.cells, dtype=np.float64)
        return locate(points, values, is_line=self.kind == "number")

    def place_of(self, value):
        """Find the cell of one value, a label for a band."""
        if self.kind in ("number", "levels"):
            place = int(self.locate(np.array([value], dtype=np.float64))[0])
        else:
            place = self.level_place(level_text(value))
        if place < 0:
            raise ValueError(
                f"{self.column} must be one of {self.listed()}. Got {value!r} instead."
            )
        return place

    def level_place(self, level):
        """Find the cell of a level or label; -1 if there is none."""
        if level in self.cells:
            return self.cells.index(level)
        return self.cells.index(_OTHER) if _OTHER in self.cells else -1

    def listed(self):
        """Write the levels or labels."""
        return _joined(one for one in self.cells if one is not _OTHER)

    def text(self, mask):
        """Say which cells are marked, for messages."""
        if self.kind == "number":
            return self._text_of_line(mask)
        chosen = [one for one, marked in zip(self.cells, mask, strict=True) if marked]
        named = [one for one in chosen if one is not _OTHER]
        texts = [f"{self.column}={_joined(named)}"] if named else []
        return " or ".join(texts + [f"any other {self.column}"] * (_OTHER in chosen))

    def _text_of_line(self, mask):
        runs, edges = [], np.flatnonzero(np.diff(np.r_[0, mask.astype(int), 0]))
        for first, end in edges.reshape(-1, 2).tolist():
            low, high = (first - 1) // 2, (end - 1) // 2
            runs.append(
                _span_text(
                    self.column,
                    self.cells[low] if first else -np.inf,
                    self.cells[high] if end < self.n_cells else np.inf,
                    first % 2 == 1,
                    end % 2 == 0,
                )
            )
        return " or ".join(runs)


def _span_text(name, low, high, low_closed, high_closed):
    """Write an interval: `3<=r<5`."""
    if low == high:
        return f"{name}={low:g}" if name != "" else f"{low:g}"
    left = "" if low == -np.inf else f"{low:g}{'<=' if low_closed else '<'}"
    right = "" if high == np.inf else f"{'<=' if high_closed else '<'}{high:g}"
    if not left and not right:
        return f"any {name}".strip()
    if name == "":
        name = "x"
    return (
        f"{left}{name}{right}"
        if left and right
        else (
            f"{name}{right}" if right else f"{name}{'>=' if low_closed else '>'}{low:g}"
        )
    )


def _joined(values):
    """Write levels: `3`, `1..5`, `'a' or 'b'`."""
    values = list(values)
    whole = all(not isinstance(v, str) and float(v).is_integer() for v in values)
    if (
        whole
        and len(values) > 1
        and values == [values[0] + i for i in range(len(values))]
    ):
        return f"{values[0]:g}..{values[-1]:g}"
    return " or ".join(v if isinstance(v, str) else f"{v:g}" for v in values)


def axis_of(column, conditions, *, levels=None, labels=None):
    """Cut a column into the cells that conditions on it tell apart."""
    if labels is not None:
        return Axis(column, "band", labels)
    if levels is not None:
        return Axis(column, "text" if isinstance(levels[0], str) else "levels", levels)
    spans = [as_span(one) for one in conditions]
    values = [
        value
        for one, span in zip(conditions, spans, strict=True)
        for value in (one.values if span is None else (span.low, span.high))
    ]
    texts = [one for one in values if isinstance(one, str)]
    if not texts:
        points = sorted({float(one) for one in values if np.isfinite(one)})
        return Axis(column, "number", tuple(points))
    if len(texts) < len(values) or any(span is not None for span in spans):
        raise ValueError(
            f"Conditions on column {column!r} must be all on numbers or all on levels. "
            "Got both instead. Write comparisons as '>= 100 and < 500'."
        )
    return Axis(column, "text", (*dict.fromkeys(map(level_text, texts)), _OTHER))


# -- boxes of cells ----------------------------------------------------------------


def owners(axes, boxes, names):
    """Give each cell the first name whose box it lies in; -1 for none."""
    shape = tuple(axis.n_cells for axis in axes)
    n_cells = np.prod(shape, dtype=np.float64)
    if n_cells > _MAX_CELLS:
        raise ValueError(
            f"Rules must make at most {_MAX_CELLS:,} cells of their columns to be "
            f"checked one by one. Got {n_cells:.3g} instead. Use fewer columns or cuts."
        )
    owner = np.full(shape, -1, dtype=np.intp)
    for box, name in reversed(list(zip(boxes, names, strict=True))):
        owner[np.ix_(*map(np.flatnonzero, box))] = name
    return owner


def overlaps(boxes, names):
    """List where rules of two names hold: pairs of names, each with a box."""
    found = []
    for j, (later, name) in enumerate(zip(boxes, names, strict=True)):
        for earlier, other in zip(boxes[:j], names[:j], strict=True):
            common = [a & b for a, b in zip(earlier, later, strict=True)]
            if other != name and all(mask.any() for mask in common):
                found.append((other, name, common))
    return found


def holes(owner, limit):
    """Cover cells of no rule by at most `limit` boxes, each as wide as it can grow."""
    left = owner < 0
    found = []
    while left.any() and len(found) < limit:
        start = np.unravel_index(np.argmax(left), left.shape)
        box = [np.array([place]) for place in start]
        for axis in reversed(range(left.ndim)):
            whole = [*box]
            whole[axis] = np.arange(left.shape[axis])
            others = tuple(i for i in range(left.ndim) if i != axis)
            free = left[np.ix_(*whole)].all(axis=others)
            low = high = start[axis]
            while low > 0 and free[low - 1]:
                low -= 1
            while high + 1 < len(free) and free[high + 1]:
                high += 1
            box[axis] = np.arange(low, high + 1)
        left[np.ix_(*box)] = False
        found.append(
            [
                np.isin(np.arange(n), part)
                for n, part in zip(left.shape, box, strict=True)
            ]
        )
    return found


def box_text(axes, box):
    """Name a box of cells: `r=3, f=2, m=1..5`."""
    return ", ".join(axis.text(mask) for axis, mask in zip(axes, box, strict=True))
