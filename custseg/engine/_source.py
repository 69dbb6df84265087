"""Where rows come from, and what is summed over them."""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add as _plus
from typing import NamedTuple

import numpy as np

from custseg.engine._blocks import in_order, row_blocks

_ROWS = 2**14  # of a block, unless a source is told otherwise


def nothing(**frozen):
    """Sum of no rows, for statistics that are numbers or arrays."""
    return 0.0


class Statistic(NamedTuple):
    """What is summed over blocks of rows: three functions of a module.

    They read nothing but what they are given, so that a statistic can be pickled and
    sent to where the rows are.

    Attributes
    ----------
    of_block : callable
        ``of_block(*rows, **frozen)`` sums a block: one array per array of the source,
        and settings that all blocks share.
    add : callable
        ``add(one, other)`` gives the sum of both blocks and changes neither.
    zero : callable
        ``zero(**frozen)`` is the sum of no rows: adding it changes nothing.
    """

    of_block: Callable
    add: Callable = _plus
    zero: Callable = nothing


class Source:
    """Rows in blocks. A subclass yields them by ``blocks()``, anew with each call."""

    def blocks(self):
        """Yield a tuple of arrays per block, rows of the same customers."""
        raise NotImplementedError

    def map(self, function, *, n_threads=None, **frozen):
        """Yield ``function(*rows, **frozen)`` of each block, in the order of the rows.

        Blocks run on as many threads as `in_order` gives them.
        """
        return in_order(
            lambda block: function(*block, **frozen),
            self.blocks(),
            n_threads=n_threads,
        )

    def total(self, statistic, *, n_threads=None, **frozen):
        """Sum a `Statistic` over all rows.

        Blocks are added in their order: the same bits on any number of threads. With
        other blocks, results differ by rounding.
        """
        parts = self.map(statistic.of_block, n_threads=n_threads, **frozen)
        first = next(parts, None)
        if first is None:
            return statistic.zero(**frozen)
        return reduce(statistic.add, parts, first)

    def joined(self, function, *, axis=0, **frozen):
        """Join the arrays that a function of rows gives, or each of a tuple of them."""
        parts = list(self.map(function, **frozen))
        if isinstance(parts[0], tuple):
            return tuple(np.concatenate(of_all) for of_all in zip(*parts, strict=True))
        return np.concatenate(parts, axis=axis)


class ArraySource(Source):
    """Rows of arrays in memory.

    Parameters
    ----------
    *arrays : ndarray or None
        All of as many rows; None stays None in all blocks.
    rows_per_block : int, default=None
        None for 16,384.
    axis : {0, -1}, default=0
        Which axis of all arrays the rows are on.
    """

    def __init__(self, *arrays, rows_per_block=None, axis=0):
        self.arrays, self.axis = arrays, axis
        self.rows_per_block = rows_per_block or _ROWS

    def blocks(self):
        """List a tuple of views of the arrays per block."""
        return list(_cut(self.arrays, self.rows_per_block, self.axis))


class BatchSource(Source):
    """Rows that come in batches, such as the parts of a file larger than memory.

    Parameters
    ----------
    batches : iterable or callable
        Of batches: arrays, or tuples of arrays (or None) that have as many rows. It is
        gone over once per pass, so a generator is given by the function that makes it.
    rows_per_block : int, default=None
        Larger batches are cut to blocks of so many rows; None for 16,384.
    axis : {0, -1}, default=0
        Which axis of all arrays the rows are on.

    Raises
    ------
    TypeError
        If `batches` can be gone over only once.
    """

    def __init__(self, batches, *, rows_per_block=None, axis=0):
        if isinstance(batches, Iterator):
            raise TypeError(
                "batches must be an iterable that can be gone over many times, or a "
                f"function that returns one. Got a {type(batches).__name__} instead. "
                "Give the function that makes it, not what it returns."
            )
        self.batches, self.axis = batches, axis
        self.rows_per_block = rows_per_block or _ROWS

    def blocks(self):
        """Yield a tuple of views per block, batch after batch."""
        for batch in self.batches() if callable(self.batches) else self.batches:
            arrays = batch if isinstance(batch, tuple) else (batch,)
            yield from _cut(arrays, self.rows_per_block, self.axis)


def _cut(arrays, rows_per_block, axis):
    n_rows = next(one for one in arrays if one is not None).shape[axis]
    # No rows are one block, of whose arrays the columns are known.
    for rows in row_blocks(n_rows, rows_per_block) or [slice(0, 0)]:
        place = rows if axis == 0 else (..., rows)
        yield tuple(None if one is None else one[place] for one in arrays)
