"""`custseg segment`, from files to files."""

import warnings

import joblib
import numpy as np
import pandas as pd
import pytest

from custseg import SegmentationModel
from custseg.cli import _results
from custseg.datasets import load_wholesale
from custseg.exceptions import SegmentWarning

TABLES = {"segments.csv", "profile.csv", "selection.csv", "model.joblib"}
TO_OUT = "--out out --segments 2"


def segments():
    return pd.read_csv("out/segments.csv", dtype={"customer_id": str})


def described():
    return set(pd.read_csv("out/profile.csv")["column"])


def learned_on(said):
    """Columns that the output lists below `Segments are learned on:`."""
    block = said.split("Segments are learned on:\n")[1]
    lines = block.split("\n")
    end = next(i for i, line in enumerate(lines) if not line.startswith("  "))
    return [line.split()[0] for line in lines[:end]]


@pytest.fixture(autouse=True)
def _customers(people):
    people.to_csv("people.csv", index=False)


class TestColumns:
    def test_as_proposed(self, run, folder, people):
        code, said, error = run(f"segment people.csv {TO_OUT}")
        assert (code, error) == (0, "")
        form = "CSV, UTF-8, separator comma, decimal point"
        assert f"people.csv ({form}; 60 rows, 8 columns)" in said
        assert "Customer id: customer_id (by its name" in said
        assert learned_on(said) == ["visits", "spend", "age"]
        assert {path.name for path in folder.joinpath("out").iterdir()} == TABLES
        assert described() == {"visits", "spend", "age", "region", "city"}
        table = segments()
        assert list(table.columns) == [
            "customer_id",
            "segment",
            "segment_name",
            "probability",
            "assigned",
        ]
        assert table["customer_id"].tolist() == people["customer_id"].tolist()
        # The first thirty were made to come and spend little.
        assert table["segment"].nunique() == 2
        assert (table["segment"] == table["segment"][0]).tolist() == [True] * 30 + [
            False
        ] * 30
        assert table["segment_name"].str.contains("low visits").tolist() == (
            [True] * 30 + [False] * 30
        )
        selection = pd.read_csv("out/selection.csv")
        assert len(selection) == 3
        assert selection["selected"].sum() == 1

    def test_columns(self, run):
        code, said, _ = run(f"segment people.csv --columns visits,spend {TO_OUT}")
        assert code == 0
        assert learned_on(said) == ["visits", "spend"]
        # The others are described; ids, e-mail and dates are not.
        assert described() == {"visits", "spend", "age", "region", "city"}

    def test_exclude(self, run):
        command = f"segment people.csv --exclude customer_id,age,city {TO_OUT}"
        code, said, _ = run(command)
        assert code == 0
        assert learned_on(said) == ["visits", "spend"]
        assert described() == {"visits", "spend", "age", "region", "city"}

    def test_categories_and_numbers(self, run):
        command = "segment people.csv --numbers region --categories age"
        code, said, _ = run(f"{command} {TO_OUT}")
        assert code == 0
        assert learned_on(said) == ["visits", "spend", "region"]
        profile = pd.read_csv("out/profile.csv").set_index("column")
        assert profile.loc["age", "statistic"].unique().tolist() == ["share"]
        assert profile.loc["region", "statistic"].unique().tolist() == ["mean"]

    def test_categories_in_the_basis(self, run):
        command = "segment people.csv --columns visits,region,city --categories region"
        assert run(f"{command} {TO_OUT}")[0] == 0
        road = joblib.load("out/model.joblib").segmenter_
        names = set(road[:-1].get_feature_names_out())
        assert {"visits", "region=1", "region=2", "region=3", "city=Ulm"} <= names

    def test_descriptors(self, run):
        command = f"segment people.csv --descriptors age,region,city {TO_OUT}"
        code, said, _ = run(command)
        assert code == 0
        assert "assigned by: age (number), region (category), city (category)" in said
        table = segments()
        # Age and town say nothing of the segments here, which are learned all the same.
        assert (table["segment"] == table["segment"][0]).sum() == 30
        right = np.mean(table["segment"] == table["assigned"])
        assert 0.4 < right < 0.8
        assert f"finds {right:.1%} in their segment by age, region, city" in said
        assert "naming the largest one: 50.0%" in said

    def test_id(self, run, people):
        assert run(f"segment people.csv --id name {TO_OUT}")[0] == 0
        assert segments()["customer_id"].tolist() == people["name"].tolist()
        assert run(f"segment people.csv --no-id {TO_OUT} --force")[0] == 0
        assert segments()["customer_id"].tolist() == [str(i) for i in range(60)]

    def test_ids_that_repeat(self, refused, people, folder):
        people.iloc[[*range(60), 3]].to_csv("people.csv", index=False)
        error = refused(f"segment people.csv {TO_OUT}")
        assert "Column 'customer_id' of people.csv must have one id a customer" in error
        assert "1 repeated in 61 rows" in error
        assert not folder.joinpath("out").exists()

    def test_rows_that_repeat_without_an_id(self, run, people):
        few = people[["visits", "spend"]].iloc[[*range(60), 3]]
        few.to_csv("few.csv", index=False)
        code, said, _ = run(f"segment few.csv {TO_OUT}")
        assert code == 0
        assert "Note: 1 row of few.csv repeats an earlier one in every column." in said

    def test_unknown(self, refused):
        for option in ("columns", "exclude", "descriptors", "categories", "numbers"):
            error = refused(f"segment people.csv --{option} foo {TO_OUT}")
            assert "must name columns of the table. Got 'foo' instead." in error
        error = refused(f"segment people.csv --id foo {TO_OUT}")
        assert "The customer id must be a column of people.csv. Got 'foo'" in error

    def test_none(self, refused, folder):
        folder.joinpath("text.csv").write_text("a,b\nx,1\ny,1\nx,1\n")
        error = refused(f"segment text.csv {TO_OUT}")
        assert "must have at least one column to segment on" in error
        assert "1 x one value for all customers)" in error


class TestSearch:
    def test_numbers_of_segments(self, run):
        code, said, _ = run("segment people.csv --out out --segments 2-3")
        assert code == 0
        tried = pd.read_csv("out/selection.csv")["n_segments"].unique().tolist()
        assert tried == [2, 3]
        assert "best of 6 candidates" in said
        assert run("segment people.csv --out three --segments 3")[0] == 0
        assert pd.read_csv("three/segments.csv")["segment"].nunique() == 3

    def test_seed(self, run, folder):
        for out in ("a", "b"):
            run(f"segment people.csv --out {out} --segments 3 --seed 7")
        for name in ("segments.csv", "profile.csv", "selection.csv"):
            same = [folder.joinpath(out, name).read_bytes() for out in ("a", "b")]
            assert same[0] == same[1]
        assert joblib.load("a/model.joblib").random_state == 7

    def test_none_of_the_above(self, run, people):
        assert run(f"segment people.csv --reject-alpha 0.1 {TO_OUT}")[0] == 0
        table = segments()
        assert table["segment"].min() == 0
        rejected = table["assigned"] == -1
        np.testing.assert_array_equal(rejected, table["typicality"] <= 0.1)
        people.iloc[:1].assign(spend=1e9).to_csv("far.csv", index=False)
        command = "assign --model out/model.joblib far.csv --out far_out.csv"
        _, said, _ = run(command)
        assert "none of the above" in said
        assert pd.read_csv("far_out.csv")["segment"].tolist() == [-1]
        # No segment is probable for one that belongs to none.
        (line,) = [one for one in said.splitlines() if "none of the above" in one]
        assert line.split() == ["-1", "none", "of", "the", "above", "1"]

    def test_few_customers(self, refused, people):
        people[["visits"]].iloc[:1].to_csv("one.csv", index=False)
        assert "must have at least one column" in refused(f"segment one.csv {TO_OUT}")
        people.assign(visits=[1, 2] * 30)[["visits"]].to_csv("two.csv", index=False)
        command = "segment two.csv --numbers visits --out out --segments 3"
        assert "At least one candidate must be fit to be chosen" in refused(command)

    def test_warnings_are_notes(self, run, monkeypatch):
        fit = _results.fit

        def warning_fit(plan):
            warnings.warn("one\nand two", SegmentWarning, stacklevel=1)
            return fit(plan)

        monkeypatch.setattr(_results, "fit", warning_fit)
        code, said, error = run(f"segment people.csv {TO_OUT}")
        assert (code, error) == (0, "")
        assert "\nNote: one and two\n" in said


class TestRoles:
    def test_written_edited_and_read(self, run, folder):
        code, said, _ = run("segment people.csv --write-roles roles.toml")
        assert code == 0
        assert "Written: roles.toml" in said
        assert not folder.joinpath("out").exists()
        roles = folder / "roles.toml"
        text = roles.read_text()
        age = "  \"age\",  # numbers with 'age' in the name\n"
        assert age in text
        roles.write_text(text.replace(age, "").replace("# descr", "descr"))
        code, said, _ = run(f"segment people.csv --roles roles.toml {TO_OUT}")
        assert code == 0
        assert learned_on(said) == ["visits", "spend"]
        assert "assigned by: region (category), city (category)" in said
        assert described() == {"visits", "spend", "region", "city"}

    def test_options_overrule_the_file(self, run, folder):
        folder.joinpath("r.toml").write_text('id = "name"\nbasis = ["age"]\n')
        command = f"segment people.csv --roles r.toml --columns spend {TO_OUT}"
        code, said, _ = run(command)
        assert code == 0
        assert "Customer id: name (as asked)" in said
        assert learned_on(said) == ["spend"]

    def test_the_file_is_not_overwritten(self, run, refused, folder):
        folder.joinpath("r.toml").write_text("")
        command = "segment people.csv --write-roles r.toml"
        assert "Results must not overwrite others. Got r.toml" in refused(command)
        assert run(f"{command} --force")[0] == 0

    def test_without_a_basis_yet(self, run, folder):
        folder.joinpath("text.csv").write_text("a,b\nx,u\ny,u\nx,v\n")
        assert run("segment text.csv --write-roles r.toml")[0] == 0


class TestOrders:
    @pytest.fixture(autouse=True)
    def _orders(self):
        """Customers 0 to 54 order; the second half three times as often."""
        rng = np.random.default_rng(1)
        who = np.r_[rng.integers(0, 30, 60), rng.integers(30, 55, 180)]
        days = pd.Timestamp("2024-01-01") + pd.to_timedelta(
            rng.integers(0, 300, 240), "D"
        )
        self.orders = pd.DataFrame(
            {
                "CustomerID": [f"{i:04d}" for i in who],
                "Day": days.strftime("%d/%m/%Y"),
                "Total": rng.gamma(3, 10, 240).round(2),
            }
        )
        self.orders.loc[0, "CustomerID"] = "GUEST"
        self.orders.to_csv("orders.csv", index=False, sep=";")

    COMMAND = f"segment people.csv --transactions orders.csv {TO_OUT}"

    def test_join(self, run):
        code, said, error = run(self.COMMAND)
        assert (code, error) == (0, "")
        n = self.orders["CustomerID"].nunique() - 1
        assert f"{n} of 60 customers have orders" in said
        assert "Orders of 1 id that people.csv does not have are left out." in said
        assert "dates read as: %d/%m/%Y" in said
        assert "customer_id CustomerID, date Day, amount Total" in said
        assert learned_on(said)[3:6] == ["recency", "frequency", "monetary_value"]
        profile = pd.read_csv("out/profile.csv")
        total = profile.loc[profile["column"] == "frequency", "total"].iloc[0]
        # One order a line and day, all but the guest's.
        one_a_day = self.orders.drop_duplicates(["CustomerID", "Day"])
        assert total == pytest.approx((len(one_a_day) - 1) / 60)

    def test_orders_alone(self, run):
        code, said, _ = run(f"segment --transactions orders.csv {TO_OUT}")
        assert code == 0
        assert "Customer id: customer_id (from the orders)" in said
        assert learned_on(said)[:2] == ["recency", "frequency"]
        ids = sorted(self.orders["CustomerID"].unique())
        assert segments()["customer_id"].tolist() == ids

    def test_as_told(self, run):
        renamed = self.orders.set_axis(["kunde", "tag", "betrag"], axis=1)
        renamed.to_csv("orders.csv", index=False)
        roles = "customer_id=kunde,date=tag,amount=betrag"
        code, said, _ = run(f"{self.COMMAND} --transaction-columns {roles}")
        assert code == 0
        assert "customer_id kunde, date tag, amount betrag" in said

    def test_roles_of_orders_in_a_file(self, run):
        run(
            "segment people.csv --transactions orders.csv --date-format %d/%m/%Y "
            "--write-roles r.toml"
        )
        code, said, _ = run(f"{self.COMMAND} --roles r.toml")
        assert code == 0
        assert "dates read as: %d/%m/%Y" in said
        assert "recency" in learned_on(said)

    def test_that_cannot_be_joined(self, refused, people):
        error = refused(f"{self.COMMAND} --transaction-columns date=Foo")
        assert "must name columns of orders.csv. Got 'Foo' instead." in error
        error = refused(f"{self.COMMAND} --id name")
        assert "Got none of 60 customers with one of its" in error
        people.assign(frequency=1).to_csv("people.csv", index=False)
        assert "Got 'frequency' instead. Rename it" in refused(self.COMMAND)
        people[["visits", "spend"]].to_csv("people.csv", index=False)
        assert "must have an id to join orders by" in refused(self.COMMAND)

    def test_dates_of_two_minds(self, refused, run):
        self.orders["Day"] = "03/04/2024"
        self.orders.to_csv("orders.csv", index=False)
        assert "--date-format '%d/%m/%Y'" in refused(self.COMMAND)
        self.orders.loc[::2, "Day"] = "07/05/2024"
        self.orders.to_csv("orders.csv", index=False)
        assert run(f"{self.COMMAND} --date-format %d/%m/%Y")[0] == 0

    def test_assign_by_orders(self, run, refused):
        assert run(self.COMMAND)[0] == 0
        assign = "assign --model out/model.joblib people.csv --out new.csv"
        error = refused(assign)
        assert "Got no 'recency', 'frequency'" in error
        assert "Pass the customers' orders as --transactions" in error
        code, _, _ = run(f"{assign} --transactions orders.csv")
        assert code == 0
        new = pd.read_csv("new.csv", dtype={"customer_id": str})
        assert new["customer_id"].tolist() == segments()["customer_id"].tolist()
        assert new["segment"].tolist() == segments()["assigned"].tolist()

    ASSIGN = "assign --model out/model.joblib --out new.csv --force --transactions"

    def test_assign_by_orders_of_another_time(self, run, refused):
        # The same customer, whoever else is in the file of orders.
        code, said, _ = run(f"segment --transactions orders.csv {TO_OUT}")
        assert code == 0
        days = pd.to_datetime(self.orders["Day"], format="%d/%m/%Y")
        end = days.max().date().isoformat()
        assert f"last day of observation: {end} (the latest order)" in said
        assert joblib.load("out/model.joblib").orders_settings_["end"] == end
        early = self.orders[days < "2024-04-01"]
        last = days[early.index].max().date().isoformat()
        early.to_csv("early.csv", index=False, sep=";")
        error = refused(f"{self.ASSIGN} early.csv")
        assert f"Got orders until {last} in early.csv and until {end} in the" in error
        assert f"--until {end}" in error
        code, said, _ = run(f"{self.ASSIGN} early.csv --until {end}")
        assert code == 0
        assert f"last day of observation: {end} (--until)" in said
        # By figures that no last day enters, none has to be told.
        columns = "--columns frequency,monetary_total --force"
        run(f"segment --transactions orders.csv {TO_OUT} {columns}")
        assert run(f"{self.ASSIGN} early.csv")[0] == 0

    def test_assign_reads_orders_as_at_fitting(self, run, refused):
        self.orders["Sum"] = 1
        self.orders.to_csv("orders.csv", index=False, sep=";")
        run(
            f"segment --transactions orders.csv {TO_OUT} --returns drop "
            "--columns frequency,monetary_total "
            "--transaction-columns customer_id=CustomerID,amount=Sum"
        )
        kept = joblib.load("out/model.joblib").orders_settings_
        assert kept["returns"] == "drop"
        assert kept["columns"]["amount"] == "Sum"
        # Dates that could be read in two ways, and two columns that could be amounts.
        few = self.orders.head(3).assign(Day="03/04/2024")
        few.to_csv("few.csv", index=False, sep=";")
        code, said, _ = run(f"{self.ASSIGN} few.csv")
        assert code == 0
        assert "dates read as: %d/%m/%Y" in said
        assert "amount Sum" in said
        code, said, _ = run(f"{self.ASSIGN} few.csv --transaction-columns amount=Total")
        assert "amount Total" in said

    def test_returns_are_told_only_where_some_came(self, run):
        command = "segment --transactions orders.csv --write-roles r.toml --force"
        assert "Returns took" not in run(command)[1]
        self.orders.loc[len(self.orders)] = ["0031", "30/12/2024", -1.0]
        self.orders.to_csv("orders.csv", index=False, sep=";")
        assert "Returns took 1.00 off purchases" in run(command)[1]


class TestOutputs:
    def test_are_not_overwritten_unasked(self, run, refused, folder):
        # Pictures count as well, and nothing is read before.
        folder.joinpath("out").mkdir()
        folder.joinpath("out/profile.png").write_bytes(b"mine")
        error = refused(f"segment nowhere.csv {TO_OUT}")
        assert "Results must not overwrite others. Got out/profile.png there" in error
        assert "pass --force" in error
        assert run(f"segment people.csv {TO_OUT} --force")[0] == 0

    def test_in_the_place_of_others(self, refused, folder):
        error = refused("segment people.csv --out people.csv --force")
        assert "Got a file in the place of people.csv/segments.csv" in error
        folder.joinpath("out/segments.csv").mkdir(parents=True)
        error = refused("segment people.csv --out out --force")
        assert "Got a folder in the place of out/segments.csv" in error

    def test_are_not_the_inputs(self, refused, people):
        people.to_csv("segments.csv", index=False)
        error = refused("segment segments.csv --out . --force")
        assert "must not overwrite what they are made from. Got segments.csv" in error


class TestFiles:
    def test_latin_1_and_decimal_commas(self, run, people, folder):
        people = people.assign(city=["Köln", "Ulm"] * 30)
        people.to_csv("p.csv", index=False, sep=";", decimal=",", encoding="cp1252")
        code, said, _ = run(f"segment p.csv {TO_OUT}")
        assert code == 0
        assert "Windows-1252 (Latin-1), separator semicolon, decimal comma" in said
        assert learned_on(said) == ["visits", "spend", "age"]
        levels = pd.read_csv("out/profile.csv")["level"].dropna()
        assert "Köln" in set(levels)

    def test_thousands_in_a_file_of_decimal_commas(self, run, refused, folder):
        text = "id;umsatz;preis\n1;1.107;1,5\n2;2.300;2,5\n3;12.400;1,0\n"
        folder.joinpath("m2.csv").write_text(text)
        code, said, error = run("segment m2.csv --write-roles r.toml")
        assert (code, error) == (0, "")
        assert "separator semicolon, decimal comma;" in said
        assert learned_on(said) == ["preis"]
        assert "umsatz  numbers with points, which may mark thousands or decim" in said
        error = refused("segment m2.csv --columns umsatz --out om2")
        assert "Got 'umsatz' instead (numbers with points, which may mark" in error

    def test_points_that_may_mark_thousands(self, run, folder):
        text = "id;umsatz\n1;1.107\n2;2.300\n3;12.400\n"
        folder.joinpath("m.csv").write_text(text)
        said = run("segment m.csv --write-roles r.toml")[1]
        assert "m.csv (CSV, UTF-8, separator semicolon, decimal point; 3 rows" in said
        assert "\nNote: 'umsatz' of m.csv: each point stands before exactly" in said

    def test_parquet(self, run, people):
        pytest.importorskip("pyarrow")
        people["customer_id"] = range(100, 160)
        people.to_parquet("p.parquet")
        code, said, _ = run(f"segment p.parquet {TO_OUT}")
        assert code == 0
        assert "p.parquet (Parquet; 60 rows, 8 columns)" in said
        command = "assign --model out/model.joblib p.parquet --out new.parquet"
        assert run(command)[0] == 0
        new = pd.read_parquet("new.parquet")
        assert new["customer_id"].tolist() == [str(i) for i in range(100, 160)]
        assert new["segment"].tolist() == segments()["assigned"].tolist()

    def test_missing(self, refused):
        error = refused("segment no.csv --out out")
        assert error.startswith("custseg: There is no file no.csv. Check its name")
        assert "custseg: . is a folder." in refused("segment . --out out")


@pytest.mark.usefixtures("pictures")
def test_pictures_of_the_wholesale_clients(run, folder):
    clients = load_wholesale()
    clients.insert(0, "client", [f"{i:04d}" for i in range(440)])
    clients.to_csv("clients.csv", index=False)
    code, said, error = run("segment clients.csv --out out --segments 2")
    assert (code, error) == (0, "")
    spend = list(clients.columns[3:])
    assert learned_on(said) == spend
    for picture in ("selection", "profile", "silhouette"):
        content = folder.joinpath("out", f"{picture}.png").read_bytes()
        assert content.startswith(b"\x89PNG")
    model = joblib.load("out/model.joblib")
    assert isinstance(model, SegmentationModel)
    assert list(model.basis) == spend
    profile = pd.read_csv("out/profile.csv")
    assert set(profile["column"]) == {*spend, "Channel", "Region"}
    sizes = profile.groupby("segment")["size"].first().tolist()
    assert sizes == segments()["segment"].value_counts().tolist()
    # One of the two segments is the retailers, without being told of it.
    shares = pd.crosstab(segments()["segment"], clients["Channel"], normalize="columns")
    assert shares.to_numpy().max(axis=0).min() > 0.8
