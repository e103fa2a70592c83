"""The report in plain words: sentences made from counts, never from anybody's wish. Pure."""

from tools.reporting.data import ReviewData
from tools.reporting.prisma import PrismaCounts
from tools.reporting.text import person

__all__ = [
    "audit_sentence",
    "engine_sentences",
    "human_sentences",
    "joined",
    "plural",
    "summary",
    "version_sentences",
]

_SOME = {"study": "studies", "this study": "these studies", "is": "are", "was": "were", "has": "have"}


def plural(n: int, noun: str, *, verb: str = "") -> str:
    """`1 record`, `2 studies`, `1,204 records were`: a number with its noun, and its verb when given."""
    many = noun if n == 1 else _SOME.get(noun, f"{noun}s")
    doing = verb if n == 1 else _SOME.get(verb, verb)
    return f"{n:,} {many} {doing}".rstrip()


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def joined(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def summary(data: ReviewData, c: PrismaCounts) -> list[str]:
    """What happened to the records, in the order of the diagram; one sentence each."""
    sentences = [_searched(data, c), _removed(c), _screened(c), _read(c), _included(c)]
    n = sum(
        x.screening.failed
        + x.screening.waiting
        + x.eligibility.failed
        + x.eligibility.waiting
        + x.seeking
        + x.not_begun
        for x in (c, c.other)
        if x is not None
    )
    if n:
        sentences.append(
            f"Not finished: {plural(n, 'record', verb='is')} waiting for a person or for a full text."
        )
    return [s for s in sentences if s]


def version_sentences(data: ReviewData, c: PrismaCounts) -> list[str]:
    """What an update found and changed, and what decides in another way than before; none in a first version."""
    if not data.is_update:
        return []
    line, v = data.passes[-1], c.versions
    why = f" Reason: {line.reason}." if line.reason else ""
    seen = c.seen_before + (0 if c.other is None else c.other.seen_before)
    carried = sum(s.received for s in c.sources if s.kind == "carried")
    sentences = [
        f"Update of pass {line.previous}, opened on {line.opened[:10]} by {line.by}.{why}",
        f"{plural(seen, 'record', verb='was')} found again that an earlier version had settled, unchanged in "
        f"anything that matters: not screened again. {plural(carried, 'record', verb='was')} taken up again, "
        f"because an earlier version had left them open or because they have changed since; {v.changed:,} changed.",
        f"{plural(v.studies_before, 'study', verb='was')} included before; {v.studies_withdrawn:,} "
        f"{_were(v.studies_withdrawn)} excluded by this update and {v.studies_new:,} {_were(v.studies_new)} added.",
    ]
    sentences += [f"Could not be looked up again: {said}." for said in line.not_looked_up]
    if line.changes:
        told = joined(list(line.changes))
        sentences.append(
            f"Since the version before: {told}. Suggestions of the two versions are therefore not comparable, and "
            "nothing that was tuned on the earlier ones holds any more: judge the ranking cut (prefilter.keep) and "
            "the share of suggestions that you check anew. Decisions of people stay."
        )
    return sentences


def _searched(data: ReviewData, c: PrismaCounts) -> str:
    dates = [s.date[:10] for s in data.searches if not s.superseded and s.kind not in ("carried", "recheck")]
    if not dates:
        return "No search has been run yet."
    sources = joined([s.source for s in c.sources if s.kind != "carried"])
    missing = f" {plural(c.missing, 'hit', verb='was')} declared and not delivered." if c.missing else ""
    carried = sum(s.received for s in c.sources if s.kind == "carried")
    said = (
        f"We searched {sources}, last on {max(dates)}, and found {plural(c.identified - carried, 'record')}."
    )
    if not sources:
        said = "No database or register has been searched."
    if c.other is not None:
        ways = joined([s.source for s in c.other.sources])
        said += f" Other methods ({ways}) brought {plural(c.other.identified, 'record')}."
    return said + missing


def _removed(c: PrismaCounts) -> str:
    parts = [f"{plural(c.repeats + c.duplicates, 'duplicate', verb='was')} removed"]
    if c.seen_before:
        parts.append(
            f"{plural(c.seen_before, 'record')} settled by an earlier version {_were(c.seen_before)} left as decided"
        )
    if c.not_screened:
        parts.append(
            f"{plural(c.not_screened, 'record')} below the ranking cut {_were(c.not_screened)} "
            "not screened: nobody judged them"
        )
    return "; ".join(parts) + "." if c.identified else ""


def _screened(c: PrismaCounts) -> str:
    if not c.screening.decided:
        return ""
    return (
        f"Of {plural(c.screening.decided, 'record')} screened on title and abstract, "
        f"{c.screening.excluded.n:,} {_were(c.screening.excluded.n)} excluded, "
        f"and {c.screening.passed:,} went on."
    )


def _read(c: PrismaCounts) -> str:
    if not c.sought:
        return ""
    return (
        f"{plural(c.sought, 'report', verb='was')} sought; {c.not_retrieved:,} could not be had, and "
        f"{c.eligibility.decided:,} {_were(c.eligibility.decided)} assessed in full, "
        f"of which {c.eligibility.excluded.n:,} {_were(c.eligibility.excluded.n)} excluded."
    )


def _included(c: PrismaCounts) -> str:
    aside = []
    if c.studies_ongoing:
        aside.append(f"{plural(c.studies_ongoing, 'study', verb='is')} ongoing")
    if c.studies_awaiting_classification:
        aside.append(
            f"{plural(c.studies_awaiting_classification, 'study', verb='is')} awaiting classification"
        )
    more = f" {joined(aside)}." if aside else ""
    return (
        f"The review includes {plural(c.studies_included, 'study')}, known from "
        f"{plural(c.reports_included, 'report')}.{more}"
    )


def audit_sentence(c: PrismaCounts) -> str:
    """What the random sample from below the cut brought to light."""
    return (
        f"From below the ranking cut, {plural(c.audit, 'record', verb='was')} drawn at random to be screened "
        f"all the same: {c.audit_decided:,} decided so far, {c.audit_passed:,} passed on. "
        "What passes here shows what the cut may have missed."
    )


def engine_sentences(data: ReviewData) -> list[str]:
    """Whether a language model took part, and what ranked the records."""
    if not data.engines:
        first = "No reasoning engine is recorded for this review."
    elif not any(e.language_model for e in data.engines):
        first = (
            "No language model was used: suggestions and extracted values come from the engines listed here."
        )
    else:
        tasks = joined(list(dict.fromkeys(e.task for e in data.engines if e.language_model)))
        first = f"A language model was used for: {tasks}. It suggests; see below who decided."
    ranked = f"Records were ranked by {data.embedder}." if data.embedder else "Records were not ranked."
    return [first, ranked]


def human_sentences(data: ReviewData, c: PrismaCounts) -> list[str]:
    """Who decided, and how much of it one by one."""
    final = [d for x in data.records for d in (x.title_abstract, x.full_text) if d and d.how != "machine"]
    people = sorted({person(d.by) for d in final} | {person(a.by) for a in data.approvals})
    sentences = [
        f"Decisions were taken by {joined(people)}." if people else "No person has decided anything yet."
    ]
    for stage, where in ((c.screening, "title and abstract"), (c.eligibility, "full text")):
        pile = stage.excluded
        if pile.n:
            sentences.append(
                f"Exclusions at {where}: {pile.individual:,} by a person one by one, {pile.bulk:,} suggested "
                f"by the machine and approved in bulk by a person, {pile.machine:,} by the machine alone."
            )
    return sentences
