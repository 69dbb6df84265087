"""Blocks of rows: what the stages' arithmetic runs on.

Almost everything in custseg is fitted from sums over blocks of customers: *statistics
of a block*, *add two*, *parameters from statistics*. A `Statistic` is the first two of
these, a `Source` has the blocks, in memory or in batches, and the threads that they
run on. This package has both, the statistics that several stages share, and in one
module the few inner loops that carry the cost.
"""

from custseg.engine._blocks import in_order, row_blocks
from custseg.engine._counts import VALUE_COUNTS, ValueCounts
from custseg.engine._kernels import (
    distance_sums,
    nearest_of_block,
    roughly_nearest_of_block,
    ward_bounds,
    ward_neighbours,
)
from custseg.engine._nearest import NEAREST_SUMS, nearest_and_sums, nearest_point
from custseg.engine._products import (
    SEGMENT_PRODUCTS,
    SQUARED_NORMS,
    SegmentProducts,
    segment_products,
    squared_norm_sums,
)
from custseg.engine._quantiles import QUANTILES, QuantileSketch
from custseg.engine._source import ArraySource, BatchSource, Source, Statistic
from custseg.engine._sums import SEGMENT_SUMS, SegmentSums, segment_sums

__all__ = [name for name in dir() if not name.startswith("_")]
