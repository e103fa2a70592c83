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
    "finetune/build/kinds.py",
    "finetune/splitting/split.py",
    "finetune/splitting/components.py",
    "finetune/training/packing.py",
    "finetune/evaluation/bootstrap.py",
    "finetune/evaluation/matching.py",
    "tools/fulltext/tables.py",
    "tools/extraction/numbers.py",
    "tools/extraction/forms.py",
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
    "tools/fulltext/bioc.py",
    "tools/fulltext/choosing.py",
    "tools/fulltext/cues.py",
    "tools/fulltext/identity.py",
    "tools/fulltext/jats.py",
    "tools/fulltext/languages.py",
    "tools/fulltext/matching.py",
    "tools/fulltext/parts.py",
    "tools/fulltext/pdf_layout.py",
    "tools/fulltext/pdf_pages.py",
    "tools/fulltext/quotes.py",
    "tools/fulltext/relevance.py",
    "tools/fulltext/shortening.py",
    "model/baseline/arms.py",
    "model/baseline/arms_groups.py",
    "model/baseline/arms_joining.py",
    "model/baseline/arms_sentences.py",
    "model/baseline/arms_tables.py",
    "model/baseline/arms_words.py",
    "model/baseline/counts.py",
    "tools/reporting/narrative.py",
    "model/baseline/group_sizes.py",
    "model/baseline/results.py",
    "model/baseline/results_arms.py",
    "model/baseline/results_pairs.py",
    "model/baseline/results_rows.py",
    "model/baseline/results_shorts.py",
    "model/baseline/results_sizes.py",
    "model/baseline/results_tables.py",
    "model/baseline/results_times.py",
    "model/baseline/results_told.py",
    "model/baseline/results_wanted.py",
    "model/baseline/sample_cues.py",
    "model/baseline/sample_size.py",
    "tools/appraisal/absolute.py",
    "tools/appraisal/conditions.py",
    "tools/appraisal/findings.py",
    "tools/appraisal/forms.py",
    "tools/appraisal/grade.py",
    "tools/appraisal/grade_evidence.py",
    "tools/appraisal/grade_suggest.py",
    "tools/appraisal/overrides.py",
    "tools/appraisal/rob2.py",
    "tools/appraisal/rob2_cluster.py",
    "tools/appraisal/rob2_crossover.py",
    "tools/appraisal/rob2_parallel.py",
    "tools/appraisal/tool.py",
    "tools/registry/adverse.py",
    "tools/registry/arms.py",
    "tools/registry/cells.py",
    "tools/registry/comparing.py",
    "tools/registry/differences.py",
    "tools/registry/estimates.py",
    "tools/registry/legacy.py",
    "tools/registry/matching.py",
    "tools/registry/numbers.py",
    "tools/registry/page.py",
    "tools/registry/posted.py",
    "tools/registry/reading.py",
    "tools/registry/results.py",
    "tools/registry/text.py",
    "tools/registry/text_results.py",
    "tools/registry/timing.py",
    "tools/registry/trial.py",
    "tools/registry/values.py",
    "tools/reporting/counts.py",
    "tools/reporting/data.py",
    "tools/reporting/library_requests.py",
    "tools/reporting/prisma.py",
    "tools/reporting/prisma_s.py",
    "tools/reporting/standing.py",
    "tools/reporting/diagram.py",
    "tools/reporting/export.py",
    "tools/reporting/analysis.py",
    "tools/reporting/extraction_table.py",
    "tools/reporting/metafor.py",
    "tools/reporting/revman.py",
    "tools/reporting/workbook.py",
    "tools/reporting/plots/bias_plots.py",
    "tools/reporting/plots/drawing.py",
    "tools/reporting/plots/fonts.py",
    "tools/reporting/plots/forest.py",
    "tools/reporting/plots/forest_marks.py",
    "tools/reporting/plots/forest_page.py",
    "tools/reporting/plots/forest_rows.py",
    "tools/reporting/plots/forest_values.py",
    "tools/reporting/plots/funnel.py",
    "tools/reporting/plots/judgements.py",
    "tools/reporting/plots/printing.py",
    "tools/reporting/plots/scale.py",
    "tools/reporting/plots/wording.py",
    "tools/synthesis/agreement.py",
    "tools/synthesis/checks.py",
    "tools/synthesis/checks_arm.py",
    "tools/synthesis/checks_contrast.py",
    "tools/synthesis/checks_numbers.py",
    "tools/synthesis/checks_recomputed.py",
    "tools/synthesis/checks_report.py",
    "tools/synthesis/checks_rules.py",
    "tools/synthesis/checks_study.py",
    "tools/synthesis/checks_whole.py",
    "tools/synthesis/conversions.py",
    "tools/synthesis/conversions_contrasts.py",
    "tools/synthesis/conversions_medians.py",
    "tools/synthesis/units.py",
    "tools/synthesis/adjusting.py",
    "tools/synthesis/distributions.py",
    "tools/synthesis/effects.py",
    "tools/synthesis/estimated.py",
    "tools/synthesis/heterogeneity.py",
    "tools/synthesis/mantel_haenszel.py",
    "tools/synthesis/missing_outcomes.py",
    "tools/synthesis/pooling.py",
    "tools/synthesis/reported.py",
    "tools/synthesis/sensitivity.py",
    "tools/synthesis/swim.py",
    "tools/synthesis/values.py",
    "model/baseline/newer.py",
    "model/baseline/query_concepts.py",
    "graphs/edits.py",
    "graphs/cells.py",
    "graphs/certainty.py",
    "graphs/consensus.py",
    "graphs/evidence_edits.py",
    "graphs/evidence_table.py",
    "graphs/registering.py",
    "tools/evidence_settings.py",
    "tools/reporting/evidence.py",
    "tools/reporting/evidence_files.py",
    "tools/reporting/evidence_page.py",
    "tools/synthesis/analysing.py",
    "tools/synthesis/reviewing.py",
    "tools/synthesis/rows.py",
    "tools/synthesis/designs.py",
    "tools/synthesis/studies.py",
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
