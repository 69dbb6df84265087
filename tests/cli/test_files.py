"""Reading tables: form found and said, nothing shifted, nothing lost in silence."""

import importlib.util
import re

import numpy as np
import pandas as pd
import pytest

from custseg.cli._files import check_ending, read_table, write_table

TWO_ROWS = {"name": ["Müller", "Gül"], "spend": [1.5, 20.25]}


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with a byte order mark"),
        ("cp1252", "Windows-1252 (Latin-1)"),
        ("utf-16", "UTF-16"),
    ],
)
@pytest.mark.parametrize(
    ("separator", "word"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")]
)
def test_encoding_and_separator_are_found_and_said(
    folder, encoding, words, separator, word
):
    text = f"name{separator}spend\nMüller{separator}1.5\nGül{separator}20.25\n"
    (folder / "a.csv").write_bytes(text.encode(encoding))
    file = read_table("a.csv")
    assert file.frame.to_dict("list") == TWO_ROWS
    assert file.found == (
        f"CSV, {words}, separator {word}, decimal point; 2 rows, 2 columns"
    )


def test_gzip_by_its_ending(folder):
    pd.DataFrame(TWO_ROWS).to_csv("a.csv.gz", index=False)
    assert read_table("a.csv.gz").frame.to_dict("list") == TWO_ROWS


def test_separators_within_quoted_names_do_not_count(folder):
    text = '"spend; net, EUR; all";"a, b, c, d";n\n1;2;3\n4;5;6\n'
    (folder / "a.csv").write_text(text)
    names = ["spend; net, EUR; all", "a, b, c, d", "n"]
    assert list(read_table("a.csv").frame.columns) == names


def test_decimal_commas(folder):
    # 1,500 might be thousands, 12,5 cannot be.
    (folder / "a.csv").write_text("a;b;c\n1,500;x;1.5\n12,5;y;2\n")
    file = read_table("a.csv")
    assert file.frame["a"].tolist() == [1.5, 12.5]
    assert "decimal comma" in file.found
    (folder / "a.csv").write_text("a;b\n1,500;x\n12,500;y\n")
    file = read_table("a.csv")
    assert file.frame["a"].tolist() == ["1,500", "12,500"]
    assert "decimal" not in file.found


class TestPointsBeforeThreeDigits:
    """1.234 is 1234 where points mark thousands, which semicolons hint at."""

    @pytest.mark.parametrize("numbers", ["1.234 2.500", "1.234 7", "-12.340 250.000"])
    def test_are_doubted(self, folder, numbers):
        lines = "".join(f"a;{number}\n" for number in numbers.split())
        (folder / "a.csv").write_text(f"id;umsatz\n{lines}")
        file = read_table("a.csv")
        (doubt,) = file.doubts
        assert doubt.startswith("'umsatz' of a.csv: each point stands before exactly")
        assert file.frame["umsatz"].tolist() == list(map(float, numbers.split()))

    @pytest.mark.parametrize(
        "numbers", ["1.234 2.5", "1.234 1000", "0.125 1.250", "1.234 1000.250", "1 2"]
    )
    def test_cannot_all_mark_thousands(self, folder, numbers):
        lines = "".join(f"a;{number}\n" for number in numbers.split())
        (folder / "a.csv").write_text(f"id;umsatz\n{lines}")
        assert not read_table("a.csv").doubts

    def test_between_commas_are_decimal_points(self, folder):
        (folder / "a.csv").write_text("id,umsatz\na,1.234\nb,2.500\n")
        assert not read_table("a.csv").doubts


def test_whole_numbers_have_no_decimal_sign(folder):
    (folder / "a.csv").write_text("a;b\n1;x\n12;y\n")
    found = read_table("a.csv").found
    assert found == "CSV, UTF-8, separator semicolon; 2 rows, 2 columns"


@pytest.mark.parametrize("name", ["a.xlsx", "a.tsv", "a", "a.csv.zip"])
def test_endings_that_say_something_else(name):
    message = "--out must end in .csv, .csv.gz or .parquet, the kinds of table that are"
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        check_ending(name)
    assert f"Got {name!r} instead." in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.csv.gz", "b/a.parquet", "a.pq"])
def test_endings_of_tables(name):
    check_ending(name)


def test_a_separator_too_many_does_not_shift_columns(folder):
    (folder / "a.csv").write_text("a,b\n1,2,\n3,4,\n")
    assert read_table("a.csv").frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    (folder / "a.csv").write_text("a,b\n1,2\n3,4, \n")
    assert read_table("a.csv").frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}


def test_rows_without_a_value_are_left_out_and_said(folder):
    (folder / "a.csv").write_text("id,a\n007,1\n,\n\n008,2\n , \n")
    file = read_table("a.csv")
    assert file.frame["a"].tolist() == [1, 2]
    assert file.text("id").tolist() == ["007", "008"]
    assert file.found.endswith("2 rows, 2 columns; 2 empty rows left out")


def test_ids_are_read_as_they_stand(folder):
    big = 2**53 + 1
    text = f"id,hour,big\n0101,05,{big}\n NA ,06,\nGUEST,,{big + 2}\n,07,12\nNULL,1,1\n"
    (folder / "a.csv").write_text(text)
    file = read_table("a.csv")
    assert file.text("id").tolist() == ["0101", "NA", "GUEST", None, None]
    assert file.text("big").tolist() == [str(big), None, str(big + 2), "12", "1"]
    np.testing.assert_array_equal(file.frame["hour"], [5, 6, np.nan, 7, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must start with a line of column names. Got an empty file instead."),
        (b"\n \n", "must start with a line of column names. Got an empty file"),
        (b"a,b\n", "must have one row a customer, or one a line of an order, below"),
        (b"a,b\n,\n,\n", "must have values. Got 2 rows without any instead."),
        (b"1,2\n3,4\n", "column names. Got a first line of numbers instead."),
        (b"a b\n1 2\n3 4\n", "Got lines that ' ' seems to separate instead."),
        (b"a:b\n1:2\n3:4\n", "Got lines that ':' seems to separate instead."),
        (b"a,a,b\n1,2,3\n", "Got 'a' more than once instead."),
        (
            b"a,b\n1,2\n1,2,3\n4,5\n6,7,8\n",
            "must have 2 fields in each line, as its first line has. Got 3 in line 3 "
            "(2 such lines in all) instead.",
        ),
        (b"a,b\n1\n2,3\n", "Got 1 in line 2 instead. Mend the line"),
        (b'a\n"1\n3\n', "Look for a quotation mark that is never closed."),
        (b"a,b\n\x00\x01\n", "must be text in UTF-8, UTF-16 or Windows-1252."),
        (b"a,b\n\xe9,\x81\n", "must be text in UTF-8, UTF-16 or Windows-1252."),
        (b"PK\x03\x04rest", "Got an Excel workbook or another archive instead."),
        (b"PAR1rest", "Got a Parquet file instead."),
    ],
)
def test_files_that_are_no_tables(folder, content, message):
    (folder / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_table("a.csv")


def test_no_file(folder):
    with pytest.raises(OSError, match=re.escape("There is no file no.csv. Check")):
        read_table("no.csv")
    with pytest.raises(OSError, match=re.escape(". is a folder. Name a file in it.")):
        read_table(".")


def test_parquet_without_pyarrow_names_the_extra(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (folder / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=re.escape('pip install "custseg[parquet]"')):
        read_table("a.parquet")


class TestParquet:
    @pytest.fixture(autouse=True)
    def _pyarrow(self):
        pytest.importorskip("pyarrow")

    def test_there_and_back(self, folder):
        write_table(pd.DataFrame(TWO_ROWS), "a.parquet")
        file = read_table("a.parquet")
        assert file.frame.to_dict("list") == TWO_ROWS
        assert file.found == "Parquet; 2 rows, 2 columns"

    def test_ids(self, folder):
        table = pd.DataFrame({"id": [1.0, None, 30.0], "a": [1, 2, 3]})
        table.to_parquet("a.parquet")
        assert read_table("a.parquet").text("id").tolist() == ["1", None, "30"]

    def test_an_index_with_a_name_is_a_column(self, folder):
        table = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="id"))
        table.to_parquet("a.parquet")
        assert read_table("a.parquet").text("id").tolist() == ["x", "y"]

    def test_no_parquet(self, folder):
        (folder / "a.parquet").write_bytes(b"a,b\n1,2\n")
        with pytest.raises(ValueError, match="must be a Parquet file"):
            read_table("a.parquet")
