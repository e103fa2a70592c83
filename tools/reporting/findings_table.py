"""Summary of findings (GRADE), as a page and as a Word document. Pure, but for reading templates.

The words come from `tools.appraisal.findings`; here they are drawn, with the reasons for the certainty as footnotes.
Same table in, same bytes out: the document carries no time, no author and no random id.
"""

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tools.appraisal.findings import CellText, FindingsTable, LaidOut, lay_out
from tools.appraisal.grade import CERTAINTIES, SYMBOLS, WORDS, Certainty
from tools.reporting.text import shown

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table, _Cell

__all__ = ["MEANINGS", "findings_docx", "findings_html"]

MEANINGS: dict[Certainty, str] = {
    "high": "The true effect is very likely close to the estimate.",
    "moderate": "The true effect is probably close to the estimate, but may be quite different.",
    "low": "The true effect may be quite different from the estimate.",
    "very_low": "The true effect is probably quite different from the estimate, or hardly known at all.",
}
"""What the levels mean, in our words (Balshem 2011, J Clin Epidemiol 64:401-6)."""

RISK_NOTE = (
    "The risk with the intervention follows from the assumed risk and the relative effect; its interval is that of the "
    "relative effect alone."
)
ABBREVIATIONS = (
    "CI: confidence interval; HR: hazard ratio; MD: mean difference; OR: odds ratio; RD: risk difference; RR: risk "
    "ratio; SD: standard deviation; SMD: standardised mean difference."
)
# The zip format knows no earlier time.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_COLUMN_CM = (4.0, 2.6, 4.6, 3.2, 2.8, 3.4, 4.9)


def findings_html(table: FindingsTable) -> str:
    """The table as one page: nothing is loaded from anywhere, every text is escaped.

    Raises:
        ConfigError: see `tools.appraisal.findings.lay_out`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def visible(value: Any) -> Any:
        return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("tools.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("findings.html").render(
        table=table,
        laid=lay_out(table),
        facts=_facts(table),
        meanings=_meanings(),
        abbreviations=ABBREVIATIONS,
        risk_note=RISK_NOTE,
    )


def findings_docx(table: FindingsTable) -> bytes:
    """The table as a Word document, A4 across.

    Raises:
        ConfigError: see `tools.appraisal.findings.lay_out`.
    """
    import docx

    laid = lay_out(table)
    document = docx.Document()
    _across(document)
    document.add_heading(shown(table.title), level=1)
    for name, text in _facts(table):
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{name}: ").bold = True
        paragraph.add_run(shown(text))
    _draw(document, laid)
    for mark, text in laid.footnotes:
        paragraph = document.add_paragraph(style="List Paragraph")
        paragraph.add_run(mark).font.superscript = True
        paragraph.add_run(f" {shown(text)}")
    document.add_paragraph(RISK_NOTE)
    for certainty, meaning in _meanings():
        document.add_paragraph(f"{certainty}: {meaning}")
    document.add_paragraph(ABBREVIATIONS)
    _anonymous(document, table.title)
    return _saved(document)


def _facts(table: FindingsTable) -> list[tuple[str, str]]:
    facts = [
        ("Population", table.population),
        ("Setting", table.setting),
        ("Intervention", table.intervention),
        ("Comparison", table.comparison),
    ]
    return [(name, text or "not stated") for name, text in facts]


def _meanings() -> list[tuple[str, str]]:
    return [(f"{SYMBOLS[c]} {WORDS[c]}", MEANINGS[c]) for c in reversed(CERTAINTIES)]


def _across(document: "Document") -> None:
    from docx.enum.section import WD_ORIENT
    from docx.shared import Cm

    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Cm(29.7), Cm(21.0)
    section.left_margin = section.right_margin = Cm(2.1)
    section.top_margin = section.bottom_margin = Cm(1.8)


def _draw(document: "Document", laid: LaidOut) -> None:
    from docx.shared import Cm

    grid = document.add_table(rows=1, cols=len(laid.headers), style="Table Grid")
    grid.autofit = False
    for cell, text in zip(grid.rows[0].cells, laid.headers, strict=True):
        _write(cell, CellText(text=text), bold=True)
    _repeat_first_row(grid)
    for row in laid.rows:
        for number, (cell, said) in enumerate(zip(grid.add_row().cells, row.cells, strict=True)):
            _write(cell, said, bold=number == 0)
    for line in grid.rows:
        for cell, width in zip(line.cells, _COLUMN_CM, strict=True):
            cell.width = Cm(width)


def _write(cell: "_Cell", said: CellText, *, bold: bool) -> None:
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(0)
    run = paragraph.add_run(shown(said.text))
    run.bold = bold
    run.font.size = Pt(9)
    if said.marks:
        marks = paragraph.add_run(_joined(said.marks))
        marks.font.superscript = True
        marks.font.size = Pt(9)


def _joined(marks: Sequence[str]) -> str:
    return ",".join(marks)


def _repeat_first_row(grid: "Table") -> None:
    """The header again on every page; python-docx has no call for it (ECMA-376, 17.4.78 tblHeader)."""
    from docx.oxml import OxmlElement

    grid.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _anonymous(document: "Document", title: str) -> None:
    """Properties that do not tell when, by whom and with what the document was made."""
    properties = document.core_properties
    properties.title = shown(title)[:255]
    properties.author = properties.last_modified_by = properties.comments = ""
    properties.created = properties.modified = datetime(*_NO_TIME)
    properties.revision = 1


def _saved(document: "Document") -> bytes:
    """The document's bytes with every part at the same time of day: the library stamps each with now."""
    made = io.BytesIO()
    document.save(made)
    still = io.BytesIO()
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(still, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = zipfile.ZipInfo(name, date_time=_NO_TIME)
            part.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(part, source.read(name))
    return still.getvalue()
