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
    "tools/records/dedupe.py",
    "tools/records/linking.py",
    "tools/screening/rank.py",
    "tools/screening/verdicts.py",
    "tools/fulltext/jats.py",
    "tools/fulltext/quotes.py",
    "tools/reporting/counts.py",
    "tools/reporting/prisma.py",
    "tools/reporting/diagram.py",
    "tools/reporting/export.py",
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
