"""A typing tool as a workbook with formulas."""

import numpy as np

_ABOUT_WIDTH = 100


def write_workbook(tool, path, answers, n_rows, names):
    """Write the workbook of a fitted typing tool.

    Parameters
    ----------
    tool : TypingTool
    path : str
    answers : ndarray of shape (n_customers, n_questions) or None
    n_rows : int
    names : dict
        Name of each segment that has one.
    """
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise ImportError(
            "to_excel needs openpyxl, which is not installed. Run "
            'pip install "custseg[xlsx]".'
        ) from error
    book = Workbook()
    customers, scores, about = (
        book.active,
        book.create_sheet("Scores"),
        book.create_sheet("About"),
    )
    customers.title = "Customers"
    _fill_scores(scores, tool, names)
    n_rows = max(n_rows, 0 if answers is None else len(answers))
    _fill_customers(customers, tool, answers, n_rows)
    _fill_about(about, tool)
    book.save(path)


def _fill_scores(sheet, tool, names):
    """Segments side by side; a row a question, its center first."""
    segments = tool.classes_.tolist()
    _write_row(sheet, 1, ["segment", None, *segments])
    _write_row(sheet, 2, ["name", None, *(names.get(one, "") for one in segments)])
    _write_row(sheet, 3, ["constant", "center", *tool._constants.tolist()])
    rows = zip(
        tool.questions_.tolist(),
        tool._centers.tolist(),
        tool._weights.tolist(),
        strict=True,
    )
    for row, (question, center, weights) in enumerate(rows, start=4):
        _write_row(sheet, row, [question, center, *weights])
    _finish(sheet, "C4")


def _fill_customers(sheet, tool, answers, n_rows):
    """Answers, and formulas for the segment, its probability and the scores."""
    from openpyxl.utils import get_column_letter as letter

    n_questions, n_segments = tool._weights.shape
    first = n_questions + 4  # column of the first score
    told = ["segment", "segment name", "probability"]
    heads = [f"score of {segment}" for segment in tool.classes_.tolist()]
    _write_row(sheet, 1, [*tool.questions_.tolist(), *told, *heads])
    of_answers = letter(1), letter(n_questions)
    of_scores = letter(first), letter(first + n_segments - 1)
    of_segments = letter(3), letter(2 + n_segments)
    for row in range(2, n_rows + 2):
        if answers is not None and row - 2 < len(answers):
            _write_row(sheet, row, answers[row - 2].tolist())
        asked = f"{of_answers[0]}{row}:{of_answers[1]}{row}"
        scores = f"{of_scores[0]}{row}:{of_scores[1]}{row}"
        place = f"MATCH(MAX({scores}),{scores},0)"
        unknown = f"COUNT({asked})<{n_questions}"
        answer = [
            f"INDEX(Scores!${of_segments[0]}${line}:${of_segments[1]}${line},{place})"
            for line in (1, 2)
        ]
        answer[1] += '&""'  # else a segment without a name would be called 0
        answer.append(f"1/SUMPRODUCT(EXP({scores}-MAX({scores})))")
        for k in range(n_segments):
            column = letter(3 + k)
            terms = [
                f"Scores!${column}${line}*({letter(q)}{row}-Scores!$B${line})"
                for q, line in enumerate(range(4, 4 + n_questions), start=1)
            ]
            answer.append("+".join([f"Scores!${column}$3", *terms]))
        for column, formula in enumerate(answer, start=n_questions + 1):
            sheet.cell(row, column).value = f'=IF({unknown},"",{formula})'
    _finish(sheet, "A2")


def _fill_about(sheet, tool):
    lines = [
        "Type answers into the sheet Customers, one customer a row; the segment and "
        "its probability appear when all questions are answered.",
        f"Of customers without part in learning or in the choice of questions "
        f"{tool.accuracy_:.1%} get their segment (standard error "
        f"{tool.accuracy_se_:.1%}).",
        f"The largest segment has {tool.largest_share_:.1%} of the customers: so many "
        "would be right if everyone were given it.",
        "A score is the constant plus, for each question, the weight times the answer "
        "less the center. The highest score is the answer.",
    ]
    for row, line in enumerate(lines, start=1):
        _write_row(sheet, row, [line])
    sheet.column_dimensions["A"].width = _ABOUT_WIDTH


def _write_row(sheet, row, values):
    for column, value in enumerate(values, start=1):
        if value is None:
            continue
        cell = sheet.cell(row, column)
        cell.value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, str):
            cell.data_type = "s"  # text, though it looks like a formula or an error


def _finish(sheet, corner):
    from openpyxl.styles import Font

    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = corner
