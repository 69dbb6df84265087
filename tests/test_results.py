"""What all results have in common: a table, a sentence, plain data, a page."""

import inspect
import json
import math
import pickle
from dataclasses import dataclass, fields
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

import custseg as cs
from custseg import (
    assignment,
    cluster,
    columns,
    evaluation,
    features,
    profile,
    selection,
    surveys,
    tables,
)
from custseg._utils._result import Result, plain
from custseg.features._loyalty import NetPromoterScore
from custseg.surveys._price import PriceSensitivity

SPEND, VISITS, NAME = "<b>spend & co", "visits", "<i>few & rare"
RNG = np.random.default_rng(0)
CUSTOMERS = pd.DataFrame(
    {
        SPEND: np.repeat([1.0, 9.0], 40) + RNG.normal(size=80),
        VISITS: np.repeat([2.0, 7.0], 40) + RNG.normal(size=80),
    }
)


@cache
def model():
    segmenter = cs.KMeansSegmenter(2, random_state=0)
    fitted = cs.SegmentationModel(
        segmenter,
        cs.DiscriminantAssigner(),
        basis=[SPEND],
        descriptors=[VISITS],
        reject_alpha=0.1,
        random_state=0,
    ).fit(CUSTOMERS)
    return fitted.name_segments({0: NAME})


def discriminant():
    labels = np.repeat([0, 1], 40)
    return cs.DiscriminantAssigner().fit(CUSTOMERS, labels)


def cleaned():
    table = pd.DataFrame(
        {
            "customer_id": ["a", "a", None],
            "date": pd.to_datetime(["2024-01-05", "2024-01-09", "2024-01-09"]),
            "eur": [30.0, -10.0, 5.0],
        }
    )
    columns = tables.TransactionColumns(amount="eur")
    return tables.clean_transactions(table, columns)[1]


def prices():
    answers = {"too_cheap": [1, 2], "cheap": [3, 4], "expensive": [4, 5]}
    answers["too_expensive"] = [5, 6]
    return surveys.price_sensitivity_meter(pd.DataFrame(answers))


def factors():
    common = RNG.normal(size=(200, 1))
    answers = common + RNG.normal(size=(200, 4))
    return surveys.factor_analysis(pd.DataFrame(answers, columns=[SPEND, *"xyz"]), 1)


MADE_BY = {
    evaluation.AssignmentReport: lambda: cs.assignment_report(
        model(), CUSTOMERS, random_state=0
    ),
    assignment.DiscriminantAxes: lambda: discriminant().discriminant_axes(),
    evaluation.OutcomeReport: lambda: evaluation.outcome_report(
        model(), CUSTOMERS, (CUSTOMERS[SPEND] > 4).rename(NAME), random_state=0
    ),
    evaluation.RejectedTest: lambda: evaluation.rejected_test(
        model(), CUSTOMERS + 0.1, random_state=0
    ),
    assignment.SegmentMatch: lambda: cs.match_segments(model(), model(), CUSTOMERS),
    assignment.WilksTest: lambda: discriminant().wilks(learned_on=[]),
    cluster.SegmentMultiplicity: lambda: cluster.segment_multiplicity(
        CUSTOMERS, cs.KMeansSegmenter(2), n_starts=5, random_state=0
    ),
    columns.CustomerCheck: lambda: cs.check_customers(CUSTOMERS.assign(**{NAME: 0})),
    features.CustomerRoles: lambda: cs.infer_roles(CUSTOMERS),
    surveys.FactorSolution: factors,
    NetPromoterScore: lambda: features.net_promoter_score([10, 8, 3]),
    PriceSensitivity: prices,
    profile.SegmentProfile: lambda: cs.profile_segments(
        CUSTOMERS, model().labels_, names={0: NAME}
    ),
    selection.LikelihoodRatioTest: lambda: selection.LikelihoodRatioTest(
        np.array([1]), np.array([3.1]), np.array([0.5]), np.array([20]), 0.05
    ),
    selection.StabilityResult: lambda: selection.bootstrap_stability(
        cs.KMeansSegmenter(random_state=0),
        CUSTOMERS,
        n_segments=(2, 3),
        n_bootstraps=3,
        n_null=19,
        random_state=0,
    ),
    selection.StructureTest: lambda: selection.structure_test(
        CUSTOMERS, n_segments=(2,), n_draws=19, random_state=0
    ),
    selection.UnimodalityTest: lambda: selection.unimodality_test(
        CUSTOMERS, n_draws=99, random_state=0
    ),
    tables.CleaningReport: cleaned,
}
# What they show has names of columns or segments.
WITH_NAMES = {
    evaluation.OutcomeReport,
    assignment.SegmentMatch,
    assignment.WilksTest,
    columns.CustomerCheck,
    features.CustomerRoles,
    surveys.FactorSolution,
    profile.SegmentProfile,
}


@cache
def made(kind):
    return MADE_BY[kind]()


@pytest.fixture(params=MADE_BY, ids=lambda kind: kind.__name__)
def result(request):
    found = made(request.param)
    assert type(found) is request.param
    return found


def test_every_public_result_is_here():
    stages = [getattr(cs, stage) for stage in cs._STAGES]
    public = [getattr(stage, name) for stage in stages for name in stage.__all__]
    results = {
        one for one in public if inspect.isclass(one) and issubclass(one, Result)
    }
    assert results <= set(MADE_BY)
    judging = {
        one for one in public if isinstance(getattr(one, "verdict", None), property)
    }
    assert judging <= results


def test_frame_and_summary(result):
    frame, summary = result.frame(), result.summary()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame)
    frame[frame.columns[0]] = 0  # a copy: what is held does not change
    assert not frame.equals(result.frame())
    assert summary == " ".join(summary.split())
    assert summary[-1] == "."
    assert any(sign.isdigit() for sign in summary)
    if hasattr(result, "verdict"):
        assert result.verdict == summary
    assert repr(result)


def test_plain_data(result):
    figures = result.to_dict()
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert figures["result"] == type(result).__name__
    assert figures["summary"] == result.summary()
    assert len(figures["frame"]) == len(result.frame())
    shown = {field.name for field in fields(result) if field.repr}
    assert {name for name in shown if not name.startswith("_")} <= set(figures)
    assert not {"rejected", "candidates"} & set(figures)  # customers' rows and labels


def test_pages_are_escaped(result):
    page = result._repr_html_()
    assert page.startswith("<p>")
    assert "<table" in page
    assert "<b>spend" not in page
    assert "<i>few" not in page
    if type(result) in WITH_NAMES:
        assert "&lt;b&gt;spend &amp; co" in page or "&lt;i&gt;few &amp; rare" in page


def test_a_pickled_result_says_the_same(result):
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()


def test_long_tables_are_cut_on_a_page():
    wide = pd.DataFrame(np.eye(50), columns=[f"x{i}" for i in range(50)])
    page = cs.infer_roles(wide)._repr_html_()
    assert "<td>x9</td>" in page
    assert "<td>x25</td>" not in page
    assert "<td>x49</td>" in page


@dataclass
class Pair:
    left: object
    right: object


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (math.nan, None),
        (math.inf, "inf"),
        (pd.NA, None),
        (pd.NaT, None),
        (np.datetime64("2024-01-05T00:00:00", "ns"), "2024-01-05T00:00:00"),
        (np.array(["2024-01-05", "NaT"], "M8[ns]"), ["2024-01-05T00:00:00", None]),
        (pd.Timestamp("2024-01-05 12:00"), "2024-01-05T12:00:00"),
        (date(2024, 1, 5), "2024-01-05"),
        (np.array([[1.0, math.nan], [2.0, 3.0]]), [[1.0, None], [2.0, 3.0]]),
        ({0: (1, {2: None})}, {"0": [1, {"2": None}]}),
        (Pair(np.int8(1), {"a"}), {"left": 1, "right": ["a"]}),
        (pd.Series([1.0, math.nan], index=["a", "b"]), {"a": 1.0, "b": None}),
        (
            pd.DataFrame({"n": [1, 2], 0: ["x", None]}),
            [{"n": 1, "0": "x"}, {"n": 2, "0": None}],
        ),
        (
            pd.DataFrame({"n": [1]}, index=pd.Index(["a"], name="segment")),
            [{"segment": "a", "n": 1}],
        ),
        (KeyError, str(KeyError)),
    ],
)
def test_plain(value, expected):
    found = plain(value)
    assert found == expected
    json.dumps(found, allow_nan=False)
