"""Scorers do not change, whoever asks, and whatever they are asked."""

import copy
import gc
import math
import multiprocessing
import pickle
import re
import weakref
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from custseg import (
    BehaviouralTransformer,
    DemographicTransformer,
    DiscriminantAssigner,
    KMeansSegmenter,
    SegmentationModel,
    compile_scorer,
)
from custseg.columns._core import as_level
from custseg.exceptions import DataQualityError, SchemaError
from custseg.scoring import Scorer


def clients(n=400):
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, n)
    return pd.DataFrame(
        {
            "orders": 1 + 5 * groups + rng.poisson(2, n),
            "spend": (1 + 4 * groups) * rng.gamma(5, 10, n),
            "city": rng.choice(["Lyon", "Nice", "Metz"], n),
        }
    )


@pytest.fixture(scope="module")
def model():
    return SegmentationModel(
        make_pipeline(BehaviouralTransformer(), KMeansSegmenter(3, random_state=0)),
        make_pipeline(DemographicTransformer(), DiscriminantAssigner("quadratic")),
        basis=["orders", "spend"],
        descriptors=["orders", "spend", "city"],
        reject_alpha=0.05,
        random_state=0,
    ).fit(clients())


@pytest.fixture(scope="module")
def scorer(model):
    return compile_scorer(model)


@pytest.fixture(scope="module")
def rows():
    return clients().to_dict("records")


CUSTOMER = {"orders": 4, "spend": 90.0, "city": "Nice"}


class TestNothingChanges:
    def test_fields_cannot_be_set(self, scorer):
        for name in ("columns", "segment_ids", "other"):
            with pytest.raises(AttributeError):
                setattr(scorer, name, ())

    def test_arrays_cannot_be_written_to(self, scorer):
        found = list(_arrays(scorer))
        assert len(found) > 10
        for array in found:
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0

    def test_what_is_asked_is_not_changed(self, scorer):
        row, table = dict(CUSTOMER), clients()
        before = table.copy()
        scorer.predict_one(row)
        scorer.predict_proba(table)
        assert row == CUSTOMER
        pd.testing.assert_frame_equal(table, before)
        X = table[["orders", "spend"]].to_numpy(float)
        kept = X.copy()
        segmenter = make_pipeline(BehaviouralTransformer(), KMeansSegmenter(2))
        compile_scorer(segmenter.fit(X)).predict(X)
        np.testing.assert_array_equal(X, kept)

    def test_answers_are_the_askers_own(self, scorer):
        first = scorer.predict_proba_one(CUSTOMER)
        kept = first.copy()
        first[:] = 9
        np.testing.assert_array_equal(scorer.predict_proba_one(CUSTOMER), kept)

    def test_model_is_not_held(self):
        model = KMeansSegmenter(2, random_state=0).fit(clients()[["orders", "spend"]])
        scorer = compile_scorer(model)
        held = weakref.ref(model)
        center = model.segment_centers_.copy()
        model.segment_centers_ += 1000.0
        row = dict(zip(scorer.columns, center[1], strict=True))
        assert scorer.predict_one(row) == 1
        del model
        gc.collect()
        assert held() is None


def _arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _arrays(one)
    elif hasattr(value, "__dict__"):
        yield from _arrays(tuple(vars(value).values()))


class TestManyAskers:
    def test_threads(self, rows):
        """8 threads with 10,000 customers each."""
        table = clients()[["orders", "spend"]]
        segmenter = KMeansSegmenter(3, random_state=0)
        model = make_pipeline(BehaviouralTransformer(), segmenter).fit(table)
        scorer, expected = compile_scorer(model), model.predict(table).tolist()

        def ask(start):
            order = [(start + 7 * i) % len(rows) for i in range(10_000)]
            return order, [scorer.predict_one(rows[i]) for i in order]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(8)))
        for order, labels in answers:
            assert labels == [expected[i] for i in order]

    @pytest.mark.skipif(
        "fork" not in multiprocessing.get_all_start_methods(),
        reason="the system has no fork",
    )
    @pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
    def test_after_a_fork(self, scorer, model):
        """The first answer of a child comes, though BLAS had threads in the parent."""
        table = clients()
        large = np.random.default_rng(0).random((600, 600))
        large @ large
        expected = scorer.predict(table).tolist()
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)

        def answer():
            sender.send((scorer.predict_one(CUSTOMER), scorer.predict(table).tolist()))

        child = context.Process(target=answer)
        child.start()
        try:
            assert receiver.poll(30), "no answer after a fork"
            alone, labels = receiver.recv()
        finally:
            child.terminate()
            child.join()
        assert labels == expected
        assert alone == scorer.predict_one(CUSTOMER)

    @pytest.mark.parametrize(
        "copied", [pickle.dumps, copy.deepcopy], ids=["pickle", "copy"]
    )
    def test_copies(self, scorer, copied):
        other = copied(scorer)
        if isinstance(other, bytes):
            assert len(other) < 50_000
            other = pickle.loads(other)
        table = clients()
        np.testing.assert_array_equal(other.predict(table), scorer.predict(table))
        np.testing.assert_array_equal(
            other.predict_proba(table), scorer.predict_proba(table)
        )
        assert all(not array.flags.writeable for array in _arrays(other))


class TestRefusals:
    def refused(self, kind, message, ask):
        with pytest.raises(kind, match=re.escape(message)):
            ask()

    def test_columns_that_are_not_there(self, scorer):
        row = {"orders": 3}
        message = "A customer must have all columns. Got no 'spend', 'city' instead."
        for ask in (scorer.predict_one, scorer.predict_proba_one, scorer.assign_one):
            self.refused(SchemaError, message, lambda ask=ask: ask(row))
        message = "The table must have all columns. Got no 'spend', 'city' among its 1"
        table = clients()[["orders"]]
        for ask in (scorer.predict, scorer.predict_proba):
            self.refused(SchemaError, message, lambda ask=ask: ask(table))
        message = "Each customer must have all columns. Got no 'city' in row 1 instead."
        rows = [CUSTOMER, {"orders": 3, "spend": 1.0}]
        self.refused(SchemaError, message, lambda: scorer.predict(rows))

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("12", "Got text instead"),
            ("", "Got text instead"),
            ([1], "Got a list instead"),
            (np.datetime64("2024-01-01"), "Got a date or duration instead"),
            (1 + 2j, "Got a complex instead"),
        ],
    )
    def test_values_that_are_no_numbers(self, scorer, value, said):
        message = f"Column 'spend' must hold numbers. {said}."
        row = {**CUSTOMER, "spend": value}
        self.refused(SchemaError, message, lambda: scorer.predict_one(row))
        self.refused(SchemaError, message, lambda: scorer.predict([CUSTOMER, row]))

    @pytest.mark.parametrize("value", [math.inf, -math.inf, np.float32("inf")])
    def test_infinite_values(self, scorer, value):
        message = "Column 'spend' must hold finite numbers. Got"
        row = {**CUSTOMER, "spend": value}
        self.refused(DataQualityError, message, lambda: scorer.predict_one(row))
        table = clients()
        table.loc[[1, 4], "spend"] = value
        message = "Got infinite values in 2 of 400 rows instead."
        self.refused(DataQualityError, message, lambda: scorer.predict(table))

    def test_numbers_of_other_kinds(self, scorer):
        expected = scorer.predict_proba_one({**CUSTOMER, "spend": 90.5})
        found = scorer.predict_proba_one({**CUSTOMER, "spend": Fraction(181, 2)})
        np.testing.assert_array_equal(found, expected)
        huge = {**CUSTOMER, "spend": 10**400}
        message = "Column 'spend' must hold finite numbers."
        self.refused(DataQualityError, message, lambda: scorer.predict_one(huge))

    def test_levels_of_other_kinds(self, scorer):
        message = (
            "Column 'city' must hold text, numbers or booleans to be read as levels"
        )
        for value in (["Lyon"], pd.Timestamp("2024-01-01"), object()):
            row = {**CUSTOMER, "city": value}
            self.refused(SchemaError, message, lambda row=row: scorer.predict_one(row))

    def test_arrays_of_another_shape(self):
        X = np.arange(12.0).reshape(6, 2)
        scorer = compile_scorer(KMeansSegmenter(2, random_state=0).fit(X))
        message = "must have one row a customer and 2 columns. Got shape (6, 1)"
        self.refused(SchemaError, message, lambda: scorer.predict(X[:, :1]))
        message = "Got shape (2,) instead. The columns are, in this order: 'x0', 'x1'."
        self.refused(SchemaError, message, lambda: scorer.predict(X[0]))

    def test_columns_of_other_lengths(self, scorer):
        message = "Columns must be of one length. Got lengths 1, 2 instead."
        table = {"orders": [1, 2], "spend": [1.0, 2.0], "city": ["Lyon"]}
        self.refused(SchemaError, message, lambda: scorer.predict(table))

    def test_column_names_that_repeat(self, scorer):
        table = pd.concat([clients(), clients()[["city"]]], axis=1)
        message = "Column names must be unique. Got 'city' more than once instead."
        self.refused(SchemaError, message, lambda: scorer.predict(table))

    def test_probabilities_that_are_not_there(self):
        X = np.arange(12.0).reshape(6, 2)
        scorer = compile_scorer(KMeansSegmenter(2, random_state=0).fit(X))
        message = "A scorer has probabilities only of a model that has predict_proba."
        self.refused(AttributeError, message, lambda: scorer.predict_proba(X))
        row = {"x0": 1.0, "x1": 2.0}
        self.refused(AttributeError, message, lambda: scorer.predict_proba_one(row))


def test_what_it_says_of_itself(scorer, model):
    assert isinstance(scorer, Scorer)
    assert scorer.columns == ("orders", "spend", "city")
    assert scorer.segment_ids == tuple(model.segment_ids_.tolist())
    assert scorer.segment_names == model.segment_names_
    assert repr(scorer).startswith("Scorer(columns=('orders', 'spend', 'city')")


@pytest.mark.parametrize("code", [2**53, -(2**53), float(2**53)])
def test_codes_that_a_float_cannot_tell_apart_are_no_levels(code):
    assert as_level("shop", 2**53 - 1) == str(2**53 - 1)
    with pytest.raises(SchemaError, match=re.escape("must hold codes below 2**53")):
        as_level("shop", code)


def test_rows_without_an_answer_are_counted():
    known = pd.DataFrame({"a": [1.0, 2, 9, 8], "b": [1.0, 1, 5, 6]})
    scorer = compile_scorer(KMeansSegmenter(2, random_state=0).fit(known))
    gaps = pd.DataFrame({"a": [1.0, None, None], "b": [None, 1.0, 2.0]})
    message = "Got missing ones in 'a', 'b' (3 of 3 rows without an answer) instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        scorer.predict(gaps)
