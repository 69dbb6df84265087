"""What is handed on is executed, and agrees with `predict` on every customer."""

import json
import math
import operator
import re
import sqlite3
import sys
from contextlib import closing
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from openpyxl.formula import Tokenizer
from openpyxl.utils.cell import range_boundaries

from custseg import TypingTool
from custseg.exceptions import SchemaError


def scaled_answers():
    """Whole answers from 1 to 5, of which many customers give the same."""
    rng = np.random.default_rng(0)
    segments = rng.integers(0, 4, 200)
    X = np.clip(np.rint(rng.normal(3, 1, (200, 8)) + np.eye(4, 8)[segments]), 1, 5)
    names = [f"q{i}" for i in range(8)]
    return pd.DataFrame(X.astype(int), columns=names), segments


def odd_names():
    """Names that need quoting, and names of segments that do."""
    rng = np.random.default_rng(1)
    segments = rng.integers(0, 3, 150)
    X = rng.normal(100, 20, (150, 4)) + 15 * np.eye(3, 4)[segments]
    names = ['say "yes"', "select", "=1+1", "Größe, in %"]
    kinds = np.array(["it's", "=SUM(A1)", "third; DROP TABLE customers"])
    return pd.DataFrame(X, columns=names), kinds[segments]


def ties():
    """Two segments that are mirrored: a customer in the middle is in neither more."""
    X = pd.DataFrame({"a": [1, 2, 3, 5, 6, 7] * 10, "b": [0, 1, 0, 1, 0, 1] * 10})
    return X, np.array([0, 0, 0, 1, 1, 1] * 10)


def decided():
    """A question that decides alone, with weights of another size."""
    X, segments = scaled_answers()
    return X.assign(kind=segments * 1000.0), segments


CASES = {f.__name__: f for f in (scaled_answers, odd_names, ties, decided)}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    X, y = CASES[request.param]()
    tool = TypingTool(4).fit(X, y)
    if request.param == "ties":
        X = pd.concat([X, pd.DataFrame({"a": [4] * 3, "b": [0, 1, 2]})])
        X = X.reset_index(drop=True)
    return tool, X


class TestJSON:
    def test_every_customer(self, case):
        """By a reader that knows what the documentation says, and nothing else."""
        tool, X = case
        read = json.loads(tool.to_json())
        columns = [X.columns.get_loc(one["name"]) for one in read["questions"]]
        centers = [one["center"] for one in read["questions"]]
        labels, probabilities = [], []
        for row in X.to_numpy(float).tolist():
            asked = [row[column] for column in columns]
            parts = list(map(operator.sub, asked, centers))
            scores = [
                reduce(
                    operator.add,
                    map(operator.mul, parts, one["weights"]),
                    one["constant"],
                )
                for one in read["segments"]
            ]
            best = max(scores)
            labels.append(read["segments"][scores.index(best)]["segment"])
            powers = [math.exp(score - best) for score in scores]
            probabilities.append([power / sum(powers) for power in powers])
        assert labels == tool.predict(X).tolist()
        np.testing.assert_allclose(probabilities, tool.predict_proba(X), atol=1e-12)

    def test_what_it_says(self, case, tmp_path):
        tool, _ = case
        first = tool.classes_.tolist()[0]
        text = tool.to_json(tmp_path / "tool.json", segment_names={first: "Süd"})
        read = json.loads((tmp_path / "tool.json").read_text(encoding="utf-8"))
        assert read == json.loads(text)
        assert read["format"] == "custseg typing tool"
        assert read["version"] == 1
        assert read["accuracy"] == tool.accuracy_
        assert read["accuracy_standard_error"] == tool.accuracy_se_
        assert read["largest_share"] == tool.largest_share_
        names = [one["name"] for one in read["segments"]]
        assert names == ["Süd"] + [None] * (len(names) - 1)


class TestSQL:
    def rows(self, query, X, table="customers"):
        """Run a query over the table in SQLite."""
        with closing(sqlite3.connect(":memory:")) as database:
            X.to_sql(table, database, index=False)
            return database.execute(query).fetchall()

    def test_every_customer(self, case):
        tool, X = case
        table = X.assign(**{"customer no.": range(len(X))})
        query = tool.to_sql('my "best" customers', customer_id="customer no.")
        rows = self.rows(query, table, 'my "best" customers')
        assert rows == list(enumerate(tool.predict(X).tolist()))

    def test_all_columns_and_names(self, case):
        tool, X = case
        segments = tool.classes_.tolist()
        names = {segments[0]: "the 'first'", segments[1]: "second"}
        rows = self.rows(tool.to_sql(segment_names=names), X)
        labels = tool.predict(X).tolist()
        assert [row[-2] for row in rows] == labels
        assert [row[-1] for row in rows] == [names.get(label) for label in labels]
        assert [list(row[: X.shape[1]]) for row in rows] == X.to_numpy().tolist()

    def test_missing_answers(self):
        X, y = scaled_answers()
        tool = TypingTool(3).fit(X, y)
        asked = X.astype(float)
        asked.loc[[2, 5], tool.questions_[1]] = np.nan
        asked["id"] = range(len(X))
        rows = dict(self.rows(tool.to_sql(customer_id="id"), asked))
        assert [k for k, segment in rows.items() if segment is None] == [2, 5]

    def test_columns_named_as_the_query_names_scores(self):
        """As in the stored result of another query; names have no case in SQL."""
        X, y = scaled_answers()
        tool = TypingTool(3).fit(X, y)
        expected = tool.predict(X).tolist()
        for name in ("Segment Score 1", "score of segment 1"):
            table = X.assign(**{name: np.arange(len(X)) * 1.0})
            rows = self.rows(tool.to_sql(), table)
            assert [row[-1] for row in rows] == expected
            rows = self.rows(tool.to_sql(customer_id=name), table)
            assert rows == list(zip(table[name], expected, strict=True))

    def test_needs_names(self):
        X, y = scaled_answers()
        tool = TypingTool(2).fit(X.to_numpy(), y)
        message = "Questions must have names to stand in a query. Got a tool fitted on"
        with pytest.raises(ValueError, match=re.escape(message)):
            tool.to_sql()


class Sheets:
    """Works out the formulas that the workbook has, cell by cell."""

    def __init__(self, book):
        self.book, self.known = book, {}
        self.functions = {
            "COUNT": lambda cells: sum(isinstance(c, int | float) for c in cells),
            "MAX": max,
            "MATCH": lambda value, cells, kind: cells.index(value) + 1,
            "INDEX": lambda cells, place: cells[place - 1],
            "EXP": lambda cells: [math.exp(cell) for cell in cells],
            "SUMPRODUCT": math.fsum,
        }

    def cell(self, sheet, row, column):
        value = self.book[sheet].cell(row, column)
        if value.data_type != "f":
            return value.value
        key = sheet, row, column
        if key not in self.known:
            self.known[key] = self.worked_out(sheet, value.value)
        return self.known[key]

    def worked_out(self, sheet, formula):
        words = []
        for token in Tokenizer(formula).items:
            if token.type == "OPERAND" and token.subtype == "RANGE":
                words.append(f"read({token.value!r})")
            elif token.type == "FUNC":
                name = token.value.rstrip("(").lower()
                words.append({")": ")"}.get(name, f"{name}_("))
            else:
                words.append(token.value)
        text = "".join(words)
        names = {f"{n.lower()}_": f for n, f in self.functions.items()}
        text, named = re.subn(r'&""\)$', ")", text)
        # Python would work out both sides: the answer only where there is one.
        condition = r"(count_\(read\('[^']*'\)\)<\d+)"
        parts = re.fullmatch(rf'if_\({condition},(""),(.*)\)', text)
        asked, empty, answer = parts.groups()
        names["read"] = lambda address: self.read(sheet, address)
        if eval(asked, names):
            return eval(empty)
        names["less"] = lambda cells, one: [cell - one for cell in cells]
        found = eval(_arrays(answer), names)
        # What is read from an empty cell counts as zero, unless it is joined to text.
        return ("" if named else 0) if found is None else found

    def read(self, sheet, address):
        if "!" in address:
            sheet, address = address.split("!")
        left, top, right, bottom = range_boundaries(address.replace("$", ""))
        cells = [
            self.cell(sheet, row, column)
            for row in range(top, bottom + 1)
            for column in range(left, right + 1)
        ]
        return cells if ":" in address else cells[0]


def _arrays(answer):
    """``range - MAX(range)`` is worked out cell by cell."""
    return re.sub(
        r"(read\('[^']*:[^']*'\))-(max_\(read\('[^']*'\)\))", r"less(\1,\2)", answer
    )


class TestWorkbook:
    def test_every_customer(self, case, tmp_path):
        tool, X = case
        first = tool.classes_.tolist()[0]
        path = tmp_path / "tool.xlsx"
        tool.to_excel(path, answers=X, segment_names={first: "=first"})
        sheets, n = Sheets(load_workbook(path)), len(tool.questions_)
        labels = tool.predict(X).tolist()
        largest = tool.predict_proba(X).max(axis=1)
        head = [sheets.cell("Customers", 1, column) for column in range(1, n + 4)]
        told = ["segment", "segment name", "probability"]
        assert head == [*tool.questions_.tolist(), *told]
        for row in range(len(X)):
            answer = [sheets.cell("Customers", row + 2, n + 1 + i) for i in range(3)]
            assert answer[0] == labels[row]
            assert answer[1] == ("=first" if labels[row] == first else "")
            assert answer[2] == pytest.approx(largest[row], abs=1e-12)

    def test_rows_without_all_answers_stay_empty(self, tmp_path):
        X, y = scaled_answers()
        tool = TypingTool(3).fit(X, y)
        path = tmp_path / "tool.xlsx"
        tool.to_excel(path, answers=X.head(2), n_rows=5)
        book = load_workbook(path)
        book["Customers"].cell(3, 2).value = None
        sheets, n = Sheets(book), len(tool.questions_)
        column = [sheets.cell("Customers", row, n + 1) for row in range(2, 8)]
        assert column == [tool.predict(X.head(1))[0], "", "", "", "", None]

    def test_names_are_no_formulas(self, tmp_path):
        X, y = odd_names()
        tool = TypingTool(4).fit(X, y)
        path = tmp_path / "tool.xlsx"
        tool.to_excel(path, segment_names={"it's": "+1", "=SUM(A1)": "@x"})
        book = load_workbook(path)
        for sheet in book:
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f":
                        assert cell.value.startswith("=IF(COUNT(")

    def test_names_are_no_errors(self, tmp_path):
        X, y = ties()
        tool = TypingTool(1).fit(X, np.array(["#N/A", "#REF!"])[y])
        path = tmp_path / "tool.xlsx"
        tool.to_excel(path, segment_names={"#N/A": "#NAME?"})
        cells = [cell for row in load_workbook(path)["Scores"]["C1:D2"] for cell in row]
        assert [cell.value for cell in cells[:3]] == ["#N/A", "#REF!", "#NAME?"]
        assert {cell.data_type for cell in cells[:3]} == {"s"}

    def test_says_how_often_it_is_right(self, tmp_path):
        X, y = scaled_answers()
        tool = TypingTool(3).fit(X, y)
        tool.to_excel(tmp_path / "tool.xlsx")
        book = load_workbook(tmp_path / "tool.xlsx")
        text = " ".join(str(row[0].value) for row in book["About"].iter_rows())
        assert f"{tool.accuracy_:.1%} get their segment" in text
        assert f"The largest segment has {tool.largest_share_:.1%}" in text

    def test_needs_openpyxl(self, tmp_path, monkeypatch):
        X, y = ties()
        tool = TypingTool(1).fit(X, y)
        monkeypatch.setitem(sys.modules, "openpyxl", None)
        message = (
            'needs openpyxl, which is not installed. Run pip install "custseg[xlsx]"'
        )
        with pytest.raises(ImportError, match=re.escape(message)):
            tool.to_excel(tmp_path / "tool.xlsx")

    @pytest.mark.parametrize("n_rows", [0, -3, 2.5])
    def test_rows_that_are_none(self, tmp_path, n_rows):
        X, y = ties()
        tool = TypingTool(1).fit(X, y)
        with pytest.raises(ValueError, match="n_rows must be a whole number of at"):
            tool.to_excel(tmp_path / "tool.xlsx", n_rows=n_rows)

    def test_answers_that_lack_a_question(self, tmp_path):
        X, y = ties()
        tool = TypingTool(1).fit(X, y)
        with pytest.raises(SchemaError, match="must have all questions"):
            tool.to_excel(tmp_path / "tool.xlsx", answers=X[["b"]])


@pytest.mark.parametrize("form", ["to_json", "to_sql", "to_excel"])
def test_names_of_other_segments(form, tmp_path):
    X, y = ties()
    tool = TypingTool(1).fit(X, y)
    path = (tmp_path / "tool.xlsx",) if form == "to_excel" else ()
    message = "must name segments of the tool. Got 7 instead. The segments are 0, 1."
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(tool, form)(*path, segment_names={7: "nobody"})
