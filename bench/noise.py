"""Citations as several databases would print them, made from real ones with known truth and a fixed seed.

A generated record has the title and abstract of a real one and the authors, journal and ISSN of another real
one; its identifiers, volume and pages are drawn. Copies then lose and change fields the way exports do. Beside
the copies stand *neighbours*, which are other citations although they look alike: a second part, an erratum, a
meeting's abstract of the article, a preprint of it, the next version of a review.
"""

import random
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from tools.schemas import Record

__all__ = ["Generated", "generate"]

COPIES = (0, 1, 1, 1, 2, 3)
"""Further prints per citation, drawn evenly."""

NEIGHBOURS = 0.04
"""Share of citations that get one citation beside them which looks alike."""


@dataclass(frozen=True)
class Generated:
    """Records in a shuffled order, and which citation each of them is."""

    records: tuple[Record, ...]
    truth: tuple[int, ...]


def generate(size: int, texts: Sequence[Record], printed: Sequence[Record], seed: int) -> Generated:
    """So many records.

    Args:
        texts: lend titles and abstracts, each used once, with a mark from the second round on.
        printed: lend authors, journals and ISSNs.
    """
    chance = random.Random(seed)
    made: list[tuple[Record, int]] = []
    truths = count()
    for text in _without_end(texts, chance):
        if len(made) >= size:
            break
        truth = next(truths)
        first = _citation(text, chance.choice(printed), truth, chance)
        made.append((first, truth))
        made += [(_copied(first, chance), truth) for _ in range(chance.choice(COPIES))]
        if chance.random() < NEIGHBOURS:
            made.append((chance.choice(_BESIDE)(first, chance), next(truths)))
    made = made[:size]
    chance.shuffle(made)
    records = [r.model_copy(update={"record_id": f"generated:{i}"}) for i, (r, _) in enumerate(made)]
    return Generated(tuple(records), tuple(truth for _, truth in made))


def _without_end(texts: Sequence[Record], chance: random.Random) -> Iterator[Record]:
    """Every text once; in later rounds with two of its words exchanged for others' words, so that it is another."""
    yield from texts
    words = [word for text in texts[:5000] for word in text.title.split() if len(word) > 5]
    while True:
        for text in texts:
            title = text.title.split()
            for place in chance.sample(range(len(title)), min(3, len(title))):
                title[place] = chance.choice(words)
            abstract = text.abstract.split()
            chance.shuffle(abstract)
            yield text.model_copy(update={"title": " ".join(title), "abstract": " ".join(abstract)})


def _citation(text: Record, printed: Record, truth: int, chance: random.Random) -> Record:
    start = chance.randrange(1, 2500)
    return Record(
        record_id="",
        title=text.title,
        abstract=text.abstract,
        authors=printed.authors,
        year=text.year or printed.year or chance.randrange(1985, 2025),
        journal=printed.journal,
        issn=printed.issn,
        volume=str(chance.randrange(1, 120)),
        issue=str(chance.randrange(1, 13)),
        pages=f"{start}-{start + chance.randrange(2, 15)}",
        pmid=str(1_000_000 + truth),
        doi=f"10.9999/generated.{truth}",
    )


# Copies ------------------------------------------------------------------------------------------------


def _copied(record: Record, chance: random.Random) -> Record:
    for share, change in _CHANGES:
        if chance.random() < share:
            record = change(record, chance)
    return record


def _retyped(record: Record, chance: random.Random) -> Record:
    """A letter wrong, missing or doubled."""
    title = record.title
    if len(title) < 8:
        return record
    place = chance.randrange(2, len(title) - 2)
    put = chance.choice(("", chance.choice(string.ascii_lowercase), 2 * title[place]))
    return record.model_copy(update={"title": title[:place] + put + title[place + 1 :]})


def _set_otherwise(record: Record, chance: random.Random) -> Record:
    form: Callable[[str], str] = chance.choice(
        (
            str.upper,
            str.title,
            lambda t: t.rstrip(".") + " [Review]",
            lambda t: t.replace(" - ", ": ").rstrip("."),
        )
    )
    return record.model_copy(update={"title": form(record.title)})


def _initials(record: Record, _chance: random.Random) -> Record:
    """`Last, First Middle` as `Last FM`."""
    short = []
    for author in record.authors:
        last, _, first = author.partition(", ")
        short.append(f"{last} {''.join(word[0] for word in first.split())}".strip())
    return record.model_copy(update={"authors": tuple(short)})


def _first_named(record: Record, _chance: random.Random) -> Record:
    """`First Last`."""
    turned = tuple(" ".join(reversed(author.split(", "))) for author in record.authors)
    return record.model_copy(update={"authors": turned})


def _fewer_authors(record: Record, _chance: random.Random) -> Record:
    return record.model_copy(update={"authors": (*record.authors[:3], "et al.")})


def _abbreviated(record: Record, _chance: random.Random) -> Record:
    words = [w for w in record.journal.split() if w.lower() not in ("the", "of", "and", "in", "for", ":")]
    short = words if len(words) < 2 else [word if len(word) < 6 else word[:4] + "." for word in words]
    return record.model_copy(update={"journal": " ".join(short)})


def _next_year(record: Record, chance: random.Random) -> Record:
    """Online first in one year, printed in the next."""
    return record.model_copy(update={"year": (record.year or 2000) + chance.choice((-1, 1))})


def _short_pages(record: Record, _chance: random.Random) -> Record:
    start, _, end = record.pages.partition("-")
    same = next((i for i, (a, b) in enumerate(zip(start, end, strict=False)) if a != b), len(end))
    return record.model_copy(
        update={"pages": f"{start}-{end[same:]}" if len(start) == len(end) else record.pages}
    )


def _shorter_abstract(record: Record, _chance: random.Random) -> Record:
    return record.model_copy(update={"abstract": record.abstract[:500]})


def _copyright(record: Record, _chance: random.Random) -> Record:
    return record.model_copy(
        update={"abstract": f"{record.abstract} \u00a9 {record.year} An invented publisher."}
    )


def _without(**fields: object) -> Callable[[Record, random.Random], Record]:
    return lambda record, _chance: record.model_copy(update=fields)


_CHANGES: tuple[tuple[float, Callable[[Record, random.Random], Record]], ...] = (
    (0.75, _without(pmid=None)),
    (0.40, _without(doi=None)),
    (0.12, _retyped),
    (0.35, _set_otherwise),
    (0.50, _initials),
    (0.10, _first_named),
    (0.15, _fewer_authors),
    (0.03, _without(authors=())),
    (0.40, _abbreviated),
    (0.20, _without(issn="")),
    (0.05, _next_year),
    (0.03, _without(year=None)),
    (0.10, _without(issue="")),
    (0.08, _without(volume="")),
    (0.30, _short_pages),
    (0.08, _without(pages="")),
    (0.10, _without(abstract="")),
    (0.10, _shorter_abstract),
    (0.25, _copyright),
)


# Neighbours ----------------------------------------------------------------------------------------------


def _other_place(record: Record, chance: random.Random, **fields: object) -> Record:
    start = chance.randrange(2500, 5000)
    place = {"pages": f"{start}-{start + 5}", "pmid": None, "doi": None}
    return record.model_copy(update=place | fields)


def _second_part(record: Record, chance: random.Random) -> Record:
    title = f"{record.title.rstrip('.')}. Part II"
    return _other_place(record, chance, title=title)


def _erratum(record: Record, chance: random.Random) -> Record:
    return _other_place(record, chance, title=f"Erratum: {record.title}", abstract="")


def _at_a_meeting(record: Record, chance: random.Random) -> Record:
    year = (record.year or 2000) - 1
    return _other_place(
        record,
        chance,
        journal="Invented Congress Reports",
        issn="",
        issue="Suppl 1",
        volume="7",
        pages=f"S{chance.randrange(1, 900)}",
        year=year,
        abstract=record.abstract[:700],
    )


def _preprint(record: Record, chance: random.Random) -> Record:
    doi = f"10.1101/2021.01.01.{chance.randrange(10**7, 10**8)}"
    return _other_place(record, chance, journal="medRxiv", issn="", volume="", issue="", pages="", doi=doi)


def _next_version(record: Record, chance: random.Random) -> Record:
    return _other_place(record, chance, year=(record.year or 2000) + 4, volume="")


def _of_the_same_authors(record: Record, chance: random.Random) -> Record:
    """Same authors, journal and year; another title and text."""
    words = record.title.split()
    chance.shuffle(words)
    abstract = record.abstract.split()
    chance.shuffle(abstract)
    return _other_place(record, chance, title=" ".join(words), abstract=" ".join(abstract))


_BESIDE = (_second_part, _erratum, _at_a_meeting, _preprint, _next_version, _of_the_same_authors)
