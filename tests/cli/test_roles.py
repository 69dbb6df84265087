"""What columns are for: ids, the basis, what is only described, and wishes."""

import re

import numpy as np
import pandas as pd
import pytest

from custseg.cli._column_uses import ColumnUse, Wishes, propose, settle
from custseg.cli._files import TableFile
from custseg.cli._id_column import find_id
from custseg.cli._role_file import read_roles, roles_as_toml
from custseg.columns import id_rank


def as_file(**columns):
    frame = pd.DataFrame(columns)
    texts = frame.astype(object).map(lambda one: one if pd.isna(one) else str(one))
    return TableFile("t.csv", frame, "", texts.__getitem__)


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["id", "ID", "uuid", "customer_id", "CustomerID", "customerid", "CUSTOMER ID"]
        + ["client_id", "ClientNo", "client", "Customer", "user-id", "accountNumber"]
        + ["id_customer", "crm_customer_id", "memberKey"]
        + ["CUSTOMER_ID", "Customer ID", "Customer Id", "customer_no", "CustomerIDs"],
    )
    def test_of_customer_ids(self, name):
        assert id_rank(name) is not None

    @pytest.mark.parametrize(
        "name",
        ["paid", "amount_paid", "spend_per_customer", "humid", "Valid", "grid", ""]
        + ["customers", "number_of_orders", "n_clients", "customer_age", "idle", "no"],
    )
    def test_of_others(self, name):
        assert id_rank(name) is None


class TestFindId:
    def test_names_come_before_values(self):
        file = as_file(name=["a", "b", "c"], customer_id=["x", "y", "z"])
        name, reason, ids = find_id(file)
        assert (name, reason) == (
            "customer_id",
            "by its name; a different one in each row",
        )
        assert ids.tolist() == ["x", "y", "z"]

    def test_surer_names_first(self):
        assert find_id(as_file(id=[1, 2], CustomerID=[5, 3]))[0] == "CustomerID"
        # A household may hold two customers.
        assert find_id(as_file(household_id=[1, 1], id=[5, 3]))[0] == "id"

    def test_by_values(self):
        file = as_file(a=[1.5, 2.5], day=["2024-01-01", "2024-01-02"], tag=["u", "v"])
        assert find_id(file)[:2] == ("tag", "a different text in each row")
        assert find_id(as_file(a=[3.0, 4.0], row=[7, 8]))[0] == "row"
        assert find_id(as_file(a=["1 EUR", "2 EUR"], n=[4, 9]))[0] is None
        file = as_file(name=["u", "v"], zip=[3, 4], **{"Kunden-Nr": [17, 4]})
        assert find_id(file)[0] == "Kunden-Nr"

    def test_fractions_and_flags_are_no_ids(self):
        assert find_id(as_file(customer=[0.5, 0.7, 0.9]))[0] is None
        assert find_id(as_file(client=["yes", "no", "yes"]))[0] is None
        assert find_id(as_file(customer=[True, False]))[0] is None

    @pytest.mark.parametrize(
        ("ids", "counts"),
        [
            (["a", "b", "a"], "Got 0 missing ids and 1 repeated in 3 rows instead."),
            (["a", None, "b"], "Got 1 missing id and 0 repeated in 3 rows instead."),
        ],
    )
    def test_gaps_and_repetitions(self, ids, counts):
        file = as_file(customer_id=ids, tag=["u", "v", "w"])
        message = "Column 'customer_id' of t.csv must have one id a customer"
        with pytest.raises(ValueError, match=re.escape(message)) as caught:
            find_id(file)
        assert counts in str(caught.value)
        assert "--no-id" in str(caught.value)
        assert find_id(file, "tag")[0] == "tag"
        assert find_id(file, "")[0] is None

    def test_unknown(self):
        message = "The customer id must be a column of t.csv. Got 'key' instead."
        with pytest.raises(ValueError, match=re.escape(message)):
            find_id(as_file(a=[1]), "key")


def proposed(**columns):
    return {role.column: role[1:] for role in propose(pd.DataFrame(columns))}


class TestPropose:
    def test_numbers(self):
        roles = proposed(
            spend=[1.5, 2.5, 9.0, -2.25] * 5 + [None] * 2,
            rare=[None] * 19 + [1.5, 2.5, 3.5],
            same=[5] * 22,
            none=[np.nan] * 22,
            row=range(22),
            paid=[*range(21), 30],
        )
        assert roles["spend"] == (
            "basis",
            "number",
            "numbers with 'spend' in the name, 2 missing (count as the median)",
        )
        assert roles["rare"][:2] == ("profile", "number")
        assert roles["rare"][2].endswith(", 86% missing")
        assert roles["same"] == ("none", "", "one value for all customers")
        assert roles["none"] == ("none", "", "no value at all")
        assert roles["row"][:2] == ("none", "number")
        assert roles["paid"][:2] == ("basis", "number")

    def test_few_negatives_are_counted(self):
        reason = proposed(a=[*range(2, 40, 2), -5])["a"][2]
        assert reason.endswith(", 1 negative")

    def test_codes(self):
        codes = (
            "profile",
            "codes",
            "whole numbers 1 to 4 with 4 values: codes, not counts",
        )
        assert proposed(region=[1, 2, 3, 4] * 10)["region"] == codes
        few = proposed(region=[1.0, 2.0, 3.0, 4.0, None] * 10)["region"]
        assert few == (*codes[:2], f"{codes[2]}, 10 missing")
        assert proposed(visits=[1, 2, 3, 4, 5] * 8)["visits"][0] == "basis"
        assert proposed(visits=list(range(10)) * 10)["visits"][0] == "basis"
        assert proposed(code=list(range(10)) * 10)["code"][1] == "codes"
        assert proposed(churn=[0, 1] * 20)["churn"][0] == "profile"
        assert proposed(share=[0.5, 0.25] * 20)["share"][0] == "basis"

    def test_figures_of_orders_are_never_codes(self):
        table = pd.DataFrame({"frequency": [1, 2] * 20, "gap_sd": [1.0] * 40})
        roles = propose(table, made=("frequency", "gap_sd"))
        assert roles[0] == ColumnUse("frequency", "basis", "number", "from the orders")
        assert roles[1].use == "none"

    def test_text(self):
        many = [f"street {i % 30}" for i in range(60)]
        roles = proposed(
            city=["Ulm", None, "Bonn"] * 20,
            email=[f"{i}@x" for i in range(60)],
            street=many,
            signup=["03.04.2024 10:00", "13/12/23"] * 30,
            member=[True, False, None] * 20,
            flag=[True, False] * 30,
            price=["1.234,50 EUR", "€ 12"] * 30,
            visits=["3", "4", "many"] * 20,
        )
        assert roles["city"] == (
            "profile",
            "levels",
            "2 levels with 'city' in the name, 20 missing",
        )
        assert roles["email"] == (
            "none",
            "",
            "another value for every customer: an identifier",
        )
        assert roles["street"][0] == "none"
        assert roles["signup"][:2] == ("none", "")
        assert roles["signup"][2].startswith("dates written as text")
        assert roles["member"][:2] == roles["flag"][:2] == ("profile", "levels")
        assert roles["price"][1:] == (
            "",
            "text like numbers: write 1234.5 without marks to use it",
        )
        assert roles["visits"][2].startswith(
            "numbers, but for 20 of 60 values (first in row 3)"
        )

    def test_text_that_is_almost_numbers(self):
        # Row 2 is none by either sign; rows 1 and 4 are some by the comma.
        roles = proposed(a=["1,5", "abc", "2", "3,25"])
        assert roles["a"][2] == (
            "numbers with commas, but for 1 of 4 values (first in row 2), so it was "
            "read as text: mend these to use it"
        )
        table = pd.DataFrame({"a": ["1,5", "2", "many", "3,25"]})
        (role,) = propose(table, decimal=",")
        assert role.reason.startswith("numbers, but for 1 of 4 values (first in row 3)")

    @pytest.mark.parametrize(
        ("decimal", "values", "words"),
        [
            (",", ["1.107", "2.300", "12.400"], ("points", "commas", "1234,5")),
            (".", ["1,107", "2,300", "12,400"], ("commas", "points", "1234.5")),
        ],
    )
    def test_numbers_by_the_other_sign(self, decimal, values, words):
        (role,) = propose(pd.DataFrame({"a": values}), decimal=decimal)
        assert role[1:] == (
            "none",
            "",
            "numbers with {}, which may mark thousands or decimals, in a file of "
            "decimal {}: write {} without other marks to use it".format(*words),
        )

    def test_numbers_too_long_for_a_number(self):
        long = [f"{10**30 + i}" for i in (5, 7, 7)]
        assert proposed(a=long)["a"][2].startswith("text like numbers")

    def test_names_of_labels(self):
        numbers = [3, 1, 4, 15, 9, 2, 6, 5, 35, 8] * 3
        for name in ("store_id", "customer_id", "account_id"):
            assert proposed(**{name: numbers})[name][0] == "none", name
        for name in ("zip", "PostalCode", "Kunden-Nr"):
            assert proposed(**{name: numbers})[name][:2] == ("profile", "codes"), name
        assert proposed(spend_per_customer=numbers)["spend_per_customer"][0] == "basis"
        assert proposed(customer=[n / 2 for n in numbers])["customer"][0] == "basis"

    def test_days_written_together(self):
        days = [20240131, 20240201, None]
        assert proposed(a=days)["a"][:2] == ("none", "")
        # The 31st of February is no day.
        assert proposed(a=[20240131, 20240231] * 2 + [20240101])["a"][1] == "codes"

    def test_what_cannot_be_compared(self):
        assert proposed(a=[[1], [2]])["a"] == (
            "none",
            "",
            "neither numbers, text nor dates",
        )
        dates = pd.date_range("2024-01-01", periods=2)
        assert proposed(a=dates)["a"][:2] == ("none", "")


ROLES = [
    ColumnUse("key", "id", "", "by its name"),
    ColumnUse("visits", "basis", "number", "numbers"),
    ColumnUse("spend", "basis", "number", "numbers"),
    ColumnUse("region", "profile", "codes", "3 whole numbers, taken for codes"),
    ColumnUse("city", "profile", "levels", "text, 2 levels"),
    ColumnUse("email", "none", "", "a different text in each row"),
]


def settled(**wishes):
    return {role.column: role[1:3] for role in settle(ROLES, Wishes(**wishes))}


class TestWishes:
    AS_PROPOSED = {role.column: role[1:3] for role in ROLES}

    def test_none(self):
        assert settle(ROLES, Wishes()) == ROLES

    def test_basis(self):
        roles = settled(basis=["spend", "region", "city"])
        assert roles == self.AS_PROPOSED | {
            "visits": ("profile", "number"),
            "region": ("basis", "number"),
            "city": ("basis", "levels"),
        }
        roles = settled(basis=["spend", "region"], categories=["region"])
        assert roles["region"] == ("basis", "codes")

    def test_exclude(self):
        assert settled(exclude=["spend", "key", "city"]) == self.AS_PROPOSED | {
            "spend": ("profile", "number")
        }
        roles = settled(basis=["spend", "visits"], exclude=["spend"])
        assert roles["spend"] == ("profile", "number")

    def test_kinds(self):
        roles = settled(categories=["visits", "city"], numbers=["region"])
        assert roles == self.AS_PROPOSED | {
            "visits": ("profile", "codes"),
            "region": ("basis", "number"),
        }

    def test_profile_and_ignore(self):
        roles = settled(basis=["spend"], profile=["visits"], ignore=["city"])
        assert roles == self.AS_PROPOSED | {
            "visits": ("profile", "number"),
            "region": ("none", "codes"),
            "city": ("none", "levels"),
        }

    @pytest.mark.parametrize(
        ("wishes", "message"),
        [
            ({"basis": ["x"]}, "The basis (--columns) must name columns of the table."),
            ({"exclude": ["x"]}, "--exclude must name columns of the table. Got 'x'"),
            ({"descriptors": ["x"]}, "--descriptors must name columns of the table."),
            (
                {"basis": ["email"]},
                "Got 'email' instead (a different text in each row)",
            ),
            ({"descriptors": ["key"]}, "Got 'key' instead (the customer id)"),
            (
                {"numbers": ["city"]},
                "--numbers must name columns of numbers. Got 'city'",
            ),
            (
                {"categories": ["email"]},
                "--categories must name columns that customers",
            ),
            (
                {"numbers": ["visits"], "categories": ["visits"]},
                "must be read as numbers or as categories. Got ['visits'] as both",
            ),
        ],
    )
    def test_that_cannot_be(self, wishes, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            settle(ROLES, Wishes(**wishes))


class TestRoleFile:
    def test_there_and_back(self, folder):
        orders = {"customer_id": 'the "id"', "date_format": "%d/%m/%Y"}
        wishes = Wishes(descriptors=["region"])
        text = roles_as_toml("r.toml", ROLES, wishes, orders)
        (folder / "r.toml").write_text(text, encoding="utf-8")
        assert read_roles("r.toml") == Wishes(
            id="key",
            basis=["visits", "spend"],
            profile=["region", "city"],
            categories=["region"],
            ignore=["email"],
            descriptors=["region"],
            transactions=orders,
        )
        back = settle(ROLES, read_roles("r.toml"))
        assert [role[:3] for role in back] == [role[:3] for role in ROLES]

    def test_reasons_stand_beside_the_names(self):
        text = roles_as_toml("r.toml", ROLES, Wishes())
        assert '  "region",  # 3 whole numbers, taken for codes\n' in text

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("basis = \n", "r.toml must be a TOML file of roles."),
            ("base = ['a']\n", "Got 'base' instead. Rename or remove them."),
            ("basis = 'a'\n", 'basis in r.toml must be a list such as ["a", "b"].'),
            ("basis = [1]\n", 'basis in r.toml must be a list such as ["a", "b"].'),
            ("id = 1\n", 'id in r.toml must be a name, or "" for none.'),
            ("transactions = 1\n", "transactions in r.toml must be a table of lines"),
        ],
    )
    def test_that_cannot_be_read(self, folder, text, message):
        (folder / "r.toml").write_text(text)
        with pytest.raises(ValueError, match=re.escape(message)):
            read_roles("r.toml")
