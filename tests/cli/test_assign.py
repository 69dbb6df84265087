"""`custseg assign`: the same answer alone and in a batch, and files that are none."""

import joblib
import pandas as pd
import pytest

from custseg import KMeansSegmenter, SegmentationModel


@pytest.fixture
def results(run, people):
    people.to_csv("people.csv", index=False)
    run("segment people.csv --out out --segments 2")
    return pd.read_csv("out/segments.csv", dtype={"customer_id": str})


ASSIGN = "assign --model out/model.joblib"


def test_one_by_one(run, people, results):
    people.iloc[7:8].to_csv("one.csv", index=False)
    code, said, error = run(f"{ASSIGN} one.csv --out new/one.csv")
    assert (code, error) == (0, "")
    assert "1 customer assigned" in said
    assert "Customer id: customer_id (as in the model)" in said
    one = pd.read_csv("new/one.csv", dtype={"customer_id": str})
    known = results.iloc[[7]].reset_index(drop=True)
    assert known["segment"].equals(known["assigned"])
    columns = ["customer_id", "segment", "segment_name", "probability"]
    pd.testing.assert_frame_equal(one[columns], known[columns])
    assert one.columns.tolist() == [*columns, "near_border"]
    assert one["near_border"].tolist() == [False]


def test_in_another_order_with_other_columns(run, people, results):
    new = people[people.columns[::-1]].iloc[::-1].drop(columns="city")
    new.assign(more="x").to_csv("new.csv", index=False, sep="\t")
    assert run(f"{ASSIGN} new.csv --out a.csv")[0] == 0
    assigned = pd.read_csv("a.csv", dtype={"customer_id": str})
    assert assigned["segment"].tolist() == results["assigned"].tolist()[::-1]


def test_another_name_of_the_id(run, refused, people, results):
    people.rename(columns={"customer_id": "Nr"}).to_csv("new.csv", index=False)
    error = refused(f"{ASSIGN} new.csv --out a.csv")
    assert "The customer id must be a column of new.csv. Got 'customer_id'" in error
    assert run(f"{ASSIGN} new.csv --id Nr --out a.csv")[0] == 0
    ids = pd.read_csv("a.csv", dtype={"customer_id": str})["customer_id"]
    assert ids.tolist() == people["customer_id"].tolist()
    assert run(f"{ASSIGN} new.csv --no-id --out b.csv")[0] == 0
    assert pd.read_csv("b.csv")["customer_id"].tolist() == list(range(60))


def test_ids_where_the_model_has_none(run, people):
    people[["visits", "spend"]].to_csv("few.csv", index=False)
    run("segment few.csv --out out --segments 2")
    people.to_csv("new.csv", index=False)
    assert run(f"{ASSIGN} new.csv --out a.csv")[0] == 0
    ids = pd.read_csv("a.csv", dtype={"customer_id": str})["customer_id"]
    assert ids.tolist() == people["customer_id"].tolist()


def test_customers_that_cannot_be_assigned(refused, people, results):
    people.drop(columns="visits").to_csv("new.csv", index=False)
    error = refused(f"{ASSIGN} new.csv --out a.csv")
    assert "'visits', 'spend', 'age'. Got no 'visits' instead." in error
    people.iloc[[0, 0, 1]].to_csv("new.csv", index=False)
    assert "1 repeated in 3 rows" in refused(f"{ASSIGN} new.csv --out a.csv")
    people["visits"] = ["many", *people["visits"][1:]]
    people.to_csv("new.csv", index=False)
    error = refused(f"{ASSIGN} new.csv --out a.csv")
    assert "Column 'visits' must hold numbers" in error


def test_missing_values_are_counted(run, people, results):
    new = people.head(4).copy()
    new.loc[1, ["visits", "spend", "age"]] = None
    new.loc[3, "age"] = None
    new.to_csv("new.csv", index=False)
    code, said, error = run(f"{ASSIGN} new.csv --out a.csv")
    assert (code, error) == (0, "")
    assert "\nNote: Descriptors must be known" in said
    assert "Got 2 of 4 rows (first: row 1) without one that was known" in said
    assert "1 of them without any" in said
    # At fitting, the roles of the columns say it.
    people.loc[5, "age"] = None
    people.to_csv("people.csv", index=False)
    code, said, error = run("segment people.csv --out gaps --segments 2")
    assert (code, error) == (0, "")
    assert "1 missing (count as the median)" in said
    assert "Note: Descriptors" not in said


def test_outputs(refused, run, people, results):
    error = refused(f"{ASSIGN} people.csv --out people.csv --force")
    assert "must not overwrite what they are made from" in error
    error = refused(f"{ASSIGN} people.csv --out out/model.joblib --force")
    assert "must not overwrite what they are made from" in error
    error = refused(f"{ASSIGN} people.csv --out new.xlsx")
    assert "--out must end in .csv, .csv.gz or .parquet" in error
    assert run(f"{ASSIGN} people.csv --out new.csv.gz")[0] == 0
    assert len(pd.read_csv("new.csv.gz")) == 60
    error = refused(f"{ASSIGN} people.csv --out out/segments.csv")
    assert "Results must not overwrite others" in error
    assert run(f"{ASSIGN} people.csv --out out/segments.csv --force")[0] == 0


def test_files_that_are_no_models(refused, folder, results):
    model = folder.joinpath("out/model.joblib").read_bytes()
    for name, content in {"text": b"no model", "cut": model[: len(model) // 2]}.items():
        folder.joinpath(name).write_bytes(content)
        error = refused(f"assign --model {name} people.csv --out a.csv")
        assert f"{name} must be a model that `custseg segment` wrote" in error
    joblib.dump(KMeansSegmenter(), "other")
    error = refused("assign --model other people.csv --out a.csv")
    assert "must hold a SegmentationModel. Got KMeansSegmenter instead." in error
    joblib.dump(SegmentationModel(KMeansSegmenter()), "unfitted")
    assert "not fitted" in refused("assign --model unfitted people.csv --out a.csv")
    error = refused("assign --model nowhere people.csv --out a.csv")
    assert "There is no file nowhere." in error
