"""Verbs `translate` and `lint`: the text alone can be piped on, and everything about it is said beside."""

import io
import sys

import pytest

from agent.cli import main, parser
from agent.translate import translate
from tools.errors import InputFileError
from tools.search.dialects.table import DIALECTS
from tools.search.vocabulary import install

OVID = """1. exp Asthma/
2. (asthma$ or wheez$).ti,ab.
3. or/1-2
4. limit 3 to "therapy (maximizes sensitivity)"
"""


@pytest.fixture
def strategy(tmp_path):
    path = tmp_path / "strategy.txt"
    path.write_text(OVID, encoding="utf-8")
    return path


def test_the_translation_alone_goes_to_standard_output(strategy, capsys):
    assert main(["translate", str(strategy)]) == 0
    printed = capsys.readouterr()
    assert printed.out == '("Asthma"[mh] OR asthma*[tiab] OR wheez*[tiab])\n'
    assert "read as ovid" in printed.err
    assert "line 4, character 12: therapy (maximizes sensitivity): this limit has no form" in printed.err


def test_blanks_and_dropped_clauses_are_said_beside(tmp_path, capsys):
    path = tmp_path / "pubmed.txt"
    path.write_text("Asthma[mh] AND wheeze[tiab] AND medline[sb]", encoding="utf-8")
    assert main(["translate", str(path), "--to", "embase"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "('<<Asthma>>'/exp AND wheeze:ti,ab,kw)\n"
    assert "left out:\n  medline[sb]" in printed.err
    assert "headings to look up there:\n  Asthma" in printed.err


def test_standard_input_is_read(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"asthma[ti]")))
    assert main(["translate", "-", "--to", "ovid"]) == 0
    assert capsys.readouterr().out == "asthma.ti.\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"(asthma[ti]", "never closed"),
        (b"", "it is empty"),
        (b"\xff\xfe\x00a", "cannot be read as a strategy"),
        (b"1 and 2", "no such line above"),
    ],
)
def test_what_cannot_be_read_ends_with_status_2_and_the_reason(tmp_path, capsys, content, said):
    path = tmp_path / "wrong.txt"
    path.write_bytes(content)
    language = "ovid" if content.startswith(b"1") else "pubmed"
    assert main(["translate", str(path), "--from", language]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_is_no_strategy_by_its_size_is_refused(tmp_path):
    path = tmp_path / "large.txt"
    path.write_text("asthma[ti] OR " * 100_000, encoding="utf-8")
    with pytest.raises(InputFileError, match="more than 1000000 characters"):
        translate(path, None, "ovid")


def test_every_language_can_be_asked_for(strategy):
    for name in DIALECTS:
        assert parser().parse_args(["translate", str(strategy), "--to", name]).target == name
    with pytest.raises(SystemExit):
        parser().parse_args(["translate", str(strategy), "--to", "klingon"])


def test_lint_says_what_is_questionable(tmp_path, capsys):
    path = tmp_path / "pubmed.txt"
    path.write_text("ast*[tiab]", encoding="utf-8")
    assert main(["lint", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "4 letters" in printed
    assert "headings were not checked" in printed


def test_an_installed_vocabulary_checks_headings(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = tmp_path / "headings.jsonl"
    rows.write_text(
        '{"descriptor": "Asthma", "tree_numbers": ["C01"], "entry_terms": ["Wheezing Disease"]}\n'
    )
    from agent.wiring import cache_folder

    cache_folder().mkdir(parents=True, exist_ok=True)
    install(cache_folder() / "mesh.sqlite", rows).close()
    path = tmp_path / "pubmed.txt"
    path.write_text("Asthmatics[mh]", encoding="utf-8")
    assert main(["lint", str(path)]) == 0
    assert capsys.readouterr().out == "Asthmatics[mh]: no such heading in this vocabulary\n"
    path.write_text("'wheezing disease'/exp", encoding="utf-8")
    assert main(["translate", str(path)]) == 0
    assert capsys.readouterr().out == '("Asthma"[mh] OR "wheezing disease"[tiab])\n'
