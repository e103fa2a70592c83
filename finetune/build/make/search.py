"""Instructions of the task `query`: strategies made from what reviews included, and kept only if they find it.

Each element of the question becomes one block. Its terms come from the question, from the included records and from
the vocabulary (`search_terms`), and from nowhere else. Of the candidates those are taken that find included records,
then those that cost few hits (`search_blocks`). The strategy is run on the index of the corpus, and is refused where
it finds too few of the included records that the index holds, or too much of the index.

LEADS took up to ten terms for each included study from a general model, joined by AND within a study and by OR over
studies; a strategy was kept from a recall of 0.2 on (Wang et al. 2025, doi:10.1038/s41467-025-62058-5). Blocks are
how searchers write (Cochrane Handbook 4.4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from finetune.build.kinds import Review, Shard, Trial
from finetune.build.linking import accepted
from finetune.build.make.search_blocks import Index, Made, Settings, made_block, required, strategy
from finetune.build.make.search_evidence import Evidence
from finetune.build.make.search_terms import ORIGINS, elements_of, own_terms
from finetune.instructions import About, Instruction, Refusal, instruction
from model.baseline.query_headings import Lookup
from model.engine import Engine, EngineUnavailable, Request
from model.pool import ask
from model.tasks.pico import TASK as PICO_TASK
from model.tasks.pico import PicoInput
from model.tasks.query import KnownStudy, Missed, QueryAnswer, QueryInput
from tools.errors import EngineError
from tools.frameworks import KINDS, ReviewKind
from tools.schemas import Block, Record, sha256_of
from tools.search.building import block_query
from tools.search.ctgov_json import UnreadableStudy, read_study
from tools.search.vocabulary import Vocabulary

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Index", "SearchMaker", "Settings", "trial_records"]

Target = Literal["publications", "trials"]


class _Refused(Exception):
    """Why nothing is made of a review; caught in this module."""


class _Case(NamedTuple):
    """A review and one target: the included records that the index holds, by id."""

    review: Review
    target: Target
    records: Index
    held: Mapping[str, Record]
    seeds: tuple[str, ...]

    @property
    def counted(self) -> frozenset[str]:
        """Those by which the strategy is judged: not what the question gives away."""
        return frozenset(self.held) - frozenset(self.seeds)


class _Strategy(NamedTuple):
    """What was made of a case."""

    blocks: tuple[Made, ...]
    left_out: tuple[str, ...]
    """Names of elements without a block."""
    hits: int


class SearchMaker:
    """Makes instructions of the task `query`; one for each review and target of which something is known."""

    name = "search"

    def __init__(
        self,
        engine: Engine,
        vocabulary: Vocabulary,
        publications: Index,
        trials: Index | None = None,
        settings: Settings | None = None,
    ) -> None:
        """
        Args:
            engine: reads the elements of a question where the review does not give them.
            vocabulary: headings and their names.
            publications: index of the corpus' PubMed records, by PMID.
            trials: index of its registry entries (`trial_records`), by number; without one no strategies for
                registers are made.
        """
        self.engine, self.vocabulary = engine, vocabulary
        self.publications, self.trials = publications, trials
        self.settings = settings or Settings()
        self._lookup = Lookup(vocabulary)

    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]:
        """The instructions of a shard's reviews, and why others give none."""
        linked: dict[str, set[str]] = {}
        for pair in accepted(corpus) if self.trials else ():
            linked.setdefault(pair.pmid, set()).add(pair.nct_id)
        for review in corpus.reviews(shard):
            included = corpus.records(review.included)
            review = _dated(review, included)
            yield self.made(review, included, "publications")
            if _chance("revision", review) < self.settings.with_revision:
                yield self.revised(review, included)
            numbers = {number for pmid in review.included for number in linked.get(pmid, ())}
            if numbers:
                found = (trial for number in sorted(numbers) if (trial := corpus.trial(number)))
                yield self.made(review, dict(_records(found)), "trials")

    def made(self, review: Review, included: Mapping[str, Record], target: Target) -> Instruction | Refusal:
        """One instruction, or why there is none.

        Args:
            included: what the review included, by the id that the target's index knows it by.
        """
        return self._kept(review, included, target, self._draft)

    def revised(self, review: Review, included: Mapping[str, Record]) -> Instruction | Refusal:
        """The same strategy as the revision of one that has only the question's own terms, or why there is none.

        Some of the studies that this one misses are shown, as the agent shows them, and do not count.
        """
        return self._kept(review, included, "publications", self._revision)

    def _kept(
        self,
        review: Review,
        included: Mapping[str, Record],
        target: Target,
        make: Callable[[_Case, _Strategy], Instruction],
    ) -> Instruction | Refusal:
        try:
            case = self._case(review, included, target)
            return make(case, self._strategy(case))
        except EngineUnavailable:
            raise
        except (_Refused, EngineError) as e:
            why = str(e) if isinstance(e, _Refused) else "the engine reads no elements"
            return Refusal("query", review.source, why, f"{review.review_id} {target}")

    def _case(self, review: Review, included: Mapping[str, Record], target: Target) -> _Case:
        index = self.publications if target == "publications" else self.trials
        if not review.included:
            raise _Refused("no included record known")
        if index is None or not (held := index.held(included)):
            raise _Refused("no included record in the index")
        seeds = _seeds(review, held, self.settings) if target == "publications" else ()
        case = _Case(review, target, index, {number: included[number] for number in sorted(held)}, seeds)
        if len(case.counted) < self.settings.fewest:
            raise _Refused("too few included records in the index")
        return case

    def _strategy(self, case: _Case) -> _Strategy:
        settings = self.settings
        evidence = Evidence(tuple(case.held.values()), self.vocabulary)
        elements = elements_of(self._phrases(case.review), case.review.framework, self._lookup)
        found = [
            made_block(one, evidence, case.records, frozenset(case.held), self._lookup, settings)
            for one in elements
        ]
        if not found:
            raise _Refused("elements empty")
        blocks, left_out = required(
            [one for one in found if one], case.counted, case.records, settings.least_recall
        )
        if not blocks:
            raise _Refused("no term finds an included record")
        hits = case.records.count(strategy(blocks))
        if hits > settings.most_share * case.records.size:
            raise _Refused("too broad")
        return _Strategy(tuple(blocks), tuple(left_out), hits)

    def _draft(self, case: _Case, made: _Strategy) -> Instruction:
        known = tuple(_known(number, case.held[number]) for number in case.seeds)
        return self._instruction(case, made, case.seeds, {"known": known})

    def _revision(self, case: _Case, made: _Strategy) -> Instruction:
        own = [own_terms(one.element, self._lookup) for one in made.blocks]
        previous = [
            Block(
                name=one.block.name,
                terms=tuple(t for t in one.block.terms if t in mine) or one.block.terms[:1],
            )
            for one, mine in zip(made.blocks, own, strict=True)
        ]
        named = {block.name: case.records.found(block_query(block), case.held) for block in previous}
        lacks = {
            number: tuple(name for name, found in named.items() if number not in found)
            for number in case.held
        }
        found = case.records.found(strategy(made.blocks), case.held)
        missed = sorted(
            (number for number in found if lacks[number]), key=lambda number: _order(case.review, number)
        )[: self.settings.seeds]
        if not missed:
            raise _Refused("the question's own terms miss nothing")
        shown = tuple(Missed(study=_known(n, case.held[n]), lacks=lacks[n]) for n in missed)
        studies = tuple(one.study for one in shown)
        more = {"previous": tuple(previous), "missed": shown, "known": studies}
        return self._instruction(case, made, tuple(missed), more)

    def _instruction(
        self, case: _Case, made: _Strategy, shown: tuple[str, ...], more: Mapping[str, Any]
    ) -> Instruction:
        """Asked with what is shown, and kept if it finds enough of the rest."""
        counted = frozenset(case.held) - frozenset(shown)
        if len(counted) < self.settings.fewest:
            raise _Refused("too few included records in the index")
        recall = len(case.records.found(strategy(made.blocks), counted)) / len(counted)
        if recall < self.settings.least_recall:
            raise _Refused("recall too low")
        asked = QueryInput(
            title=case.review.title,
            framework=case.review.framework,
            elements={one.element.name: one.element.phrases for one in made.blocks},
            target=case.target,
            **more,
        )
        answer = QueryAnswer(blocks=tuple(one.block for one in made.blocks))
        how = "revision" if asked.previous else case.target
        evidence = (
            f"finds {recall:.3f} of {len(counted)} included records that the index holds",
            *_told(case, made),
        )
        return instruction("query", asked, answer, _about(case, f"search-{how}", evidence))

    def _phrases(self, review: Review) -> dict[str, tuple[str, ...]]:
        """The searched elements that have phrases: the review's own, else what the engine reads in its question."""
        kind = _kind(review.framework)
        told = {name: phrases for name, phrases in review.elements.items() if phrases}
        if not told:
            asked = PicoInput(
                title=review.title,
                question=review.question or review.title,
                framework=review.framework,
                elements=kind.element_ids,
            )
            answer = ask(self.engine, Request(PICO_TASK, asked)).value
            told = {one.name: one.phrases for one in answer.elements if one.phrases}
        return {name: told[name] for name in kind.searched if name in told}


def trial_records(corpus: Corpus) -> Iterator[tuple[str, Record]]:
    """The corpus' registry entries as records, by number."""
    return _records(corpus.trials())


def _records(trials: Iterable[Trial]) -> Iterator[tuple[str, Record]]:
    """Those that are studies; what is none was counted by ingest."""
    for trial in trials:
        try:
            yield trial.nct_id, read_study(trial.document)
        except UnreadableStudy:
            continue


def _kind(framework: str) -> ReviewKind:
    for (_, name), kind in KINDS.items():
        if name == framework:
            return kind
    raise _Refused("unknown framework")


def _seeds(review: Review, held: frozenset[str], settings: Settings) -> tuple[str, ...]:
    """Known studies for some of the reviews, chosen by their hashes: the same for ever."""
    if _chance("seeds", review) >= settings.with_seeds or len(held) < settings.seeds + settings.fewest:
        return ()
    return tuple(sorted(held, key=lambda pmid: _order(review, pmid))[: settings.seeds])


def _dated(review: Review, included: Mapping[str, Record]) -> Review:
    """A review of which no year is known is as new as the newest record that it included, at the least."""
    years = [record.year for record in included.values() if record.year is not None]
    known = review.year is not None or not years
    return review if known else review.model_copy(update={"year": max(years)})


def _chance(what: str, review: Review) -> float:
    return int(sha256_of([what, review.review_id])[:8], 16) / 16**8


def _order(review: Review, number: str) -> str:
    return sha256_of([review.review_id, number])


def _known(pmid: str, record: Record) -> KnownStudy:
    return KnownStudy(
        record_id=pmid,
        title=record.title,
        abstract=record.abstract,
        mesh=record.mesh,
        keywords=record.keywords,
    )


def _told(case: _Case, made: _Strategy) -> list[str]:
    """What else speaks for a strategy, as counts."""
    origins: Counter[str] = sum((one.origins for one in made.blocks), Counter())
    kept = ", ".join(f"{origins[origin]} from {origin}" for origin in ORIGINS if origins[origin])
    told = [
        f"retrieves {made.hits} of {case.records.size} records",
        f"{sum(origins.values())} terms: {kept}",
        f"{sum(one.stray for one in made.blocks)} stray candidates left out",
    ]
    if made.left_out:
        told.append(f"no block for {', '.join(made.left_out)}: it would lose included records")
    return told


def _about(case: _Case, how: str, evidence: tuple[str, ...]) -> About:
    """Every record that lent a term counts as one whose text stands in the instruction."""
    prefix = "pmid" if case.target == "publications" else "nct"
    return About(
        source=case.review.source,
        licence=case.review.licence,
        how=how,
        reviews=(case.review.review_id,),
        studies=tuple(f"{prefix}:{number}" for number in case.held),
        year=case.review.year,
        evidence=evidence,
    )
