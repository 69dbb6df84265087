"""Orders: columns by name, dates in one way only, ids over two files."""

import re

import pandas as pd
import pytest

from custseg.cli._files import read_table
from custseg.cli._order_file import Known, find_columns, join, read_dates, summarize
from custseg.tables import TransactionColumns


def write(folder, text, name="orders.csv"):
    (folder / name).write_text(text)
    return read_table(name)


def dates(folder, *texts, date_format=None, known_format=None):
    file = write(folder, "\n".join(["Day;n", *(f"{text};1" for text in texts)]) + "\n")
    return read_dates(file, "Day", date_format, known_format)


class TestDates:
    @pytest.mark.parametrize(
        ("text", "form"),
        [
            ("2024-02-13", "ISO 8601 (year-month-day)"),
            ("20240213", "ISO 8601 (year-month-day)"),
            ("2024-02-13T10:30:00", "ISO 8601 (year-month-day)"),
            ("13/02/2024", "%d/%m/%Y"),
            ("13.2.2024", "%d.%m.%Y"),
            ("02-13-2024", "%m-%d-%Y"),
            ("13/02/24", "%d/%m/%y"),
            ("2/13/2024 10:30", "%m/%d/%Y %H:%M"),
            ("2/13/2024 10:30:00 AM", "%m/%d/%Y %I:%M:%S %p"),
            ("2024/02/13", "%Y/%m/%d"),
        ],
    )
    def test_one_form_for_all(self, folder, text, form):
        parsed, found = dates(folder, text, "")
        assert found == form
        assert parsed.dt.normalize().tolist()[0] == pd.Timestamp("2024-02-13")
        assert parsed.isna().tolist() == [False, True]

    def test_one_date_settles_the_others(self, folder):
        parsed, form = dates(folder, "03/04/2024", "13/04/2024")
        assert form == "%d/%m/%Y"
        assert parsed.dt.month.tolist() == [4, 4]

    def test_day_first_or_month_first(self, folder):
        message = "Got 2 dates that %d/%m/%Y and %m/%d/%Y all fit instead."
        with pytest.raises(ValueError, match=re.escape(message)):
            dates(folder, "03/04/2024", "05/06/2024", "03/04/2024")
        parsed, _ = dates(folder, "03/04/2024", date_format="%m/%d/%Y")
        assert parsed.tolist() == [pd.Timestamp("2024-03-04")]

    def test_the_form_of_earlier_orders_decides_between_two(self, folder):
        known = {"known_format": "%m/%d/%Y"}
        parsed, form = dates(folder, "03/04/2024", **known)
        assert (form, parsed[0]) == ("%m/%d/%Y", pd.Timestamp("2024-03-04"))
        # It does not where it does not fit.
        parsed, form = dates(folder, "03/04/2024", "13/04/2024", **known)
        assert (form, parsed[0]) == ("%d/%m/%Y", pd.Timestamp("2024-04-03"))
        assert dates(folder, "2024-03-04", **known)[1] == "ISO 8601 (year-month-day)"

    @pytest.mark.parametrize(
        ("texts", "date_format", "message"),
        [
            (
                ["13/04/2024", "14/04/2024", "04/15/2024", "soon"],
                None,
                "of the form %d/%m/%Y in every row. Got 2 of 4 rows with others "
                "instead (first in row 3)",
            ),
            (["soon", "later"], None, "of a form that is known in every row. Got 2 of"),
            (["2024-01-05", "2024-13-05"], None, "Got 1 of 2 rows with others instead"),
            (["13/04/2024"], "%m/%d/%Y", "of the form %m/%d/%Y in every row. Got 1 of"),
            (["13/04/2024"], "%Q", "of the form %Q in every row."),
        ],
    )
    def test_nothing_becomes_missing(self, folder, texts, date_format, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            dates(folder, *texts, date_format=date_format)


class TestColumns:
    def test_by_name_or_as_told(self, folder):
        file = write(
            folder, "Customer ID,Invoice_No,Tag,Qty,Price,amount\na,1,x,2,3,6\n"
        )
        with pytest.raises(ValueError, match=re.escape("must have a column for date.")):
            find_columns(file, {})
        assert find_columns(file, {"date": "Tag"}) == TransactionColumns(
            customer_id="Customer ID",
            date="Tag",
            transaction_id="Invoice_No",
            quantity="Qty",
            unit_price="Price",
        )
        told = find_columns(file, {"date": "Tag", "amount": "amount"})
        assert told.amount == "amount"

    def test_the_customer(self, folder):
        file = write(folder, "id,client,day,total,who\n1,a,2024-01-01,3,b\n")
        assert find_columns(file, {}).customer_id == "client"
        assert find_columns(file, {}, "who").customer_id == "who"
        # The id of a line of orders is no customer, though customers have an `id`.
        assert find_columns(file, {}, "id").customer_id == "client"
        file = write(folder, "id,day,total\n1,2024-01-01,3\n")
        assert find_columns(file, {}, "id").customer_id == "id"

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"when": "day"}, "Roles of --transaction-columns must be among"),
            ({"date": "Foo"}, "must name columns of orders.csv. Got 'Foo' instead."),
            ({}, "must have a column for amount (or quantity and unit_price)."),
        ],
    )
    def test_that_are_not_there(self, folder, given, message):
        file = write(folder, "client,day,x\n1,2024-01-01,3\n")
        with pytest.raises(ValueError, match=re.escape(message)):
            find_columns(file, given)


COLUMNS = TransactionColumns(customer_id="client", date="day", amount="total")


class TestPurchases:
    # Ids as text; 0101 has two orders of 10 and 20, ten days apart.
    LINES = (
        "client,day,total,returned_amount\n"
        "0101,2024-01-01,10,x\n0101,2024-01-11,20,x\nGUEST,2024-01-05,7,x\n"
        ",2024-01-06,9,x\n0202,2024-01-11,5,x\n"
    )

    def test_ids_keep_their_zeros(self, folder):
        purchases, report = summarize(write(folder, self.LINES), COLUMNS)[:2]
        assert purchases.index.tolist() == ["0101", "0202", "GUEST"]
        assert purchases.loc["0101", "monetary_value"] == 15
        assert report.n_rows_dropped == 1  # without an id

    def test_until(self, folder):
        file = write(folder, self.LINES)
        found = summarize(file, COLUMNS, until="2024-01-05")
        assert found[3:] == ("2024-01-05", "--until")
        purchases = found.table
        assert purchases.loc["0101", ["frequency", "recency"]].tolist() == [1, 4]

    def test_the_latest_order_ends_the_observation(self, folder):
        found = summarize(write(folder, self.LINES), COLUMNS)
        assert found[3:] == ("2024-01-11", "the latest order")

    def test_another_last_day_than_at_fitting(self, folder):
        # 0101 ordered on 11 January: recency 0 by this file, 20 at the end of January.
        file = write(folder, self.LINES)
        known = Known(needs_end=True, end="2024-01-31")
        message = (
            "Got orders until 2024-01-11 in orders.csv and until 2024-01-31 in the "
            "model instead. Pass the day up to which orders.csv would show orders, for "
            "example --until 2024-01-31."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            summarize(file, COLUMNS, known=known)
        told = summarize(file, COLUMNS, known=known, until="2024-01-31")
        assert told.table.loc["0101", "recency"] == 20
        careless = summarize(file, COLUMNS, known=known._replace(needs_end=False))
        assert careless.end == "2024-01-11"
        with pytest.raises(ValueError, match="until a day that it does not tell"):
            summarize(file, COLUMNS, known=Known(needs_end=True))

    def test_the_same_last_day_as_at_fitting(self, folder):
        # With times, the end of a day that was told is later than its latest order.
        file = write(folder, "client,day,total\na,2024-01-11 06:00:00,1\n")
        known = Known(needs_end=True, end="2024-01-11")
        assert summarize(file, COLUMNS, known=known).table["recency"].tolist() == [0]
        known = known._replace(until="2024-01-11")
        found = summarize(file, COLUMNS, known=known).table
        assert found["recency"].tolist() == [0.75]

    def test_amounts_that_are_no_numbers(self, folder):
        file = write(folder, "client,day,total\na,2024-01-01,1\nb,2024-01-02,n.a.\n")
        message = "must hold numbers, as it is the amount. Got text in 1 of 2 rows"
        with pytest.raises(ValueError, match=re.escape(message)):
            summarize(file, COLUMNS)

    def test_amounts_with_one_cell_that_is_none(self, folder):
        # 1,5 is a number with a decimal comma; only `abc` is none.
        lines = "client;day;total\na;2024-01-01;1,5\nb;2024-01-02;abc\n"
        file = write(folder, lines + "c;2024-01-03;2\n")
        message = "Got text in 1 of 3 rows instead (first in row 2)."
        with pytest.raises(ValueError, match=re.escape(message)):
            summarize(file, COLUMNS)

    def test_amounts_with_the_other_sign(self, folder):
        lines = "client;day;total;fee\na;2024-01-01;1.500;1,5\nb;2024-01-02;2.000;1\n"
        message = (
            "Got numbers with points, which may mark thousands or decimals, in a file "
            "of decimal commas instead. Write 1234,5 without other marks"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            summarize(write(folder, lines), COLUMNS)

    def test_nothing_that_counts(self, folder):
        file = write(folder, "client,day,total\n,2024-01-01,1\n,2024-01-02,2\n")
        message = "must have orders. Got none of 2 rows that may count as one instead"
        with pytest.raises(ValueError, match=re.escape(message)):
            summarize(file, COLUMNS)

    def joined(self, folder, ids, **columns):
        purchases = summarize(write(folder, self.LINES), COLUMNS).table
        table = pd.DataFrame({"client": ids, **columns})
        ids = pd.Series(ids, dtype=object)
        return join(table, ids, purchases, ("people.csv", "orders.csv"))

    def test_join(self, folder):
        table, said = self.joined(folder, ["7", "0101"])
        assert table["frequency"].tolist() == [0, 2]
        assert table["monetary_total"].tolist() == [0, 30]
        assert table["recency"].isna().tolist() == [True, False]
        assert "1 of 2 customers have orders; the others count as" in said
        assert "Orders of 2 ids that people.csv does not have are left out." in said

    def test_ids_with_a_decimal_that_a_gap_left_behind(self, folder):
        lines = self.LINES.replace("0101", "101").replace("0202", "202")
        purchases = summarize(write(folder, lines), COLUMNS).table
        ids = pd.Series(["101.0", "303.0"], dtype=object)
        table, _ = join(pd.DataFrame({"a": [1, 2]}), ids, purchases, ("p", "o"))
        assert table["frequency"].tolist() == [2, 0]

    def test_nobody_has_orders(self, folder):
        message = "Got none of 2 customers with one of its 3 ids instead. 1 would match"
        with pytest.raises(ValueError, match=re.escape(message)):
            self.joined(folder, ["101", "5"])
        with pytest.raises(ValueError, match=re.escape("Check the id columns (--id")):
            self.joined(folder, ["x", "y"])

    def test_a_column_of_the_same_name(self, folder):
        message = "people.csv must have no column that is worked out from the orders."
        with pytest.raises(ValueError, match=re.escape(message)):
            self.joined(folder, ["0101"], frequency=[1])
