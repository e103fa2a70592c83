"""How two citations agree, field by field, and what follows: the same, related, to be looked at, or nothing. Pure.

One wrong join hides a study; one missed join costs a reader a minute. So a rule joins by itself only where
several independent fields agree and none speaks against it; everything else that looks alike is for a person.

Sources: ASySD's rules (Hair et al. 2023, doi:10.1186/s12915-023-01686-z) and DedupEndNote's (dedupendnote.nl),
with the refusals that both leave to a person: other DOIs, years more than one apart, versions of a Cochrane
review. PMID and DOI are no proof by themselves: abstracts of a meeting share their proceedings' DOI, and an
erratum can carry its article's title (Bramer et al. 2016, PMC4915647).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz

from tools.records.citation import Citation

__all__ = ["ALIKE", "Class", "Likeness", "Verdict", "judge", "likeness", "same_journal"]

Class = Literal["same", "doubt", "related", "other"]
"""same: joined without a person. doubt: for a person. related: linked, never joined. other: nothing."""

Agreement = Literal[-1, 0, 1]
"""1 the field agrees, -1 it differs, 0 it is missing in one or does not tell."""

ALIKE = 0.95
"""Titles this near are taken for one title with an error of typing in it (both sources use 0.89 to 0.95)."""

NEAR = 0.85
"""Titles this near are worth a look."""

ABSTRACT = 1200
"""Letters of an abstract that are compared: its end holds copyright lines that only some databases print."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What two citations have in common. Similarities are 0 to 1, None where one side is missing."""

    title: float
    titled: bool
    """Both have a title."""
    letters: bool
    """The titles are letter by letter the same; else a word differs, by an error of typing or in earnest."""
    part: bool
    """One title is the beginning of the other."""
    abstract: float | None
    long_abstract: bool
    authors: Agreement
    journal: Agreement
    volume: Agreement
    pages: Agreement
    years: int | None
    pmid: Agreement
    doi: Agreement
    entry: Agreement
    """Number of a registry entry."""
    same_item: bool
    """The same DOI, or the same place in the same journal: whatever it is called, it is one thing."""
    obstacles: tuple[str, ...]
    kinds: tuple[str, str]

    @property
    def score(self) -> float:
        """0 to 1 for sorting what a person is shown; not a probability."""
        weighted = [(0.35, self.title)] if self.titled else [(0.1, 0.5)]
        weighted += [] if self.abstract is None else [(0.2, self.abstract)]
        fields = ((0.15, self.authors), (0.1, self.journal), (0.05, self.volume), (0.1, self.pages))
        weighted += [(weight, (value + 1) / 2) for weight, value in fields if value]
        weighted += [] if self.years is None else [(0.05, max(0.0, 1 - self.years / 2))]
        weighted += [(0.2, 1.0)] if 1 in (self.pmid, self.doi, self.entry) else []
        whole = sum(weight for weight, _ in weighted)
        return round(sum(w * v for w, v in weighted) / whole * 0.9 ** len(self.obstacles), 3)

    @property
    def evidence(self) -> str:
        """All of it in one line, for a person."""
        said = [f"title {self.title:.2f}" if self.titled else "a title is missing"]
        said += ["one title is the beginning of the other"] if self.part else []
        said += [] if self.abstract is None else [f"abstract {self.abstract:.2f}"]
        fields = (
            ("PMID", self.pmid),
            ("DOI", self.doi),
            ("registry entry", self.entry),
            ("authors", self.authors),
            ("journal", self.journal),
            ("volume", self.volume),
            ("pages", self.pages),
        )
        said += [f"{name} {'same' if value > 0 else 'differ'}" for name, value in fields if value]
        said += (
            [] if self.years is None else ["year same" if self.years == 0 else f"{self.years} years apart"]
        )
        return ", ".join(said) + "".join(f"; {obstacle}" for obstacle in self.obstacles)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a likeness, and why; for related citations, how they are related."""

    kind: Class
    reason: str = ""
    relation: str = ""


# Comparing -----------------------------------------------------------------------------------------


def likeness(one: Citation, other: Citation, title: float, abstract_of: Callable[[int], str]) -> Likeness:
    """Compare two citations.

    Args:
        title: similarity of the two titles, 0 to 1, computed for many pairs at once elsewhere.
        abstract_of: place of a citation to its folded abstract; asked only for pairs that need it.
    """
    years = None if one.year is None or other.year is None else abs(one.year - other.year)
    pmid, doi, entry = (_equal(getattr(one, n), getattr(other, n)) for n in ("pmid", "doi", "entry"))
    volume, pages = _equal(one.volume, other.volume), _equal(one.start_page, other.start_page)
    journal = _journals(one, other)
    abstract, long_abstract = _abstracts(abstract_of(one.place), abstract_of(other.place))
    part = _is_part(one.title, other.title)
    same_item = doi == 1 or _same_place(journal, volume, pages, years, abstract)
    return Likeness(
        title=title,
        titled=bool(one.title and other.title),
        letters=one.title.replace(" ", "") == other.title.replace(" ", ""),
        part=part,
        abstract=abstract,
        long_abstract=long_abstract,
        authors=_authors(one, other),
        journal=journal,
        volume=volume,
        pages=pages,
        years=years,
        pmid=pmid,
        doi=doi,
        entry=entry,
        same_item=same_item,
        obstacles=()
        if entry == 1
        else tuple(_obstacles(one, other, pmid=pmid, doi=doi, years=years, same_item=same_item)),
        kinds=(one.kind, other.kind),
    )


def _same_place(
    journal: Agreement, volume: Agreement, pages: Agreement, years: int | None, abstract: float | None
) -> bool:
    """An abstract and its article never begin on one page; without pages the text must be the same."""
    if pages == 1:
        return (volume == 1 and journal >= 0) or (journal == 1 and years == 0)
    return pages == 0 and journal == 1 and (volume == 1 or years == 0) and (abstract or 0.0) >= ALIKE


def _equal(one: str, other: str) -> Agreement:
    if not one or not other:
        return 0
    return 1 if one == other else -1


def _is_part(one: str, other: str) -> bool:
    short, long_ = sorted((one, other), key=len)
    return len(short) >= 40 and len(short) < len(long_) and long_.startswith(short)


def _abstracts(one: str, other: str) -> tuple[float | None, bool]:
    """Similarity over the length of the shorter, and whether that is long enough to mean something."""
    length = min(len(one), len(other), ABSTRACT)
    if length < 60:
        return None, False
    return fuzz.ratio(one[:length], other[:length]) / 100, length >= 200


def _authors(one: Citation, other: Citation) -> Agreement:
    """Names in any order and form: the first author's agree, or half of the shorter list's do."""
    if not one.authors or not other.authors:
        return 0
    if one.first_author & other.first_author:
        return 1
    shared = len(one.authors & other.authors) / min(len(one.authors), len(other.authors))
    if shared >= 0.5:
        return 1
    first = max(fuzz.ratio(a, b) for a in one.first_author for b in other.first_author)
    if first >= 85:
        return 1
    return -1 if shared < 0.2 else 0


def _journals(one: Citation, other: Citation) -> Agreement:
    if one.issn & other.issn:
        return 1
    if not one.journal or not other.journal:
        return 0
    if same_journal(one.journal, other.journal):
        return 1
    return -1 if fuzz.token_set_ratio(" ".join(one.journal), " ".join(other.journal)) < 70 else 0


@lru_cache(maxsize=65536)
def same_journal(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Words of two names are the same journal: equal, abbreviated word by word, or an acronym."""
    if one == other:
        return True
    short, long_ = sorted((one, other), key=len)
    if len(short) == 1 and len(long_) >= 3:
        return short[0] == "".join(word[0] for word in long_)[: len(short[0])] and len(short[0]) >= 3
    if len(short) < len(long_) and len(short) < 3:
        return False
    if len(long_) - len(short) > 2:
        return False
    return all(_abbreviates(a, b) for a, b in zip(short, long_, strict=False))


def _abbreviates(one: str, other: str) -> bool:
    """`curr` and `current`, `natl` and `national`: the same first letter, and the short one's in order."""
    short, long_ = sorted((one, other), key=len)
    if long_.startswith(short):
        return True
    letters = iter(long_)
    return len(short) >= 3 and short[0] == long_[0] and all(letter in letters for letter in short)


def _obstacles(
    one: Citation, other: Citation, *, pmid: Agreement, doi: Agreement, years: int | None, same_item: bool
) -> list[str]:
    """What forbids to join two records without a person, however alike they are."""
    met = []
    if pmid < 0:
        met.append("different PMIDs")
    if doi < 0:
        met.append("different DOIs")
    if years is not None and years > 1:
        met.append(f"{years} years apart")
    if one.cochrane and other.cochrane and years:
        met.append("Cochrane reviews of different years: versions")
    if one.entry and other.entry:
        met.append("different registry entries")
    if one.notice != other.notice:
        met.append(f"one is a {one.notice or other.notice}")
    if one.protocol != other.protocol and one.title and other.title:
        met.append("one is a protocol")
    if one.numerals != other.numerals and one.title and other.title and pmid < 1:
        met.append("the numbers in the titles differ")
    if one.kind != other.kind and not (same_item and "preprint" not in (one.kind, other.kind)):
        met.append(f"{_a(one.kind)} and {_a(other.kind)}")
    return met


def _a(kind: str) -> str:
    return {
        "article": "an article",
        "conference": "a conference abstract",
        "preprint": "a preprint",
        "registry": "a registry entry",
    }[kind]


# Judging -------------------------------------------------------------------------------------------


def judge(one: Citation, other: Citation, like: Likeness) -> Verdict:
    """What follows for two citations that are both titled or share an identifier."""
    if like.obstacles or (set(like.kinds) == {"conference"} and like.journal < 0):
        relation = _relation(one, other, like)
        if relation:
            return Verdict("related", like.evidence, relation)
        return Verdict("doubt", like.evidence) if _worth_a_look(one, other, like) else Verdict("other")
    rule = _safe(one, other, like)
    if rule:
        return Verdict("same", rule)
    return Verdict("doubt", like.evidence) if _suspicious(one, other, like) else Verdict("other")


def _safe(one: Citation, other: Citation, like: Likeness) -> str:
    """The rule that joins, in words; empty where none does."""
    if like.entry == 1:
        return f"same registry entry {one.entry}"
    untitled = like.authors >= 0 and not like.titled
    if like.pmid == 1 and (untitled or like.title >= 0.8):
        return f"same PMID {one.pmid}"
    if like.doi == 1 and ((untitled and like.pages >= 0) or _doi_is_enough(like)):
        return f"same DOI {one.doi}"
    if like.title < ALIKE or like.authors < 0:
        return ""
    fields = (
        ("authors", like.authors),
        ("journal", like.journal),
        ("volume", like.volume),
        ("pages", like.pages),
    )
    agreed = {name for name, value in fields if value == 1}
    said = _by_place(like, agreed)
    if not said and not (one.short_title or other.short_title):
        anonymous = not one.authors and not other.authors
        bare = not (one.authors or one.journal) or not (other.authors or other.journal)
        said = _by_text(like, agreed, anonymous=anonymous, bare=bare)
    return ", ".join([f"same {said}", *(name for name, value in fields if value == 1)]) if said else ""


def _by_place(like: Likeness, agreed: set[str]) -> str:
    """The title, the authors and the place where it was printed."""
    if not {"authors", "pages"} <= agreed:
        return ""
    if like.volume >= 0 and like.journal >= 0 and agreed & {"journal", "volume"}:
        return "title"
    # The journal and the first page in the same year: a volume that differs was read wrongly, as `1` of `61 (1)`.
    return "title, year" if "journal" in agreed and like.years == 0 else ""


def _by_text(like: Likeness, agreed: set[str], *, anonymous: bool, bare: bool) -> str:
    """Where pages are missing: the title with the abstract, or with all that is left of the place.

    Args:
        anonymous: neither names an author.
        bare: one of them names neither authors nor a journal.
    """
    abstract = like.abstract or 0.0
    # Vitamin C or E, hypotension or hypertension: where a letter differs, the text must be all but equal.
    same_text = like.long_abstract and abstract >= (ALIKE if like.letters else 0.97)
    same_year = like.years == 0
    differs = -1 in (like.journal, like.volume, like.pages, like.doi)
    if differs:  # an article number here and a range of pages there, with all else the same
        return (
            "title, abstract, year"
            if same_text and same_year and {"authors", "journal", "volume"} <= agreed
            else ""
        )
    if {"authors", "journal"} <= agreed:
        if same_text or (like.letters and like.long_abstract and abstract >= 0.9):
            return "title, abstract"
        if like.letters and same_year and ("volume" in agreed or like.abstract is None or abstract >= 0.8):
            return "title, year"
    if same_text and same_year and ("authors" in agreed or (anonymous and {"journal", "volume"} <= agreed)):
        return "title, abstract, year"
    nothing_else = bare and like.title >= 0.98 and abstract >= 0.97 and like.long_abstract
    return "title and abstract, with nothing else to compare" if nothing_else else ""


def _doi_is_enough(like: Likeness) -> bool:
    """A DOI may be the proceedings': then pages tell, and where the title varies another field must agree."""
    if like.pages < 0:
        return like.title == 1 and like.authors == 1 and (like.abstract or 0.0) >= ALIKE
    if like.title >= 0.97:
        other_text = not like.letters and like.abstract is not None and like.abstract < 0.8
        return (like.authors >= 0 or like.pages == 1) and not other_text
    further = like.pages == 1 or (like.abstract or 0.0) >= 0.9
    return (like.title >= 0.9 or like.part) and like.authors >= 0 and further


def _suspicious(one: Citation, other: Citation, like: Likeness) -> bool:
    """Nothing forbids to join them and no rule does: is it worth a person's minute?"""
    if 1 in (like.pmid, like.doi):
        return like.pmid == 1 or not _only_the_doi(like)
    abstract = like.abstract or 0.0
    if not like.titled:
        return False
    if like.title >= NEAR or like.part:
        if one.short_title or other.short_title:
            return (
                like.authors == 1
                and (like.journal == 1 or like.pages == 1)
                and -1 not in (like.volume, like.pages)
            )
        if like.authors < 0:
            return abstract >= 0.9
        return like.title >= ALIKE or abstract >= 0.8 or like.pages == 1 or like.journal == 1
    if like.authors == 1 and like.same_item and like.journal == 1:
        return like.years is not None and like.years <= 1  # a translated title
    return like.title >= 0.7 and like.authors == 1 and abstract >= 0.9 and like.long_abstract


def _only_the_doi(like: Likeness) -> bool:
    """Neighbours in a meeting's proceedings: another title, and other authors or another text."""
    if like.title >= 0.7 or like.part:
        return False
    return like.authors < 0 or (like.abstract is not None and like.abstract < 0.7)


def _worth_a_look(one: Citation, other: Citation, like: Likeness) -> bool:
    """Something forbids to join them: a person is asked only where everything else says the same."""
    abstract = like.abstract or 0.0
    if like.pmid == 1:
        return True
    if like.entry < 0:
        return False
    if like.doi == 1:
        return not _only_the_doi(like)
    if one.notice != other.notice or like.pmid < 0 or (like.years or 0) > 1:
        everything = like.title >= ALIKE and like.authors == 1 and like.journal == 1
        return everything and like.pages == 1 and like.volume >= 0
    if one.short_title or other.short_title or like.authors < 0:
        return False
    if like.doi < 0:
        return like.title >= ALIKE and like.journal >= 0 and (like.pages == 1 or abstract >= 0.9)
    return like.title >= ALIKE and (abstract >= 0.9 or like.pages == 1)


def _relation(one: Citation, other: Citation, like: Likeness) -> str:
    """How two records that are not one citation belong together; empty where they do not, or nobody knows."""
    kinds = set(like.kinds)
    near = like.title >= NEAR or like.part
    if near and len(kinds) == 2 and "registry" in kinds and not one.short_title and not other.short_title:
        return "registry"  # its author is the sponsor, so authors tell nothing
    if like.authors < 0 or (one.short_title and other.short_title):
        return ""
    if len(kinds) == 2 and not like.same_item and near and (like.years or 0) <= 5:
        if "preprint" in kinds:
            return "preprint"
        if "conference" in kinds and like.authors == 1:
            return "conference"
    if kinds == {"conference"} and like.journal < 0 and near and like.authors == 1:
        return "conference"  # the same work, shown at two meetings
    if one.protocol != other.protocol and like.authors == 1 and _without_protocol(one, other) >= NEAR:
        return "protocol"
    return ""


_PROTOCOL_WORDS = re.compile(
    r"\b(?:(?:study|trial|review|research) protocol|protocol(?: for| of)?"
    r"|rationale and (?:study )?design|design and rationale"
    r"|a|an|the|of|for|results|randomi[sz]ed controlled trial)\b"
)


def _without_protocol(one: Citation, other: Citation) -> float:
    return fuzz.token_sort_ratio(*(_PROTOCOL_WORDS.sub(" ", c.title) for c in (one, other))) / 100
