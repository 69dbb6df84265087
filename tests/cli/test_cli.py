"""The command line, from files to files, in this process and once in another."""

import re
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest

from custseg import SegmentationModel
from custseg.cli import main
from custseg.cli._roles import choose_columns, find_id, transaction_columns
from custseg.datasets import load_online_retail_sample, load_wholesale

SPEND = ["Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicatessen"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Folder of `custseg segment` on the wholesale clients with ids, and its words."""
    folder = tmp_path_factory.mktemp("cli")
    clients = load_wholesale()
    clients.insert(0, "client", [f"{i:04d}" for i in range(440)])
    clients.to_csv(folder / "clients.csv", index=False)
    run = [sys.executable, "-m", "custseg", "segment", str(folder / "clients.csv")]
    done = subprocess.run(
        [*run, "--out", str(folder / "out"), "--segments", "2-4"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return folder, done.stdout


def test_segment_says_what_it_learned_on(results):
    words = results[1]
    assert "Customer id: client" in words
    assert f"Segments are learned on: {', '.join(SPEND)}" in words
    assert "left out: Channel (2 whole numbers, taken for codes" in words
    assert "left out: Region (3 whole numbers, taken for codes" in words


def test_segment_writes_what_it_promises(results):
    out = results[0] / "out"
    segments = pd.read_csv(out / "segments.csv", dtype={"customer_id": str})
    assert segments["customer_id"].tolist() == [f"{i:04d}" for i in range(440)]
    assert list(segments.columns) == [
        "customer_id",
        "segment",
        "segment_name",
        "probability",
    ]
    assert segments["probability"].between(0.5, 1).mean() > 0.9
    selection = pd.read_csv(out / "selection.csv")
    assert len(selection) == 9  # three estimators, three numbers of segments
    assert selection["selected"].sum() == 1
    profile = pd.read_csv(out / "profile.csv")
    assert {*SPEND, "Channel", "Region"} == set(profile["column"])
    sizes = profile.groupby("segment")["size"].first()
    assert sizes.sum() == 440
    assert sizes.tolist() == segments["segment"].value_counts().sort_index().tolist()
    for picture in ("selection", "profile", "silhouette"):
        assert (out / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_model_file_holds_a_named_model(results):
    model = joblib.load(results[0] / "out" / "model.joblib")
    assert isinstance(model, SegmentationModel)
    assert model.basis == SPEND
    assert all("segment" not in name for name in model.segment_names_.values())


def test_assign_gives_the_same_answers_one_by_one(results, capsys):
    folder = results[0]
    clients = pd.read_csv(folder / "clients.csv", dtype={"client": str})
    clients.iloc[7:8].to_csv(folder / "one.csv", index=False)
    model = str(folder / "out" / "model.joblib")
    run = ["assign", "--model", model, str(folder / "one.csv")]
    assert main([*run, "--out", str(folder / "new" / "one.csv")]) == 0
    assert "1 customers assigned" in capsys.readouterr().out
    one = pd.read_csv(folder / "new" / "one.csv")
    all_of_them = pd.read_csv(folder / "out" / "segments.csv")
    pd.testing.assert_frame_equal(one, all_of_them.iloc[7:8].reset_index(drop=True))


def test_results_are_not_overwritten_unasked(results, capsys):
    folder = results[0]
    run = ["segment", str(folder / "clients.csv"), "--out", str(folder / "out")]
    assert main(run) == 2
    error = capsys.readouterr().err
    assert "Results must not overwrite others" in error
    assert "pass --force" in error


def test_segment_with_transactions(tmp_path, capsys):
    lines = load_online_retail_sample()
    ids = np.sort(lines["CustomerID"].unique())[:200]
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"id": [*ids, 1], "age": rng.integers(20, 80, 201)})
    people.to_csv(tmp_path / "people.csv", index=False, sep=";")
    lines.to_csv(tmp_path / "lines.csv", index=False)
    code = main(
        [
            "segment",
            str(tmp_path / "people.csv"),
            "--transactions",
            str(tmp_path / "lines.csv"),
            "--out",
            str(tmp_path / "out"),
            "--segments",
            "2,3",
        ]
    )
    words = capsys.readouterr().out
    assert code == 0
    assert "200 of 201 customers have orders" in words
    assert "Segments are learned on: age, recency, frequency" in words
    segments = pd.read_csv(tmp_path / "out" / "segments.csv")
    assert segments["customer_id"].tolist() == [*ids, 1]


def test_demo(tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    words = capsys.readouterr().out
    written = {path.name for path in (tmp_path / "demo").iterdir()}
    assert written == {
        "segments.csv",
        "profile.csv",
        "selection.csv",
        "model.joblib",
        "selection.png",
        "profile.png",
        "silhouette.png",
        "new_segments.csv",
    }
    assert len(pd.read_csv(tmp_path / "demo" / "new_segments.csv")) == 44
    # One of the two segments is the retailers: they buy groceries and detergents.
    assert re.search(r"high (Grocery|Detergents_Paper)", words)
    assert "agrees with the segmenter itself" in words


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("", "must start with a line of column names"),
        ("a,b\n", "must have one row a customer or order"),
        ("a,b\n1,2\n1,2,3\n", "must have as many fields in each line as the first"),
        ("name\nx\ny\nz\n", "at least one column to segment on"),
        ("a;b\n1;1\n2;1\n", "a: "),
    ],
)
def test_files_that_cannot_be_segmented_end_in_one_line(
    tmp_path, capsys, content, message
):
    path = tmp_path / "customers.csv"
    if content is not None:
        path.write_text(content)
    assert main(["segment", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("custseg: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no model", "must be a model that `custseg segment` wrote"),
        (None, "must hold a SegmentationModel. Got list instead."),
    ],
)
def test_files_that_are_no_models(tmp_path, capsys, content, message):
    path = tmp_path / "model.joblib"
    if content is None:
        joblib.dump([1, 2], path)
    else:
        path.write_bytes(content)
    (tmp_path / "new.csv").write_text("a\n1\n")
    run = ["assign", "--model", str(path), str(tmp_path / "new.csv")]
    assert main([*run, "--out", str(tmp_path / "x.csv")]) == 2
    assert message in capsys.readouterr().err


def test_a_new_customer_without_a_basis_column(results, capsys):
    folder = results[0]
    clients = pd.read_csv(folder / "clients.csv").drop(columns="Milk")
    clients.to_csv(folder / "no_milk.csv", index=False)
    model = str(folder / "out" / "model.joblib")
    run = ["assign", "--model", model, str(folder / "no_milk.csv")]
    assert main([*run, "--out", str(folder / "x.csv")]) == 2
    assert "Got no 'Milk'" in capsys.readouterr().err


class TestRoles:
    TABLE = pd.DataFrame(
        {
            "CustomerID": [10, 11, 12, 14],
            "name": ["a", "b", "c", "c"],
            "region": [1, 2, 2, 1],
            "same": [5.0, 5.0, 5.0, 5.0],
            "spend": [1.5, 2.5, 9.0, 2.25],
            "member": [True, False, True, True],
        }
    )

    def test_reasons(self):
        choices = choose_columns(self.TABLE, "CustomerID")
        assert {choice.column: choice.reason for choice in choices} == {
            "CustomerID": "customer id",
            "name": "no numbers",
            "region": "2 whole numbers, taken for codes of categories",
            "same": "constant",
            "spend": "numbers",
            "member": "no numbers",
        }
        assert [c.column for c in choices if c.in_basis] == ["spend"]

    def test_the_user_overrules(self):
        wanted = choose_columns(self.TABLE, "CustomerID", ["region", "member"])
        assert [c.column for c in wanted if c.in_basis] == ["region", "member"]
        with pytest.raises(ValueError, match="name columns of the table"):
            choose_columns(self.TABLE, None, ["x"])
        with pytest.raises(ValueError, match="at least one column to segment on"):
            choose_columns(self.TABLE, "CustomerID", exclude=["spend"])

    def test_ids(self):
        assert find_id(self.TABLE) == "CustomerID"
        assert find_id(self.TABLE[["name", "spend"]]) is None
        assert find_id(self.TABLE, "name") == "name"
        with pytest.raises(ValueError, match="--id must be a column of the table"):
            find_id(self.TABLE, "client")

    def test_transactions_by_name_or_as_told(self):
        lines = pd.DataFrame(
            columns=["Customer ID", "Invoice_No", "Day", "Qty", "Price"]
        )
        message = "Transactions must have a column for date."
        with pytest.raises(ValueError, match=re.escape(message)):
            transaction_columns(lines, {})
        columns = transaction_columns(lines, {"date": "Day"})
        assert columns.customer_id == "Customer ID"
        assert columns.transaction_id == "Invoice_No"
        assert (columns.quantity, columns.unit_price) == ("Qty", "Price")
        with pytest.raises(ValueError, match="Roles must be among"):
            transaction_columns(lines, {"when": "Day"})


@pytest.mark.parametrize(
    ("text", "code"), [("8-2", 2), ("x", 2), ("0-3", 2), ("1.5", 2)]
)
def test_wrong_numbers_of_segments(text, code, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["segment", "x.csv", "--out", "y", "--segments", text])
    assert stop.value.code == code
    assert "numbers of segments must be like 2-8" in capsys.readouterr().err


def test_help_teaches(capsys):
    for command in ("segment", "assign", "demo"):
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
    assert "model.joblib" in capsys.readouterr().out
