"""A search strategy, built as an information specialist builds one: propose, unite, ground, test, revise.

Several proposals are united, because a single one forgets too much (LEADS, arXiv 2501.16255: ten united
queries raise recall from a quarter to over 70 %). Every term is counted in a source before it is searched
for, the strategy is tested on studies known to be relevant (Cochrane Handbook 4.4; Bramer et al. 2018,
doi:10.5195/jmla.2018.283), and what it misses goes back to the engine, a bounded number of times.
"""

from collections import Counter as Votes
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphs.counting import Counter
from graphs.known import NONE_KNOWN, Known, check_known, notes_on
from model.engine import Answer, Engine, Request
from model.pool import ask, ask_all
from model.tasks.query import TASK, Missed, QueryAnswer, QueryInput
from tools import frameworks
from tools.errors import ConfigError, EngineError
from tools.schemas import (
    Block,
    EarlierReview,
    KnownStudyCheck,
    SetAside,
    Strategy,
    StrategyAttempt,
    StrategyLine,
)
from tools.search import query as queries
from tools.search.building import apart, block_query, blocks_query, numbered, swamping, unite, usable
from tools.search.notes import Heading
from tools.search.query import And, Or, Query, Term

__all__ = ["Plan", "build", "examine"]

MAX_LINES = 400
"""Counted line by line; of longer strategies only the lines that join others are counted."""

MAX_ENTRY_TERMS = 12
"""Added for one heading that an engine names."""

REVIEWS_SHOWN = 10

_A_REVIEW = Or(
    (
        Term("systematic review", "pt"),
        Term("meta-analysis", "pt"),
        Term("systematic review", "ti", phrase=True),
        Term("meta-analysis", "ti"),
    )
)

Vocabulary = Callable[[Sequence[str]], Mapping[str, Heading | None]]
"""Names to headings, None for what is none; without a vocabulary an empty mapping."""


# Proposing ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """How a strategy is to be built."""

    asked: QueryInput
    samples: int = 10
    revisions: int = 3
    in_flight: int = 1
    attempt: int = 1
    filters: tuple[str, ...] = ()
    look_for_reviews: bool = True


@dataclass(frozen=True)
class Draft:
    """Blocks on their way to a strategy."""

    blocks: tuple[Block, ...]
    set_aside: tuple[SetAside, ...] = ()
    notes: tuple[str, ...] = ()
    call_keys: tuple[str, ...] = ()
    agreed: frozenset[str] = frozenset()
    """Terms that most proposals have, and at least two."""

    def text(self, filters: Sequence[str]) -> str:
        """The strategy in PubMed syntax."""
        return frameworks.with_filters(queries.render(blocks_query(self.blocks)), filters)


@dataclass
class _Samples:
    """What came back of several askings, in the order of asking."""

    answers: dict[int, Answer[QueryAnswer]] = field(default_factory=dict)
    errors: dict[int, EngineError] = field(default_factory=dict)

    def landed(self, position: int, result: Answer[QueryAnswer] | EngineError) -> None:
        """Sort one result in."""
        if isinstance(result, EngineError):
            self.errors[position] = result
        else:
            self.answers[position] = result


def build(
    plan: Plan, engine: Engine, counter: Counter, vocabulary: Vocabulary, known: Known = NONE_KNOWN
) -> Strategy:
    """A strategy for a question.

    Args:
        plan: the question, and how much effort to make.
        engine: proposes terms.
        counter: counts them.
        vocabulary: tells which headings exist, and their entry terms.
        known: relevant studies to learn from and to test on.

    Raises:
        EngineError: not one proposal came back.
        ConfigError: the proposals hold no usable term.
        SourceUnavailable: the source that counts does not answer.
    """
    asked = plan.asked.model_copy(update={"known": known.building})
    draft = _grounded(_proposed(asked, plan, engine, vocabulary), counter)
    attempts: list[StrategyAttempt] = []
    before: frozenset[str] = frozenset()
    while True:
        text = draft.text(plan.filters)
        whole, parts = queries.parse(text), {block.name: block_query(block) for block in draft.blocks}
        checks = check_known(parts, whole, known, counter)
        terms = frozenset(term for block in draft.blocks for term in block.terms)
        attempts.append(
            StrategyAttempt(
                text=text,
                hits=counter.count(whole),
                missed=tuple(check.pmid for check in checks if check.found is False),
                added=tuple(sorted(terms - before)) if attempts else (),
                call_keys=draft.call_keys,
            )
        )
        learnable = [c for c in checks if c.found is False and c.use == "building" and c.lacks]
        if not learnable or len(attempts) > plan.revisions:
            break
        revised = _revised(asked, draft, learnable, known, plan, engine, counter)
        if revised.blocks == draft.blocks:
            draft = revised
            break
        draft, before = revised, terms
    earlier = _earlier_reviews(draft, counter) if plan.look_for_reviews else ()
    strategy = _counted(text, {part: name for name, part in parts.items()}, counter)
    return strategy.model_copy(
        update={
            "blocks": draft.blocks,
            "notes": (*draft.notes, *notes_on(checks), *counter.said),
            "set_aside": draft.set_aside,
            "known_studies": tuple(checks),
            "attempts": tuple(attempts),
            "earlier_reviews": earlier,
        }
    )


def _proposed(asked: QueryInput, plan: Plan, engine: Engine, vocabulary: Vocabulary) -> Draft:
    samples = _Samples()
    requests = [Request(TASK, asked, sample=n, attempt=plan.attempt) for n in range(plan.samples)]
    ask_all(engine, requests, in_flight=plan.in_flight, landed=samples.landed)
    if not samples.answers:
        raise samples.errors[min(samples.errors)]
    answers = [samples.answers[n] for n in sorted(samples.answers)]
    proposals: list[tuple[Block, ...]] = []
    aside: list[SetAside] = []
    for answer in answers:
        blocks, unusable = usable(answer.value.blocks)
        aside += unusable
        if blocks:
            proposals.append(blocks)
    if not proposals:
        raise ConfigError(
            "no usable search term was proposed: "
            + "; ".join(f"{x.term!r} {x.why}" for x in aside[:5])
            + ". Remedy: give more words in question.elements, or a search.strategy of your own, in review.yaml."
        )
    united, notes = unite(proposals)
    blocks, elsewhere = apart(united, proposals)
    failed = [f"proposal {n + 1} of {plan.samples} failed: {e}" for n, e in sorted(samples.errors.items())]
    draft = Draft(
        blocks=blocks,
        set_aside=_once((*aside, *elsewhere)),
        notes=(*failed, *notes, *_said(answers)),
        call_keys=tuple(dict.fromkeys(answer.key for answer in answers if answer.key)),
        agreed=_agreed(proposals),
    )
    return _with_headings(draft, vocabulary, add=bool(getattr(engine, "language_model", False)))


def _agreed(proposals: Sequence[Sequence[Block]]) -> frozenset[str]:
    named = Votes(term for blocks in proposals for term in {t for block in blocks for t in block.terms})
    return frozenset(term for term, n in named.items() if n > 1 and n * 2 > len(proposals))


def _said(answers: Iterable[Answer[QueryAnswer]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for answer in answers for note in getattr(answer.value, "notes", ())))


def _once(aside: Iterable[SetAside]) -> tuple[SetAside, ...]:
    return tuple({(one.block, one.term): one for one in aside}.values())


def _with_headings(draft: Draft, vocabulary: Vocabulary, *, add: bool) -> Draft:
    """Headings that do not exist are set aside and their words searched as text; `add`: the entry terms of
    those that do exist are added, as records without indexing are found by words alone."""
    named = [t for block in draft.blocks for t in map(_heading_of, block.terms) if t]
    known = vocabulary(tuple(dict.fromkeys(named)))
    if not known:
        return draft
    blocks, aside = [], list(draft.set_aside)
    for block in draft.blocks:
        terms: dict[str, None] = {}
        for term in block.terms:
            name = _heading_of(term)
            if not name or known[name] is not None:
                terms[term] = None
                continue
            aside.append(SetAside(block=block.name, term=term, why="no such MeSH heading; searched as words"))
            terms[queries.render(Term(name, "tiab", phrase=" " in name))] = None
        for name in filter(None, map(_heading_of, block.terms)):
            heading = known[name]
            if add and heading is not None:
                terms.update(dict.fromkeys(_entry_terms(heading)))
        blocks.append(Block(name=block.name, terms=tuple(terms)))
    return replace(draft, blocks=tuple(blocks), set_aside=_once(aside))


def _heading_of(text: str) -> str:
    term = queries.parse(text)
    is_heading = isinstance(term, Term) and term.field in {"mh", "majr"} and not term.truncated
    return term.heading if is_heading and isinstance(term, Term) else ""


def _entry_terms(heading: Heading) -> list[str]:
    """Text-word terms for a heading's synonyms in natural word order."""
    natural = [name for name in (heading.name, *heading.entry_terms) if "," not in name and '"' not in name]
    made = []
    for name in natural[:MAX_ENTRY_TERMS]:
        try:
            made.append(queries.render(Term(" ".join(name.lower().split()), "tiab", phrase=True)))
        except ValueError:  # signs that no search can hold
            continue
    return made


# Grounding and revising --------------------------------------------------------------------------


def _grounded(draft: Draft, counter: Counter) -> Draft:
    """Without terms that find nothing in a live database, and without those that swamp their block.

    A block of which nothing would be left stays as it is, with a note: a person must see it.
    """
    if counter.source is None:
        return draft
    blocks, aside, notes = [], list(draft.set_aside), list(draft.notes)
    for block in draft.blocks:
        counted = counter.counts(f"counting {block.name}", [queries.parse(term) for term in block.terms])
        hits = {term: n for term, n in zip(block.terms, counted, strict=True) if n is not None}
        empty = [term for term, n in hits.items() if n == 0] if counter.live else []
        # A heading is a concept by itself, and what most proposals name is no slip of one of them.
        many = [t for t in swamping(hits) if not _heading_of(t) and t not in draft.agreed]
        left = tuple(term for term in block.terms if term not in empty and term not in many)
        if not left:
            notes.append(f"block {block.name!r}: none of its terms finds anything in {counter.name}")
            blocks.append(block)
            continue
        aside += [SetAside(block=block.name, term=t, why=f"no hits in {counter.name}", hits=0) for t in empty]
        aside += [
            SetAside(block=block.name, term=t, why="alone brings nearly all hits of its block", hits=hits[t])
            for t in many
        ]
        blocks.append(Block(name=block.name, terms=left))
    return replace(draft, blocks=tuple(blocks), set_aside=_once(aside), notes=tuple(notes))


def _revised(
    asked: QueryInput,
    draft: Draft,
    learnable: Sequence[KnownStudyCheck],
    known: Known,
    plan: Plan,
    engine: Engine,
    counter: Counter,
) -> Draft:
    """The draft with more terms in its blocks. A revision adds; it takes nothing away and adds no block."""
    studies = {study.record_id: study for study in known.building}
    missed = tuple(Missed(study=studies[check.pmid], lacks=check.lacks) for check in learnable)
    question = asked.model_copy(update={"previous": draft.blocks, "missed": missed})
    try:
        answer = ask(engine, Request(TASK, question, attempt=plan.attempt))
    except EngineError as e:
        if type(e).exit_status == 4:  # nobody there: the step stops and can be resumed
            raise
        return replace(draft, notes=(*draft.notes, f"no revision: {e}"))
    proposed, unusable = usable(answer.value.blocks)
    offered = {" ".join(block.name.casefold().split()): block.terms for block in proposed}
    rejected = {(one.block, one.term) for one in draft.set_aside}
    rejected |= {
        (block.name, t)
        for block in draft.blocks
        for other in draft.blocks
        if other != block
        for t in other.terms
    }
    blocks = []
    for block in draft.blocks:
        new = [
            t
            for t in offered.get(" ".join(block.name.casefold().split()), ())
            if (block.name, t) not in rejected
        ]
        blocks.append(Block(name=block.name, terms=tuple(dict.fromkeys((*block.terms, *new)))))
    revised = replace(
        draft,
        blocks=tuple(blocks),
        set_aside=_once((*draft.set_aside, *unusable)),
        notes=(*draft.notes, *_said([answer])),
        call_keys=(*draft.call_keys, answer.key) if answer.key else draft.call_keys,
    )
    return _grounded(revised, counter)


def _earlier_reviews(draft: Draft, counter: Counter) -> tuple[EarlierReview, ...]:
    """Has this been done? The newest systematic reviews that the blocks find, without any filter."""
    found = counter.hits(And((blocks_query(draft.blocks), _A_REVIEW)), pmids=REVIEWS_SHOWN)
    # That the source could not be asked stands in the notes: None found is another thing.
    records = (counter.records(found.pmids) if found else None) or {}
    reviews = [EarlierReview(pmid=p, title=r.title, year=r.year) for p, r in records.items()]
    return tuple(sorted(reviews, key=lambda review: (-(review.year or 0), review.pmid)))


# Examining ---------------------------------------------------------------------------------------


def examine(text: str, counter: Counter, known: Known = NONE_KNOWN) -> Strategy:
    """A strategy that a person wrote: counted line by line and tested on the known studies, never changed.

    Raises:
        QuerySyntaxError: it is no strategy.
        SourceUnavailable: the source that counts does not answer.
    """
    whole = queries.parse(text)
    concepts = whole.parts if isinstance(whole, And) else ()
    parts = {queries.render(part)[:60]: part for part in concepts}
    checks = check_known(parts, whole, known, counter)
    missed = tuple(check.pmid for check in checks if check.found is False)
    strategy = _counted(text, {}, counter)
    attempt = StrategyAttempt(text=text, hits=counter.count(whole), missed=missed)
    return strategy.model_copy(
        update={
            "notes": (*notes_on(checks), *counter.said),
            "known_studies": tuple(checks),
            "attempts": (attempt,),
        }
    )


def _counted(text: str, names: Mapping[Query, str], counter: Counter) -> Strategy:
    """The strategy with its numbered lines and their hits."""
    lines = numbered(queries.parse(text), names)
    if counter.source is None:
        return Strategy(text=text, lines=tuple(line for line, _ in lines))
    short = len(lines) <= MAX_LINES
    wanted = [node for _, node in lines if short or not isinstance(node, Term)]
    hits: dict[Any, int | None] = dict(zip(wanted, counter.counts("counting lines", wanted), strict=True))
    told: list[StrategyLine] = [line.model_copy(update={"hits": hits.get(node)}) for line, node in lines]
    return Strategy(text=text, counted_in=counter.name, lines=tuple(told))
