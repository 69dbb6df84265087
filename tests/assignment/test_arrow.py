"""Arrow tables in models and scorers: the same answers as of pandas frames."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

import custseg as cs
from custseg.exceptions import SchemaError

arrow = pytest.importorskip("pyarrow")
RNG = np.random.default_rng(0)
GROUPS = RNG.integers(0, 3, 120)
CLIENTS = pd.DataFrame(
    {
        "client": [f"c{row}" for row in range(120)],
        "spend": 50.0 * GROUPS + RNG.gamma(4, 3, 120),
        "visits": 4 * GROUPS + RNG.poisson(2, 120),
        "trade": np.array(["bar", "hotel", "shop"], dtype=object)[GROUPS],
        "type": np.array(["new", "old"], dtype=object)[RNG.integers(0, 2, 120)],
    }
)
CLIENTS.loc[[3, 50], "spend"] = np.nan
BASIS = ["spend", "visits", "trade"]
# The ids as an index of pandas, which Arrow remembers: a column all the same.
TABLE = arrow.Table.from_pandas(CLIENTS.set_index("client"))


def road():
    features = cs.make_customer_features(
        behavioural=["spend", "visits"], demographic=["trade"]
    )
    return make_pipeline(features, cs.KMeansSegmenter(3, random_state=0))


def test_a_model_is_fitted_on_arrow_as_on_pandas():
    on_arrow = cs.SegmentationModel(road()).fit(TABLE)
    on_pandas = cs.SegmentationModel(road()).fit(CLIENTS)
    np.testing.assert_array_equal(on_arrow.labels_, on_pandas.labels_)
    assert list(on_arrow.feature_names_in_) == TABLE.column_names
    for model in (on_arrow, on_pandas):
        np.testing.assert_array_equal(model.predict(TABLE), on_pandas.labels_)
        np.testing.assert_array_equal(model.predict(CLIENTS), on_pandas.labels_)


@pytest.mark.parametrize("split_by", [None, "type"])
def test_roles_of_columns_of_arrow(split_by):
    model = cs.SegmentationModel(
        road(),
        make_pipeline(cs.DemographicTransformer(), cs.DiscriminantAssigner()),
        basis=BASIS,
        descriptors=["visits", "trade"],
        customer_id="client",
        split_by=split_by,
        reject_alpha=0.1,
        random_state=0,
    ).fit(CLIENTS)
    pd.testing.assert_frame_equal(model.assign(TABLE), model.assign(CLIENTS))
    np.testing.assert_array_equal(
        model.predict_proba(TABLE), model.predict_proba(CLIENTS)
    )
    pd.testing.assert_frame_equal(
        model.plausible_segments(TABLE, alpha=0.5),
        model.plausible_segments(CLIENTS, alpha=0.5),
    )
    again = model.refit(TABLE)
    np.testing.assert_array_equal(again.labels_, model.labels_)
    with pytest.raises(SchemaError, match="Got no 'trade' among its 4 columns"):
        model.predict(TABLE.drop_columns(["trade"]))


def test_a_search_reads_arrow():
    numbers = CLIENTS[["spend", "visits"]].fillna(0)
    candidates = [cs.KMeansSegmenter(random_state=0)]
    search = cs.SegmentSearch(candidates, n_segments=(2, 3), random_state=0)
    on_arrow = search.fit(arrow.Table.from_pandas(numbers)).labels_
    np.testing.assert_array_equal(on_arrow, search.fit(numbers).labels_)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_scorer_reads_arrow(encoded):
    scorer = cs.compile_scorer(cs.SegmentationModel(road()).fit(CLIENTS))
    table = TABLE
    if encoded:
        trade = TABLE.column("trade").dictionary_encode()
        table = TABLE.drop_columns(["trade"]).append_column("trade", trade)
    np.testing.assert_array_equal(scorer.predict(table), scorer.predict(CLIENTS))
