"""What people say of single customers beside the model."""

import pickle
import re
from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.cluster import KMeansSegmenter
from custseg.exceptions import SegmentWarning
from custseg.selection import SegmentSearch

# Three segments about 0, 10 and 20; the last is the smallest, so its id is 2.
X = np.repeat([0.0, 10.0, 20.0], [6, 5, 4]) + np.tile([-1, 0, 1], 5)
TABLE = pd.DataFrame({"client": [f"c{i}" for i in range(15)], "spend": X})
WORD = {"reason": "signed a contract", "date": "2026-03-31"}


def fit(**changes):
    settings = {
        "segmenter": KMeansSegmenter(3),
        "assigner": DiscriminantAssigner(),
        "customer_id": "client",
        "random_state": 0,
    }
    return SegmentationModel(**{**settings, **changes}).fit(TABLE)


def test_assign_honours_and_lists_them():
    model = fit()
    plain = model.assign(TABLE)
    assert plain["override"].isna().all()
    model.override("c0", 2, **WORD).override(
        "c7", 1, reason=" sure ", date=date(2026, 4, 1), lock=True
    )
    assigned = model.assign(TABLE)
    assert assigned.loc[0, ["segment", "segment_name"]].tolist() == [2, "segment 2"]
    chosen = model.predict_proba(TABLE)[0, 2]
    assert assigned.loc[0, "probability"] == chosen < 1e-6
    assert assigned["override"].dropna().to_dict() == {0: WORD["reason"], 7: "sure"}
    others = [row for row in range(15) if row not in (0, 7)]
    pd.testing.assert_frame_equal(assigned.loc[others], plain.loc[others])
    frame = model.overrides_
    assert list(frame.columns) == ["customer_id", "segment", "reason", "date", "locked"]
    assert frame["customer_id"].tolist() == ["c0", "c7"]
    assert frame["segment"].tolist() == [2, 1]
    assert frame["date"].tolist() == [datetime(2026, 3, 31), datetime(2026, 4, 1)]
    assert frame["locked"].tolist() == [False, True]
    # The model's own opinion.
    np.testing.assert_array_equal(model.predict(TABLE), plain["segment"])


def test_one_word_a_customer_and_it_can_be_taken_back():
    model = fit().override("c0", 2, **WORD).override("c0", 1, **WORD)
    assert model.overrides_["segment"].tolist() == [1]
    assert model.remove_override("c0").overrides_.empty
    assert model.overrides_["date"].dtype == "datetime64[s]"
    assert model.assign(TABLE)["segment"][0] == model.predict(TABLE)[0]
    with pytest.raises(ValueError, match="customer_id must have an override"):
        model.remove_override("c0")


def test_other_tables():
    model = fit().override("c3", 2, **WORD)
    polars = model.assign(pl.DataFrame(TABLE[2:4].to_dict("list")))
    assert polars["segment"].to_list() == [model.predict(TABLE)[2], 2]
    assert polars["override"].to_list() == [None, WORD["reason"]]
    assert polars.schema["near_border"] == pl.Boolean
    copy = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(copy.overrides_, model.overrides_)
    assert model.assign(TABLE[:2])["override"].isna().all()


def test_ids_that_are_numbers():
    numbered = TABLE.assign(client=range(15))
    model = SegmentationModel(
        KMeansSegmenter(3, random_state=0), customer_id="client"
    ).fit(numbered)
    model.override(np.int64(3), np.int64(2), **WORD)
    assert model.assign(numbered)["segment"][3] == 2
    assert np.isnan(model.assign(numbered)["probability"][3])
    message = "customer_id must be as in column 'client', which has numbers. Got str"
    with pytest.raises(ValueError, match=re.escape(message)):
        model.override("3", 2, **WORD)


def test_none_of_the_above_can_be_overridden():
    model = fit(reject_alpha=0.3)
    far = TABLE[:1].assign(spend=-500.0)
    assert model.assign(far)["segment"].tolist() == [-1]
    assigned = model.override("c0", 1, **WORD).assign(far)
    assert assigned["segment_name"].tolist() == ["segment 1"]
    assert model.predict(far).tolist() == [-1]


class TestRefit:
    def test_locked_ones_go_on_and_moves_end(self):
        model = fit().override("c0", 2, **WORD).override("c1", 1, **WORD, lock=True)
        message = "Overrides must be locked to outlast a refit. Got 1 that are not"
        with pytest.warns(SegmentWarning, match=re.escape(message)) as caught:
            later = model.refit(TABLE)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert later.overrides_["customer_id"].tolist() == ["c1"]
        assert later.assign(TABLE)["segment"][1] == 1
        assert len(model.overrides_) == 2

    def test_their_segment_may_have_died(self):
        search = SegmentSearch([KMeansSegmenter()], (2, 3))
        model = fit(segmenter=search, assigner=None)
        model.override("c0", 2, **WORD, lock=True).override("c1", 1, **WORD, lock=True)
        message = (
            "Locked customers must have a segment that is still there. Got 1 of 2 "
            "whose segment is gone instead"
        )
        with pytest.warns(SegmentWarning, match=re.escape(message)):
            later = model.refit(TABLE[:11])
        assert later.segment_ids_.tolist() == [0, 1]
        assert later.overrides_["customer_id"].tolist() == ["c1"]

    def test_fit_begins_anew(self):
        model = fit().override("c0", 2, **WORD, lock=True)
        assert model.fit(TABLE).overrides_.empty


def test_by_type():
    others = TABLE.assign(client=[f"d{i}" for i in range(15)])
    table = pd.concat([TABLE, others], ignore_index=True)
    table["kind"] = ["retail"] * 15 + ["wholesale"] * 15
    model = SegmentationModel(
        KMeansSegmenter(3, random_state=0),
        DiscriminantAssigner(),
        basis=["spend"],
        customer_id="client",
        split_by="kind",
    ).fit(table)
    assigned = model.override("d0", 5, **WORD).override("c0", 5, **WORD).assign(table)
    assert assigned["segment"].iloc[[0, 15]].tolist() == [5, 5]
    # A retailer has no probability of a wholesale segment.
    assert assigned["probability"].iloc[0] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segment": 7}, "segment must be one of 0, 1, 2. Got 7 instead."),
        ({"segment": -1}, "segment must be one of 0, 1, 2. Got -1 instead."),
        ({"segment": "1"}, "segment must be one of 0, 1, 2. Got '1' instead."),
        ({"reason": "  "}, "reason must say why in words. Got '  ' instead."),
        ({"reason": None}, "reason must say why in words. Got None instead."),
        ({"date": None}, "date must be a date or text such as '2026-03-31'. Got None"),
        ({"date": "31.3.2026"}, "date must be a date or text such as"),
        ({"date": pd.NaT}, "date must be a date or text such as"),
        (
            {"customer_id": None},
            "customer_id must be the id of one customer. Got a mis",
        ),
        (
            {"customer_id": ["c0"]},
            "customer_id must be the id of one customer. Got sev",
        ),
        (
            {"customer_id": 3},
            "customer_id must be as in column 'client', which has text",
        ),
    ],
)
def test_what_cannot_be_said(changes, message):
    word = {"customer_id": "c0", "segment": 1, **WORD, **changes}
    model = fit()
    with pytest.raises(ValueError, match=re.escape(message)):
        model.override(**word)
    assert model.overrides_.empty


def test_a_model_without_ids():
    model = SegmentationModel(KMeansSegmenter(3, random_state=0)).fit(TABLE[["spend"]])
    with pytest.raises(ValueError, match="An override must find its customer by an id"):
        model.override("c0", 1, **WORD)
