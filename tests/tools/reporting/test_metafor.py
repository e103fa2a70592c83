"""The R script: labels cannot leave their literals, brackets close, arguments are metafor's.

The script is run with R and metafor where both are installed; elsewhere its text is read as R reads it.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.tools.reporting.analyses import analyses, bcg, effects, events, pooled, reported
from tools.reporting.analysis import Analysis
from tools.reporting.metafor import r_literal, script
from tools.synthesis.effects import peto_effect
from tools.synthesis.values import Effect, StudyData

HOSTILE = '"); system("touch hacked"); cat("\\'
TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\(?:["\\n]|u[0-9a-f]{4}|U[0-9a-f]{8}))*")
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[A-Za-z.][A-Za-z0-9._]*)
    |(?P<operator><-|<=|==|&&|[-+*/^=,$&<>|!(){}\[\]])
    |(?P<space>\s+)""",
    re.VERBOSE,
)
CLOSES = {")": "(", "}": "{", "]": "["}


def tokens(text: str) -> list[tuple[str, str]]:
    """R's tokens, or a failure at the first thing that is none of those we mean to write."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, f"not R: {text[at : at + 40]!r}"
        at = match.end()
        if match.lastgroup not in ("space", "comment"):
            found.append((match.lastgroup or "", match.group()))
    return found


def assert_balanced(text: str) -> None:
    opened: list[str] = []
    for kind, token in tokens(text):
        if kind == "operator" and token in CLOSES.values():
            opened.append(token)
        elif kind == "operator" and token in CLOSES:
            assert opened, "a bracket too many"
            assert opened.pop() == CLOSES[token]
    assert not opened


def names(text: str) -> set[str]:
    return {token for kind, token in tokens(text) if kind == "name"}


def one(lines: tuple, **fields: object) -> Analysis:  # type: ignore[type-arg]
    given: dict[str, object] = {
        "analysis_id": "1",
        "outcome": "Sleep",
        "measure": lines[0].measure,
        "lines": lines,
    }
    return Analysis(**{**given, **fields})  # type: ignore[arg-type]


def every_model() -> tuple[Analysis, ...]:
    """Each model, estimator and interval once, on dat.bcg, with invented contrasts beside."""
    rr, odds, rd = bcg("RR"), bcg("OR"), bcg("RD")
    peto = tuple(peto_effect(x.data) for x in odds if x.data)
    single = effects("RR", events("Alone", 0, 40, 3, 39))
    halves = tuple(x.model_copy(update={"subgroup": "Early" if i < 6 else "Late"}) for i, x in enumerate(rr))
    mixed = (*odds, *effects("OR", reported("Fir 2018", 0.8, 0.6, 1.0666), events(HOSTILE, 0, 9, 0, 9)))
    return (
        one(rr, pooled=pooled(rr, model="common")),
        one(rr, pooled=pooled(rr, interval="hksj", prediction="t_k_minus_1")),
        one(rr, pooled=pooled(rr, model="mantel_haenszel")),
        one(halves, pooled=pooled(halves, tau2_method="PM", prediction="normal")),
        one(odds, pooled=pooled(odds, tau2_method="ML", interval="hksj_modified")),
        one(odds, pooled=pooled(odds, model="mantel_haenszel", level=0.9)),
        one(peto, pooled=pooled(peto, model="peto")),
        one(rd, pooled=pooled(rd, tau2_method="DL", prediction="t_k_minus_2")),
        one(rd, pooled=pooled(rd, tau2_method="HE")),
        one(single, pooled=pooled(single, model="mantel_haenszel")),
        one(mixed, pooled=pooled(mixed), outcome=HOSTILE, comparison="# not a comment\n"),
        *analyses(),
    )


@settings(deadline=None)
@given(st.text())
@example(HOSTILE)
@example("\\u0022")
@example("a\nb\r\x00\u2028c\x85")
@example("中文 😀 '`#{}")
def test_a_label_is_one_literal_whatever_it_holds(label: str) -> None:
    literal = r_literal(label)
    assert literal.isascii()
    assert tokens(literal) == [("string", literal)]


def test_a_literal_reads_back_as_the_label() -> None:
    literal = r_literal('Ó "Súilleabháin" \\ 中 😀')
    assert literal == '"\\u00d3 \\"S\\u00failleabh\\u00e1in\\" \\\\ \\u4e2d \\U0001f600"'


def test_the_script_is_ascii_and_every_bracket_closes() -> None:
    text = script(every_model())
    assert text.isascii()
    assert_balanced(text)


def test_hostile_labels_add_no_name_to_the_code() -> None:
    lines = effects("RR", events("Ash", 3, 40, 9, 41), events("Elm", 5, 50, 9, 51))
    hostile = effects("RR", events(HOSTILE, 3, 40, 9, 41), events("Elm", 5, 50, 9, 51))
    plain = script([one(lines, pooled=pooled(lines))])
    attacked = script([one(hostile, pooled=pooled(hostile), outcome=HOSTILE, comparison=HOSTILE)])
    assert names(attacked) == names(plain)
    assert "system" not in names(attacked)


@pytest.mark.parametrize(
    ("how", "call"),
    [
        ({"model": "common"}, 'method = "EE", test = "z"'),
        ({"tau2_method": "PM", "interval": "hksj"}, 'method = "PM", test = "knha"'),
        ({"tau2_method": "REML", "interval": "hksj_modified"}, 'method = "REML", test = "adhoc"'),
        ({"model": "mantel_haenszel"}, 'rma.mh(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i'),
        ({"level": 0.9}, "level = 90)"),
    ],
)
def test_pooling_is_asked_for_as_it_was_done(how: dict[str, object], call: str) -> None:
    lines = bcg("OR")
    assert call in script([one(lines, pooled=pooled(lines, **how))])


def test_every_number_goes_in_without_loss() -> None:
    lines = bcg("OR")
    text = script([one(lines, pooled=pooled(lines))])
    assert "ai = as.numeric(c(4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27))" in text
    assert all(repr(x.y) in text and repr(x.v) in text for x in lines if isinstance(x, Effect))


def test_what_is_unknown_is_na() -> None:
    lines = effects("OR", reported("Fir 2018", 0.8, 0.6, 1.0666))
    assert "ai = as.numeric(c(NA))" in script([one(lines)])


def test_a_crossover_trial_keeps_the_effect_of_the_review() -> None:
    """It rests on a correlation that the arms do not tell."""
    data = events("Ash", 3, 40, 9, 41).model_copy(update={"design": "crossover"})
    line = Effect(
        study_id="Ash", label="Ash", measure="OR", y=0.1, v=0.2, data=StudyData.model_validate(data)
    )
    assert "from_arms = c(FALSE)" in script([one((line,))])


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R is not installed")
def test_metafor_agrees_with_every_pooling(tmp_path: Path) -> None:
    has = subprocess.run(
        ["Rscript", "-e", "library(metafor)"], capture_output=True, check=False, cwd=tmp_path
    )
    if has.returncode:
        pytest.skip("R has no metafor")
    (tmp_path / "a.R").write_text(script(every_model()), encoding="ascii")
    done = subprocess.run(["Rscript", "a.R"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr + done.stdout
    said = [line for line in done.stdout.splitlines() if line.endswith(("| agrees", "| DIFFERS"))]
    assert len(said) > 100
    assert [line for line in said if line.endswith("DIFFERS")] == []
    assert not (tmp_path / "hacked").exists()
