"""Blocks of rows: what the stages' arithmetic runs on.

Almost everything in custseg is fitted from sums over blocks of customers: *statistics
of a block*, *add two*, *parameters from statistics*. A `Statistic` is the first two of
these, a `Source` has the blocks, in memory or in batches, and the threads that they
run on. This package has both, the statistics that several stages share, and in one
module the few inner loops that carry the cost.
"""

from custseg.engine._blocks import in_order as in_order
from custseg.engine._blocks import row_blocks as row_blocks
from custseg.engine._counts import VALUE_COUNTS as VALUE_COUNTS
from custseg.engine._counts import ValueCounts as ValueCounts
from custseg.engine._kernels import distance_sums as distance_sums
from custseg.engine._kernels import nearest_of_block as nearest_of_block
from custseg.engine._kernels import roughly_nearest_of_block as roughly_nearest_of_block
from custseg.engine._kernels import ward_bounds as ward_bounds
from custseg.engine._kernels import ward_neighbours as ward_neighbours
from custseg.engine._nearest import NEAREST_SUMS as NEAREST_SUMS
from custseg.engine._nearest import nearest_and_sums as nearest_and_sums
from custseg.engine._nearest import nearest_point as nearest_point
from custseg.engine._products import SEGMENT_PRODUCTS as SEGMENT_PRODUCTS
from custseg.engine._products import SQUARED_NORMS as SQUARED_NORMS
from custseg.engine._products import SegmentProducts as SegmentProducts
from custseg.engine._products import segment_products as segment_products
from custseg.engine._products import squared_norm_sums as squared_norm_sums
from custseg.engine._quantiles import QUANTILES as QUANTILES
from custseg.engine._quantiles import QuantileSketch as QuantileSketch
from custseg.engine._source import ArraySource as ArraySource
from custseg.engine._source import BatchSource as BatchSource
from custseg.engine._source import Source as Source
from custseg.engine._source import Statistic as Statistic
from custseg.engine._sums import SEGMENT_SUMS as SEGMENT_SUMS
from custseg.engine._sums import SegmentSums as SegmentSums
from custseg.engine._sums import segment_sums as segment_sums

__all__ = [name for name in dir() if not name.startswith("_")]
