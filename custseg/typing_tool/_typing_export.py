"""A typing tool handed on: as JSON, as SQL and as a spreadsheet."""

import json
import os
from numbers import Integral

from custseg._sklearn import check_is_fitted

_VERSION = 1


class TypingToolExports:
    """The part of `TypingTool` that hands it on."""

    def to_json(self, path=None, *, segment_names=None):
        """Write the tool as JSON.

        Parameters
        ----------
        path : str or path, default=None
            File to write; None writes none.
        segment_names : dict, default=None
            Name of each segment.

        Returns
        -------
        text : str
            An object with ``format``, ``version``, ``accuracy`` and
            ``accuracy_standard_error`` (on customers without part in learning),
            ``largest_share``, ``questions``, each with its ``name`` and ``center``,
            and ``segments``, each with its ``segment``, ``name``, ``constant`` and one
            of ``weights`` a question. A customer's score for a segment is the
            constant, plus, question by question, weight times answer less center. The
            first segment with the highest score is the customer's; probabilities are
            the exponentials of the scores divided by their sum.

        Raises
        ------
        ValueError
            If `segment_names` names a segment that is not there.

        Examples
        --------
        >>> import json
        >>> from custseg import TypingTool
        >>> tool = TypingTool(1).fit([[1], [2], [1], [8], [9], [8]], [0, 0, 0, 1, 1, 1])
        >>> json.loads(tool.to_json())["questions"]
        [{'name': 0, 'center': 4.8333}]
        """
        check_is_fitted(self)
        names = checked_names(segment_names, self.classes_)
        questions = zip(self.questions_.tolist(), self._centers.tolist(), strict=True)
        segments = zip(
            self.classes_.tolist(),
            self._constants.tolist(),
            self._weights.T.tolist(),
            strict=True,
        )
        text = json.dumps(
            {
                "format": "custseg typing tool",
                "version": _VERSION,
                "accuracy": self.accuracy_,
                "accuracy_standard_error": self.accuracy_se_,
                "largest_share": self.largest_share_,
                "questions": [
                    {"name": name, "center": center} for name, center in questions
                ],
                "segments": [
                    {
                        "segment": segment,
                        "name": names.get(segment),
                        "constant": constant,
                        "weights": weights,
                    }
                    for segment, constant, weights in segments
                ],
            },
            indent=2,
            ensure_ascii=False,
        )
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        return text

    def to_sql(self, table="customers", *, customer_id=None, segment_names=None):
        """Write the tool as a query that gives each customer of a table a segment.

        Parameters
        ----------
        table : str, default="customers"
            Name of the table, whose columns are named as the questions.
        customer_id : str, default=None
            Column to return beside the segment; None returns all columns of the table,
            and the query is longer, as each comparison repeats its sums.
        segment_names : dict, default=None
            Name of each segment; they come as a column ``segment_name``.

        Returns
        -------
        query : str
            In standard SQL, without functions. A customer with a missing answer has a
            missing segment.

        Raises
        ------
        ValueError
            If `segment_names` names a segment that is not there, or the tool was
            fitted without column names.

        Examples
        --------
        >>> import pandas as pd
        >>> from custseg import TypingTool
        >>> answers = pd.DataFrame({"q1": [1, 2, 1, 8, 9, 8]})
        >>> tool = TypingTool(1).fit(answers, [0, 0, 0, 1, 1, 1])
        >>> query = tool.to_sql(customer_id="id")
        >>> for line in query.splitlines()[:4]:
        ...     print(line)
        SELECT "id",
        CASE WHEN "segment score 1" IS NULL THEN NULL
             WHEN "segment score 1" >= "segment score 2" THEN 0
             ELSE 1 END AS segment
        """
        check_is_fitted(self)
        if not hasattr(self, "feature_names_in_"):
            raise ValueError(
                "Questions must have names to stand in a query. Got a tool fitted on "
                "an array instead. Fit it on a DataFrame."
            )
        names = checked_names(segment_names, self.classes_)
        quoted = [_identifier(name) for name in self.questions_.tolist()]
        sums = [
            " + ".join(
                [
                    _number(constant),
                    *(
                        f"{_number(weight)} * ({name} - {_number(center)})"
                        for name, weight, center in zip(
                            quoted, weights, self._centers, strict=True
                        )
                    ),
                ]
            )
            for constant, weights in zip(self._constants, self._weights.T, strict=True)
        ]
        if customer_id is None:
            # Names given to sums might be names of columns that only the table knows.
            kept, source, scores = "*", _identifier(table), [f"({s})" for s in sums]
        else:
            kept, scores = _identifier(customer_id), _score_names(sums, customer_id)
            source = _with_scores(kept, sums, scores, _identifier(table))
        answers = [_first_largest(scores, list(map(_literal, self.classes_.tolist())))]
        answers[0] += " AS segment"
        if names:
            told = [_literal(names.get(one)) for one in self.classes_.tolist()]
            answers.append(_first_largest(scores, told) + " AS segment_name")
        return "\n".join([f"SELECT {kept},", ",\n".join(answers), f"FROM {source}"])

    def to_excel(self, path, *, answers=None, n_rows=200, segment_names=None):
        """Write the tool as a workbook that gives segments to answers typed into it.

        It needs openpyxl: ``pip install "custseg[xlsx]"``.

        Parameters
        ----------
        path : str or path
            File to write, ending in ``.xlsx``.
        answers : pandas.DataFrame, default=None
            Answers to fill in, with the questions as columns. None leaves the rows
            empty.
        n_rows : int, default=200
            Rows with formulas; as many as `answers` has, if that is more.
        segment_names : dict, default=None
            Name of each segment.

        Raises
        ------
        ImportError
            If openpyxl is not installed.
        ValueError
            If `segment_names` names a segment that is not there, or `n_rows` is no
            number of rows.
        SchemaError
            If `answers` lacks a question.

        Notes
        -----
        The sheet *Customers* has one row a customer: the answers, and formulas for the
        segment, its name, its probability and the scores. A row without all answers
        stays empty. The sheet *Scores* has the constants and weights that the formulas
        refer to, and *About* how often the tool is right.
        """
        check_is_fitted(self)
        names = checked_names(segment_names, self.classes_)
        filled = None
        if answers is not None:
            filled = self._answers(answers)
        if not isinstance(n_rows, Integral) or n_rows < 1:
            raise ValueError(
                "n_rows must be a whole number of at least 1. Got "
                f"{n_rows!r} instead. Leave it out for 200 rows."
            )
        from custseg.typing_tool._typing_workbook import write_workbook

        write_workbook(self, os.fspath(path), filled, n_rows, names)


def checked_names(names, segments):
    """Names of segments as a dict, or an error for one that is not there."""
    names = dict(names or {})
    unknown = [segment for segment in names if segment not in segments.tolist()]
    if unknown:
        raise ValueError(
            "segment_names must name segments of the tool. Got "
            f"{', '.join(map(repr, unknown))} instead. The segments are "
            f"{', '.join(map(repr, segments.tolist()))}."
        )
    return names


def _first_largest(scores, answers):
    """Write a CASE that gives the answer of the first of the largest scores."""
    lines = [f"CASE WHEN {scores[0]} IS NULL THEN NULL"]
    for k in range(len(scores) - 1):
        beats = " AND ".join(f"{scores[k]} >= {one}" for one in scores[k + 1 :])
        lines.append(f"     WHEN {beats} THEN {answers[k]}")
    lines.append(f"     ELSE {answers[-1]} END")
    return "\n".join(lines)


def _score_names(sums, customer_id):
    """Quoted names of the sums, none of them that of the customers' column."""
    name = "segment score"
    if str(customer_id).lower().startswith(name):
        name = "score of segment"
    return [_identifier(f"{name} {k + 1}") for k in range(len(sums))]


def _with_scores(kept, sums, scores, table):
    """Write the inner query that gives customers and their scores."""
    named = [f"    {one} AS {score}" for one, score in zip(sums, scores, strict=True)]
    lines = ["(", f"  SELECT {kept},", ",\n".join(named), f"  FROM {table}"]
    return "\n".join([*lines, ") AS scored"])


def _identifier(name):
    return '"' + str(name).replace('"', '""') + '"'


def _number(value):
    """Write a double so that it reads back as it is, in parentheses if negative."""
    text = repr(float(value))
    return f"({text})" if text.startswith("-") else text


def _literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value) if isinstance(value, float) else str(value)
    return "'" + str(value).replace("'", "''") + "'"
