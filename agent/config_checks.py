"""What no single field can know: mistakes between the parts of a protocol, and warnings about it.

Only `_files`, `_folder` and the search for prompt packs look at the disk, and only whether something is there.
"""

import pathlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, get_args

from agent.config_engines import engine_mistakes
from agent.config_evidence import evidence_mistakes, evidence_warnings
from agent.config_validate import Parts, nearest
from tools.frameworks import FILTERS, KINDS, ReviewKind, supported
from tools.protocol import (
    NO_MODEL,
    Citations,
    EngineTasks,
    LocalSource,
    ManualSource,
    Prefilter,
    PubmedSource,
    Question,
    Review,
    ReviewConfig,
    Search,
    TaskName,
)
from tools.schemas import Criterion, FieldSpec
from tools.search.sources.naming import is_pattern, named
from tools.yaml_values import Path, Problem, dotted

__all__ = ["find_mistakes", "find_placeholders", "find_warnings"]

_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_BESIDES = ("design",)
"""What a criterion may belong to besides an element of the framework."""


def find_mistakes(parts: Parts, folder: pathlib.Path) -> Iterator[Problem]:
    """Every contradiction between the parts that could be read; paths are taken from `folder`."""
    review: Review | None = parts.sections.get("review")
    question: Question | None = parts.sections.get("question")
    criteria: dict[int, Criterion] = parts.items.get("criteria", {})
    kind = KINDS.get((review.type, question.framework)) if review and question else None
    if review and question and kind is None:
        yield Problem(
            ("question", "framework"),
            f"a review of type {review.type} with the framework {question.framework} is not supported",
            f"choose one of: {supported()}",
        )
    if review:
        yield from _doubled(review.reviewers, ("review", "reviewers"), "reviewers")
    if question:
        yield from _question(question, kind)
    yield from _criteria(criteria, kind)
    if search := parts.sections.get("search"):
        yield from _search(search, review, kind)
        if search.vocabulary is not None:
            yield from _files([(("search", "vocabulary"), search.vocabulary)], folder)
    yield from _sources(parts.items.get("sources", {}), parts, folder)
    if engine := parts.sections.get("engine"):
        yield from engine_mistakes(engine, folder)
    if (prefilter := parts.sections.get("prefilter")) and prefilter.model == NO_MODEL:
        yield from _without_ranking(prefilter, engine)
    if extraction := parts.sections.get("extraction"):
        yield from _form(extraction.form or ())
    yield from evidence_mistakes(
        extraction,
        parts.sections.get("appraisal"),
        parts.sections.get("synthesis"),
        parts.sections.get("gates", ()),
        folder,
        kind.form if kind else None,
    )
    if fulltext := parts.sections.get("fulltext"):
        yield from _folder(folder / fulltext.folder)
        if fulltext.unpaywall and review and not _email_of(review, parts):
            told = "asks a service that wants a contact address, and there is none"
            yield Problem(("fulltext", "unpaywall"), told, "add email: to review")
    for name in ("gates", "outputs"):
        yield from _doubled(parts.sections.get(name, ()), (name,), name)


def _email_of(review: Review, parts: Parts) -> str | None:
    sources = parts.items.get("sources", {}).values()
    return review.email or next((s.email for s in sources if isinstance(s, PubmedSource) and s.email), None)


def _without_ranking(prefilter: Prefilter, engine: EngineTasks | None) -> Iterator[Problem]:
    """Without embeddings nothing is ranked, so nothing may be cut, and the baseline cannot read."""
    if prefilter.keep is not None:
        message = f"a cut at {prefilter.keep} needs a ranking, and `model: {NO_MODEL}` gives none"
        yield Problem(("prefilter", "keep"), message, "remove `keep`, or name an embedding model")
    if engine is None or any(engine.for_task(task).backend == "baseline" for task in get_args(TaskName)):
        message = "the baseline engine reads with embeddings"
        yield Problem(("prefilter", "model"), message, "use `minilm`, or a language model for every task")


def find_placeholders(value: Any, path: Path = ()) -> Iterator[Problem]:
    """Texts of the template that are still to be filled in."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from find_placeholders(item, (*path, key))
    elif isinstance(value, str) and re.search(r"<<.*>>", value, re.DOTALL):
        yield Problem(path, "still holds the template's placeholder", "replace << … >> by your own text")


def _doubled(values: Iterable[str], path: Path, what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value in seen:
            yield Problem((*path, i), f'"{value}" stands twice among the {what}', "keep one of the two")
        seen.add(value)


def _ids(items: Iterable[tuple[Path, str]], what: str) -> Iterator[Problem]:
    """Ids must be fit for tables and file names, and different."""
    seen: set[str] = set()
    for path, value in items:
        if not _ID.fullmatch(value):
            yield Problem(
                path,
                f'"{value}" cannot be an id',
                "use up to 40 lower-case letters a-z, digits, - and _, beginning with a letter",
            )
        elif value in seen:
            yield Problem(path, f'two {what} are called "{value}"', "give each an id of its own")
        seen.add(value)


def _question(question: Question, kind: ReviewKind | None) -> Iterator[Problem]:
    if not question.text.strip() and not any(question.elements.values()):
        yield Problem(
            ("question",), "the question is empty", "write it under `text`, or its parts under `elements`"
        )
    if kind:
        for name in question.elements:
            yield from _element(name, ("question", "elements", name), kind, ())


def _element(name: str, path: Path, kind: ReviewKind, besides: tuple[str, ...]) -> Iterator[Problem]:
    known = (*kind.element_ids, *besides)
    if name not in known:
        yield Problem(
            path,
            f'"{name}" is no element of {kind.framework}',
            f"use one of {', '.join(known)}{nearest(name, known)}",
        )


def _criteria(criteria: dict[int, Criterion], kind: ReviewKind | None) -> Iterator[Problem]:
    yield from _ids(((("criteria", i, "id"), c.id) for i, c in criteria.items()), "criteria")
    for i, criterion in criteria.items():
        if not criterion.text.strip():
            yield Problem(("criteria", i, "text"), "is empty", "write the criterion as reviewers read it")
        if kind and criterion.element is not None:
            yield from _element(criterion.element, ("criteria", i, "element"), kind, _BESIDES)
        for j, term in enumerate(criterion.terms):
            if not term.strip():
                yield Problem(("criteria", i, "terms", j), "is empty", "write the term, or remove the item")


def _search(search: Search, review: Review | None, kind: ReviewKind | None) -> Iterator[Problem]:
    for i, name in enumerate(search.filters):
        path: Path = ("search", "filters", i)
        if name not in FILTERS:
            yield Problem(
                path,
                f'no search filter is called "{name}"',
                f"use one of {', '.join(FILTERS)}{nearest(name, tuple(FILTERS))}",
            )
        elif kind and review and name not in kind.filters:
            yield Problem(
                path,
                f"{name} keeps trials only and would lose studies of a review of type {review.type}",
                f"use {' or '.join(kind.filters)}, or none",
            )
    yield from _doubled(search.filters, ("search", "filters"), "filters")
    chosen = search.include_elements
    if chosen is not None and kind:
        for i, name in enumerate(chosen):
            yield from _element(name, ("search", "include_elements", i), kind, ())
    yield from _doubled(chosen or (), ("search", "include_elements"), "elements")
    if chosen == ():
        yield Problem(
            ("search", "include_elements"), "nothing is searched", "name an element, or remove the line"
        )
    if search.citations is not None:
        yield from _citations(search, search.citations, review)
    for key in ("filters", "include_elements"):
        if search.strategy is not None and getattr(search, key):
            yield Problem(
                ("search", key),
                "your own strategy is used exactly as it is, so this would have no effect",
                "write it into the strategy, or remove it here",
            )


def _citations(search: Search, citations: Citations, review: Review | None) -> Iterator[Problem]:
    path: Path = ("search", "citations")
    if not (citations.backward or citations.forward):
        yield Problem(path, "neither direction is searched", "switch one on, or remove `citations`")
    if citations.start == "seeds" and not search.seed_studies:
        yield Problem(
            (*path, "from"), "there are no seed studies", "list their PMIDs under search.seed_studies"
        )
    if citations.start == "seeds" and citations.rounds > 1:
        yield Problem(
            (*path, "rounds"), "seed studies are asked about once", "remove it, or write from: included"
        )
    if citations.source == "pubmed" and review and not review.email:
        yield Problem(
            ("review", "email"),
            "is missing: NCBI asks every program to say whom to contact",
            "add your address, or write source: europepmc",
        )


def _sources(sources: dict[int, Any], parts: Parts, folder: pathlib.Path) -> Iterator[Problem]:
    review: Review | None = parts.sections.get("review")
    names: set[str] = set()
    for i, source in sources.items():
        if source.name in names:
            yield Problem(
                ("sources", i, "name"),
                f'two sources are called "{source.name}"',
                "give each a name of its own",
            )
        names.add(source.name)
        if source.name == "citations":
            yield Problem(
                ("sources", i, "name"),
                "this name is taken by the search of citations",
                "give it another name",
            )
        if source.start and source.end and source.start > source.end:
            yield Problem(
                ("sources", i, "from"),
                f"the dates are reversed: {source.start} is after {source.end}",
                "exchange `from` and `to`",
            )
        if isinstance(source, PubmedSource) and review and not (source.email or review.email):
            yield Problem(
                ("sources", i, "email"),
                "is missing: NCBI asks every program to say whom to contact",
                "add your address here or as review.email",
            )
    local: list[tuple[Path, str]] = [
        (("sources", i, "files", j), file)
        for i, source in sources.items()
        if isinstance(source, LocalSource | ManualSource)
        for j, file in enumerate(source.files)
    ]
    manual = [(i, source) for i, source in sources.items() if isinstance(source, ManualSource)]
    local += [(("sources", i, "strategy_file"), s.strategy_file) for i, s in manual if s.strategy_file]
    for i, source in manual:
        yield from _manual(i, source)
    yield from _files(local, folder)


def _manual(i: int, source: ManualSource) -> Iterator[Problem]:
    if (source.strategy is None) == (source.strategy_file is None):
        what = "is missing" if source.strategy is None else "is given twice, also as strategy_file"
        yield Problem(
            ("sources", i, "strategy"),
            f"{what}: a search can be reported and repeated only with its strategy",
            "write the strategy exactly as it was run, or name one file that holds it",
        )
    if not source.files and source.hits:
        yield Problem(
            ("sources", i, "files"),
            f"is missing: {source.hits} hits were declared",
            "name the files that you exported; leave it out only where hits is 0",
        )


def _files(files: Sequence[tuple[Path, str]], folder: pathlib.Path) -> Iterator[Problem]:
    seen: dict[pathlib.Path, Path] = {}
    for path, file in files:
        target = (folder / file).resolve()
        if is_pattern(folder, file):
            if not named(folder, [file]):
                message = f"no file fits {folder.resolve() / file}"
                yield Problem(path, message, "correct the pattern; it starts at this file's folder")
        elif target in seen:
            yield Problem(path, f"{file} is already named at {dotted(seen[target])}", "keep one of the two")
        elif not target.exists():
            yield Problem(
                path, f"there is no file {target}", "correct the path; it starts at this file's folder"
            )
        elif not target.is_file():
            yield Problem(path, f"{target} is no file", "name the files in it one by one")
        seen[target] = path


def _folder(folder: pathlib.Path) -> Iterator[Problem]:
    # It need not exist yet: full texts come late in a review.
    if folder.exists() and not folder.is_dir():
        yield Problem(("fulltext", "folder"), f"{folder.resolve()} is no folder", "name a folder")


def _form(form: tuple[FieldSpec, ...]) -> Iterator[Problem]:
    yield from _ids(((("extraction", "form", i, "id"), f.id) for i, f in enumerate(form)), "fields")
    for i, spec in enumerate(form):
        path: Path = ("extraction", "form", i)
        if not spec.question.strip():
            yield Problem((*path, "question"), "is empty", "write what to look for, in a sentence")
        if spec.kind == "category" and len(spec.options) < 2:
            yield Problem((*path, "options"), "a category needs two options at least", "list its options")
        if spec.kind != "category" and spec.options:
            yield Problem((*path, "options"), f"a {spec.kind} has no options", "write kind: category")
        yield from _doubled(spec.options, (*path, "options"), "options")


# Warnings ----------------------------------------------------------------------------------------

_GATE_LOST = {
    "query": "the strategy is sent to the sources without anybody having read it (PRESS 2015).",
    "screen": "records that the machine suggests to exclude stay waiting, since nobody can decide on them; "
    "the review will not be complete.",
    "extract": "extracted values reach the report without anybody having checked them (MECIR C45, C46).",
}

_TWO_IN_ONE = re.compile(
    r";|\.\s+[A-Z]|\bas well as\b|\band/or\b|,? and (?:also|not|no|published|at least)\b"
)


def find_warnings(config: ReviewConfig) -> Iterator[str]:
    """What is allowed and will probably be regretted; one sentence and a remedy each."""
    for check in _WARNINGS:
        yield from check(config)


def _warn_outcome(config: ReviewConfig) -> Iterator[str]:
    for c in config.criteria:
        if c.element == "outcome" and c.kind == "include":
            yield (
                f'criteria: "{c.id}" makes an outcome a condition for inclusion, which loses studies that '
                "measured it and did not report it (MECIR C8, C40). Remedy: make it a field of the "
                "extraction form, unless the review is about studies that measured this outcome."
            )
    if not config.search.strategy and "outcome" in config.searched:
        yield (
            "search: outcomes are searched for; abstracts often do not name them, so this loses studies. "
            "Remedy: leave them out of include_elements."
        )


def _warn_language(config: ReviewConfig) -> Iterator[str]:
    if "english" in config.search.filters:
        yield (
            "search: only English is searched for, which loses studies and has to be justified in the report "
            "(MECIR C35). Remedy: remove the filter, and translate what is found."
        )


def _warn_gates(config: ReviewConfig) -> Iterator[str]:
    for gate, consequence in _GATE_LOST.items():
        if gate not in config.gates:
            yield f"gates: {gate} is switched off: {consequence} Remedy: add {gate} to gates."


def _warn_email(config: ReviewConfig) -> Iterator[str]:
    for source in config.sources:
        email = config.email_for(source) if isinstance(source, PubmedSource) else None
        if email and re.search(r"[@.]example(\.(com|net|org))?$", email):
            yield f"sources: {email} reaches nobody. Remedy: give NCBI an address that reaches you."


def _warn_criteria(config: ReviewConfig) -> Iterator[str]:
    texts: dict[str, str] = {}
    for c in config.criteria:
        if _TWO_IN_ONE.search(c.text):
            yield (
                f'criteria: "{c.id}" looks like two criteria in one, and an exclusion could not say which '
                "of them was not met. Remedy: split it."
            )
        words = " ".join(c.text.casefold().split())
        if words in texts:
            yield f'criteria: "{c.id}" has the same text as "{texts[words]}". Remedy: remove one.'
        texts.setdefault(words, c.id)


def _warn_terms(config: ReviewConfig) -> Iterator[str]:
    bare = [c.id for c in config.criteria if not c.terms]
    if bare and config.engine.for_task("screen").backend == "baseline":
        yield (
            f"criteria: {', '.join(bare)} without `terms`; without a language model only likeness of meaning "
            "is left to judge by, and most records will come out UNCERTAIN. Remedy: add words that signal it."
        )


def _warn_stages(config: ReviewConfig) -> Iterator[str]:
    stages = {c.stage for c in config.criteria}
    if stages == {"title_abstract"}:
        yield (
            "criteria: none is judged on the full text, so no report can be excluded there with a reason. "
            "Remedy: give the criteria stage: both."
        )
    if stages == {"full_text"}:
        yield (
            "criteria: none is judged on title and abstract, so every record goes on to full text. "
            "Remedy: give the criteria stage: both."
        )


def _warn_audit(config: ReviewConfig) -> Iterator[str]:
    if config.prefilter.keep is not None and config.prefilter.audit == 0:
        yield (
            "prefilter: nothing from below the cut is looked at, so studies missed there would never show. "
            "Remedy: audit: 30."
        )


_WARNINGS: tuple[Callable[[ReviewConfig], Iterator[str]], ...] = (
    _warn_outcome,
    _warn_language,
    _warn_gates,
    _warn_email,
    _warn_criteria,
    _warn_terms,
    _warn_stages,
    _warn_audit,
    evidence_warnings,
)
