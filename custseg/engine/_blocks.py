"""Rows in blocks on a pool of threads, with results in the order of the blocks."""

from collections import deque
from collections.abc import Sized
from concurrent.futures import ThreadPoolExecutor

from custseg._sklearn import blas_thread_count, one_blas_thread

_AHEAD = 2  # results that may wait to be asked for


def row_blocks(n_rows, rows_per_block):
    """Slices that cover `n_rows` rows in order.

    Where blocks begin does not depend on the number of threads, so neither do sums
    over them.
    """
    return [
        slice(start, min(start + rows_per_block, n_rows))
        for start in range(0, n_rows, rows_per_block)
    ]


def in_order(function, blocks, *, n_threads=None):
    """Yield ``function(block)`` for each block, in the order of the blocks.

    BLAS is held to one thread while blocks run beside each other. Whoever
    adds results up as they come adds them in one order, whatever the number of
    threads, and so gets the same bits.

    Parameters
    ----------
    function : callable
        Must not change what another block reads.
    blocks : iterable
        As they come, a few ahead of the results that were asked for.
    n_threads : int, default=None
        None for as many as BLAS may use when the call is made, so that the usual
        switches (``OMP_NUM_THREADS``, `threadpoolctl`) hold here too.
    """
    n_threads = n_threads or blas_thread_count()
    if isinstance(blocks, Sized):
        n_threads = min(n_threads, len(blocks))
    with one_blas_thread:
        if n_threads <= 1:
            yield from map(function, blocks)
            return
        pool = ThreadPoolExecutor(n_threads)
        try:
            running = deque()
            for block in blocks:
                if len(running) == n_threads + _AHEAD:
                    yield running.popleft().result()
                running.append(pool.submit(function, block))
            while running:
                yield running.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
