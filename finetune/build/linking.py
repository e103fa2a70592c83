"""Papers and registry entries that tell of one trial: which links stand, which do not and why, how sources agree.

    report = link(corpus)
    report.accepted, report.refused, report.dead, report.agreement

A *pair* is a PMID and an NCT number; every piece of evidence for it is a raw link of the corpus. A pair stands
where the corpus holds both, where the paper does not merely list or cite registrations, and where the two fit
(`finetune.build.pairing`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from finetune.build.agreement import Agreement, Coverage, agreements
from finetune.build.kinds import Link, Paper, Shard
from finetune.build.pairing import Told, pairing
from finetune.build.writing import write_whole
from tools.records.linking import MAX_NUMBERS
from tools.registry.trial import RegisteredTrial, read
from tools.schemas import Frozen, Record

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = [
    "LinkReport",
    "Pair",
    "RefusedPair",
    "ReviewLinks",
    "accepted",
    "link",
    "of_reviews",
    "perhaps_one_study",
]

ALL = Shard()
AT_ONCE = 500
RULES = 1
"""Goes up when other links stand of the same corpus."""
LISTED = "the paper lists registrations"
TEXT_LISTS = "the full text lists registrations"
CITED = "only cited in the full text"
MENTIONED = frozenset({LISTED, TEXT_LISTS, CITED})
"""Reasons of refusals: the paper names other people's trials."""
TELLING = 20_000
"""Characters of a full text in which the trial's topic is looked for, where there is no abstract."""


class Pair(Frozen):
    """A paper and a registry entry that are held to tell of one trial."""

    pmid: str
    nct_id: str
    evidence: tuple[str, ...] = Field(description="Kinds of evidence for it, as in `Link.evidence`.")
    sources: tuple[str, ...] = Field(description="Whose evidence that is.")
    fits: str = Field(description="How the two compare, in a line.")


class RefusedPair(Frozen):
    """A pair that some evidence speaks for, and that does not stand."""

    pmid: str
    nct_id: str
    evidence: tuple[str, ...]
    why: str = Field(description="From a fixed set, so that it can be counted.")
    detail: str = ""


class LinkReport(Frozen):
    """What became of all raw links."""

    accepted: tuple[Pair, ...]
    refused: tuple[RefusedPair, ...]
    dead: dict[str, int] = Field(description="Pairs of which the corpus lacks the paper, the entry, or both.")
    agreement: tuple[Agreement, ...]

    @property
    def counts(self) -> dict[str, int]:
        """What the card prints: pairs that stand, by evidence; refused ones, by reason; dead ones."""
        stand = Counter(f"accepted: {kind}" for pair in self.accepted for kind in pair.evidence)
        why = Counter(f"refused: {pair.why}" for pair in self.refused)
        dead = {f"dead: {what}": count for what, count in sorted(self.dead.items())}
        return {
            "accepted": len(self.accepted),
            **dict(sorted(stand.items())),
            **dict(sorted(why.items())),
            **dead,
        }


class ReviewLinks(Frozen):
    """A review, its included reports, and the entries of those that stand."""

    review_id: str
    included: int
    held: int = Field(description="Included reports that the corpus holds.")
    entries: dict[str, tuple[str, ...]] = Field(description="PMID to NCT numbers; only where there are any.")


def link(corpus: Corpus, shard: Shard = ALL) -> LinkReport:
    """Check every raw link of a corpus, of the papers of one shard.

    The report on the whole is kept in the corpus' folder, where that can be, and not made again for the same state.

    Raises:
        InputFileError: a file of the corpus is damaged.
    """
    path = corpus.folder / "index" / f"links-{RULES}-{corpus.fingerprint}.json"
    if shard.of > 1:
        return _checked(corpus, shard)
    try:
        return LinkReport.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        report = _checked(corpus, shard)
    with suppress(OSError):  # a folder that cannot be written to can be read all the same
        path.parent.mkdir(exist_ok=True)
        write_whole(path, report.model_dump_json())
    return report


def accepted(corpus: Corpus) -> tuple[Pair, ...]:
    """The pairs that stand, ordered by PMID and NCT number."""
    return link(corpus).accepted


def perhaps_one_study(corpus: Corpus) -> tuple[tuple[str, str], ...]:
    """PMID and NCT number of each pair that may tell of one study, doubtful ones among them, in their order.

    Not those of papers that merely mention a trial: reviews that list registrations would tie all of medicine together.
    """
    report = link(corpus)
    stand = [(pair.pmid, pair.nct_id) for pair in report.accepted]
    doubtful = [(pair.pmid, pair.nct_id) for pair in report.refused if pair.why not in MENTIONED]
    return tuple(sorted(stand + doubtful))


def _checked(corpus: Corpus, shard: Shard) -> LinkReport:
    said: dict[str, dict[str, list[Link]]] = defaultdict(lambda: defaultdict(list))
    for one in corpus.links():
        if shard.of == 1 or shard.has(one.pmid):
            said[one.pmid][one.nct_id].append(one)
    entries = corpus.known_trials({nct_id for pairs in said.values() for nct_id in pairs})
    checked = _Checked(corpus, entries)
    pmids = sorted(said, key=int)
    for start in range(0, len(pmids), AT_ONCE):
        some = pmids[start : start + AT_ONCE]
        records = corpus.records(some)
        for pmid in some:
            checked.paper(pmid, records.get(pmid), said[pmid])
    return checked.report()


def of_reviews(corpus: Corpus, pairs: Sequence[Pair], shard: Shard = ALL) -> Iterator[ReviewLinks]:
    """Each review's included reports and their entries, ordered by review_id."""
    found: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        found[pair.pmid].append(pair.nct_id)
    for review in corpus.reviews(shard):
        yield ReviewLinks(
            review_id=review.review_id,
            included=len(review.included),
            held=len(corpus.known_pmids(review.included)),
            entries={pmid: tuple(sorted(found[pmid])) for pmid in review.included if pmid in found},
        )


# One paper after the other -----------------------------------------------------------------------


class _Checked:
    """The pairs that were looked at so far."""

    def __init__(self, corpus: Corpus, entries: frozenset[str]) -> None:
        self._corpus, self._entries = corpus, entries
        self._accepted: list[Pair] = []
        self._refused: list[RefusedPair] = []
        self._dead: Counter[str] = Counter()
        self._coverage = Coverage(entries)
        self._trials: dict[str, RegisteredTrial] = {}

    def paper(self, pmid: str, record: Record | None, links: Mapping[str, Sequence[Link]]) -> None:
        """Judge all pairs of one paper."""
        paper = self._corpus.paper(pmid=pmid)
        self._coverage.add(pmid, record, paper, links)
        against = _of_the_paper(record, paper, links)
        for nct_id in sorted(links):
            lacking = [
                what
                for what, there in (("paper", record or paper), ("entry", nct_id in self._entries))
                if not there
            ]
            if lacking:
                self._dead[" and ".join(lacking)] += 1
            else:
                self._judge(pmid, nct_id, links[nct_id], against.get(nct_id, ""), _told(record, paper))

    def report(self) -> LinkReport:
        """What became of all of them."""
        return LinkReport(
            accepted=tuple(self._accepted),
            refused=tuple(self._refused),
            dead=dict(sorted(self._dead.items())),
            agreement=agreements(self._coverage),
        )

    def _judge(self, pmid: str, nct_id: str, links: Sequence[Link], why: str, told: Told) -> None:
        evidence = tuple(sorted({one.evidence for one in links}))
        fits = pairing(told, self._trial(nct_id))
        if why or fits.wrong:
            self._refused.append(
                RefusedPair(
                    pmid=pmid, nct_id=nct_id, evidence=evidence, why=why or fits.wrong, detail=fits.evidence
                )
            )
            return
        sources = tuple(sorted({one.source for one in links}))
        self._accepted.append(
            Pair(pmid=pmid, nct_id=nct_id, evidence=evidence, sources=sources, fits=fits.evidence)
        )

    def _trial(self, nct_id: str) -> RegisteredTrial:
        if nct_id not in self._trials:
            trial = self._corpus.trial(nct_id)
            if trial is None:
                raise KeyError(nct_id)
            if len(self._trials) > AT_ONCE:
                self._trials.clear()
            self._trials[nct_id] = read(trial.document)
        return self._trials[nct_id]


def _of_the_paper(
    record: Record | None, paper: Paper | None, links: Mapping[str, Sequence[Link]]
) -> dict[str, str]:
    """NCT number to why the paper itself speaks against it: it lists registrations, or only cites this one."""
    own = {n for n, some in links.items() if any(one.evidence in ("databank", "abstract") for one in some)}
    numbers = own | set(record.registry_ids if record else ())
    if len(numbers) > MAX_NUMBERS:
        return dict.fromkeys(links, LISTED)
    in_text = [n for n, some in links.items() if all(one.evidence == "full_text" for one in some)]
    if own:
        return dict.fromkeys(in_text, CITED)
    if paper is not None and len(paper.text.registry_ids) > MAX_NUMBERS:
        return dict.fromkeys(in_text, TEXT_LISTS)
    return {}


def _told(record: Record | None, paper: Paper | None) -> Told:
    """What the paper says: its record, or else its full text's beginning."""
    year = next((one.year for one in (record, paper) if one and one.year), None)
    if record is not None and (record.abstract or paper is None):
        more = "\n".join((record.abstract, *record.mesh, *record.keywords))
        return Told(title=record.title, text=more, abstract=bool(record.abstract), year=year)
    text = paper.text.canonical[:TELLING] if paper is not None else ""
    title = record.title if record is not None else paper.title if paper is not None else ""
    return Told(title=title, text=text, abstract=bool(text), year=year)
