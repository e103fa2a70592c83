"""The arrows between our packages, and what a light start may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "tools": {"tools"},
    "model": {"model", "tools"},
    "graphs": {"graphs", "model", "tools"},
    "agent": {"agent", "graphs", "model", "tools"},
    "finetune": {"finetune", "model", "tools"},
}
PURE = [
    "tools/schemas.py",
    "tools/frameworks.py",
    "tools/identifiers.py",
    "tools/protocol.py",
    "tools/exchange.py",
    "tools/search/query.py",
    "tools/search/query_nodes.py",
    "tools/search/query_parse.py",
    "tools/search/dialects/cinahl.py",
    "tools/search/dialects/cochrane.py",
    "tools/search/dialects/embase.py",
    "tools/search/dialects/embase_reading.py",
    "tools/search/dialects/grammar.py",
    "tools/search/dialects/limits.py",
    "tools/search/dialects/ovid.py",
    "tools/search/dialects/ovid_reading.py",
    "tools/search/dialects/pubmed.py",
    "tools/search/dialects/reading.py",
    "tools/search/dialects/scopus.py",
    "tools/search/dialects/subheadings.py",
    "tools/search/dialects/table.py",
    "tools/search/dialects/wos.py",
    "tools/search/dialects/writing.py",
    "tools/search/sources/pubmed_windows.py",
    "tools/search/ctgov_classic.py",
    "tools/search/ctgov_json.py",
    "tools/search/europepmc_json.py",
    "tools/search/dialects/ctgov.py",
    "tools/search/dialects/europepmc.py",
    "tools/search/dialects/headings.py",
    "tools/search/sources/json_answers.py",
    "tools/search/citation_text.py",
    "tools/search/formats/bibtex.py",
    "tools/search/formats/cochrane.py",
    "tools/search/formats/json_lines.py",
    "tools/search/formats/nbib.py",
    "tools/search/formats/ris.py",
    "tools/search/formats/table.py",
    "tools/search/formats/wos.py",
    "tools/records/candidates.py",
    "tools/records/changes.py",
    "tools/records/citation.py",
    "tools/records/decisions.py",
    "tools/records/dedupe.py",
    "tools/records/likeness.py",
    "tools/records/linking.py",
    "tools/screening/rank.py",
    "tools/screening/verdicts.py",
    "tools/fulltext/jats.py",
    "tools/fulltext/quotes.py",
    "tools/reporting/counts.py",
    "tools/reporting/data.py",
    "tools/reporting/prisma.py",
    "tools/reporting/prisma_s.py",
    "tools/reporting/standing.py",
    "tools/reporting/diagram.py",
    "tools/reporting/export.py",
    "model/baseline/newer.py",
    "model/baseline/query_concepts.py",
    "graphs/edits.py",
]
IMPURE = {
    "os",
    "time",
    "socket",
    "subprocess",
    "sqlite3",
    "sqlalchemy",
    "httpx",
    "requests",
    "secrets",
    "tempfile",
}
HEAVY = ("torch", "transformers", "langgraph", "langchain_core", "lxml", "Bio", "sqlalchemy", "httpx")


def imports_of(path: Path) -> set[str]:
    """Top-level names of everything a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("package", [name for name in ALLOWED if (ROOT / name).is_dir()])
def test_arrows_point_one_way(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        ours = imports_of(path) & ALLOWED.keys()
        assert ours <= ALLOWED[package], f"{path.relative_to(ROOT)} imports {ours - ALLOWED[package]}"


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_imports_nothing_that_acts(name):
    assert not imports_of(ROOT / name) & IMPURE


def test_the_command_line_starts_without_anything_heavy():
    code = f"import sys, agent.cli; agent.cli.parser(); print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_is_empty_and_every_module_says_what_it_is():
    for package in ALLOWED:
        for path in (ROOT / package).rglob("*.py"):
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), (
                f"{path} says nothing of itself"
            )
