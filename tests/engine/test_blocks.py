"""Blocks in order, whatever the threads do."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from custseg._sklearn import blas_thread_count, one_blas_thread
from custseg.engine import _source as source_module
from custseg.engine import in_order, nearest_and_sums, nearest_point, row_blocks


def test_blocks_cover_all_rows_once():
    covered = np.concatenate([np.arange(10)[block] for block in row_blocks(10, 3)])
    assert covered.tolist() == list(range(10))
    assert row_blocks(0, 3) == []


@pytest.mark.parametrize("n_threads", [1, 3])
def test_results_come_in_the_order_of_the_blocks(n_threads):
    def slow_first(block):
        time.sleep(0.02 if block == 0 else 0)
        return block

    assert list(in_order(slow_first, range(20), n_threads=n_threads)) == list(range(20))


def test_an_error_in_a_block_reaches_the_caller_and_ends_the_pool():
    def fails(block):
        raise RuntimeError(f"block {block}")

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="block 0"):
        list(in_order(fails, range(5), n_threads=2))
    assert threading.active_count() == before


def test_blas_has_one_thread_in_blocks_and_what_it_had_afterwards():
    def blas_threads(_):
        info = threadpool_info()
        return [x["num_threads"] for x in info if x["user_api"] == "blas"]

    before = blas_threads(0)
    within = list(in_order(blas_threads, range(4), n_threads=2))
    assert all(set(threads) <= {1} for threads in within)
    assert blas_threads(0) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_forked_beside_a_running_fit_neither_waits_nor_stays_slow():
    before = blas_thread_count()
    with one_blas_thread, one_blas_thread._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            free = blas_thread_count() == before
            with one_blas_thread:
                held = blas_thread_count() == 1
            os._exit(0 if free and held and blas_thread_count() == before else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_generator_dropped_half_way_lets_go():
    before = blas_thread_count()
    results = in_order(lambda block: block, range(9), n_threads=2)
    assert next(results) == 0
    results.close()
    assert blas_thread_count() == before
    assert one_blas_thread._holders == 0


def test_thread_count_follows_the_usual_switches():
    with threadpool_limits(1, user_api="blas"):
        assert blas_thread_count() == 1
        names = {None}
        list(in_order(lambda _: names.add(threading.get_ident()), range(9)))
    assert names == {None, threading.get_ident()}


def test_nearest_and_sums_have_the_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(source_module, "_ROWS", 64)
    rng = np.random.default_rng(1)
    X, points = rng.normal(size=(1000, 3)), rng.normal(size=(5, 3))
    weights = rng.uniform(size=1000)
    results = []
    for n_threads in (1, 2, 5):
        monkeypatch.setattr(
            source_module,
            "in_order",
            lambda f, blocks, n=n_threads, **given: in_order(f, blocks, n_threads=n),
        )
        results.append(nearest_and_sums(X, points, weights))
    for index, squared, sums in results:
        np.testing.assert_array_equal(index, nearest_point(X, points)[0])
        np.testing.assert_array_equal(squared, results[0][1])
        for ours, first in zip(sums, results[0][2], strict=True):
            np.testing.assert_array_equal(ours, first)
    np.testing.assert_allclose(
        results[0][2].means[2],
        np.average(X[results[0][0] == 2], axis=0, weights=weights[results[0][0] == 2]),
    )
