"""docs/checks.md is made from the rules."""

from pathlib import Path

from tools.synthesis.checks import rules_table

DOCS = Path(__file__).parents[3] / "docs" / "checks.md"


def test_the_page_of_rules_says_what_the_rules_say():
    text = DOCS.read_text(encoding="utf-8")
    assert text.endswith(rules_table() + "\n")
