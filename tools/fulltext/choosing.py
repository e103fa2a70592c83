"""Which passages of a report are read for one question, when the whole is too long. Pure.

A report that fits is passed on whole. Of a longer one its title and abstract are always read; then, nearest to the
question first, its parts, until there is no more room. A part is a paragraph, or a table or figure with its caption
and footnotes, and the headings above it go with it. Near is what shares stems with the question (`relevance.bm25`)
or stands beside such a part, or is the table that such a part refers to; what others found (introduction, discussion)
and what stands behind the paper (funding, contributions) counts half. Nothing is cut inside, unless a passage alone
is longer than the room: then its best sentences are read, or a table's header with its best rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.errors import ConfigError
from tools.fulltext import relevance
from tools.fulltext.cues import Task, cues_for
from tools.fulltext.parts import Report, chapter_of
from tools.fulltext.shortening import Shortened, length, shortened
from tools.schemas import Passage

__all__ = ["Chosen", "Task", "choose", "cues_for"]

LEAST = 500
"""Characters within which a title and a sentence can be read."""
CUE = 0.5
"""Weight of a cue beside a word of the question itself."""


@dataclass(frozen=True)
class Chosen:
    """What is read of a report, in reading order, and what is not."""

    passages: tuple[Passage, ...]
    characters: int
    """Of the chosen passages, each with its line break."""
    of: int
    """Of the whole report."""
    matched: bool = True
    """False: no word of the question stands in the report, so that methods, results and tables were taken in order."""
    left_out: tuple[str, ...] = ()
    """Chapters (sections of the highest level) of which nothing is read, in reading order."""
    thinned: tuple[str, ...] = ()
    """Chapters of which something is read, and not all."""
    cut: tuple[str, ...] = ()
    """Sections of passages that were too long to be read whole."""

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not (self.left_out or self.thinned)

    @property
    def note(self) -> str:
        """What a person must know of it; empty where all is read."""
        if self.whole:
            return ""
        said = f"{self.characters:,} of the report's {self.of:,} characters were read for this question"
        if not self.matched:
            said += (
                "; none of its words stands in the report, so methods, results and tables were read in order"
            )
        for what, sections in (
            ("nothing read of", self.left_out), ("read in part", self.thinned), ("cut inside", self.cut),
        ):  # fmt: skip
            if sections:
                said += f"; {what}: {', '.join(s or 'what stands in no section' for s in sections)}"
        return said


def choose(
    passages: Sequence[Passage],
    words: Sequence[str],
    *,
    characters: int,
    cues: Sequence[str] = (),
    scores: Mapping[int, float] | None = None,
    tables_by_rows: bool = False,
) -> Chosen:
    """The passages of a report that are nearest to a question, within a budget.

    Args:
        passages: of one report, in reading order.
        words: words and phrases of the question: outcome, unit, time point, arms.
        characters: so many are read at most; a line break is counted with each passage.
        cues: words that stand beside such answers in any report, such as those of `cues_for`; they weigh less.
        scores: `Passage.start` to a nearness of 0 to 1 from another source, such as an embedder; added to that of
            the words, of which the best part has 1.
        tables_by_rows: a table that would fit alone, but not beside nearer parts, gives its nearest rows instead of
            being left out.

    Returns:
        The report itself (the same tuple) where it fits; the same for the same arguments, always.

    Raises:
        ConfigError: `characters` is less than `LEAST`.
    """
    if characters < LEAST:
        raise ConfigError(
            f"{characters} characters of a report are too few to be read. Remedy: give at least {LEAST}."
        )
    whole = tuple(passages)
    of = length(whole)
    if of <= characters:
        return Chosen(passages=whole, characters=of, of=of)
    asked = {term: 1.0 for phrase in words for term in relevance.terms(phrase)}
    beside = {term: CUE for phrase in cues for term in relevance.terms(phrase)} | asked
    report = Report(whole)
    report.weigh(beside, scores or {})
    matched = report.has(asked or beside) or any(score > 0 for score in (scores or {}).values())
    kept = _Kept(whole, characters, beside, tables_by_rows)
    for passage in report.always:
        kept.add((passage,))
    kept.open_room()
    for number in report.nearest_first() if matched else report.own_first():
        part = report.parts[number]
        kept.add(part.members, part.headings)
    return kept.chosen(of, matched)


# Room --------------------------------------------------------------------------------------------


class _Kept:
    """What is read so far, and how much room is left."""

    def __init__(
        self, passages: tuple[Passage, ...], characters: int, asked: relevance.Terms, tables_by_rows: bool
    ) -> None:
        self._passages = passages
        self._tables_by_rows = tables_by_rows
        self._asked = asked
        self._left = characters
        self._room = characters
        self._pieces: dict[int, tuple[Passage, ...]] = {}
        self._cut: set[int] = set()

    def open_room(self) -> None:
        """What is left now is all the room that a part can have."""
        self._room = self._left

    def add(self, members: Sequence[int], headings: Sequence[int] = ()) -> None:
        """Keep these passages whole; in part, where they may be cut; else not at all."""
        new = [n for n in headings if n not in self._pieces]
        cost = length([self._passages[n] for n in (*new, *members)])
        if cost <= self._left:
            self._take({n: (self._passages[n],) for n in (*new, *members)})
            return
        if cost <= self._room and not (self._tables_by_rows and self._hold_a_table(members)):
            return
        before = length([self._passages[n] for n in new])
        made = shortened([self._passages[n] for n in members], self._asked, self._left - before)
        if made is not None:
            self._take({n: (self._passages[n],) for n in new} | self._named(members, made))

    def _hold_a_table(self, members: Sequence[int]) -> bool:
        return any(self._passages[n].kind == "table" for n in members)

    def _named(self, members: Sequence[int], made: Shortened) -> dict[int, tuple[Passage, ...]]:
        self._cut |= {members[n] for n in made.cut}
        return {members[n]: pieces for n, pieces in made.pieces.items()}

    def _take(self, pieces: Mapping[int, tuple[Passage, ...]]) -> None:
        self._pieces |= pieces
        self._left -= sum(length(each) for each in pieces.values())

    def chosen(self, of: int, matched: bool) -> Chosen:
        kept = [piece for n in sorted(self._pieces) for piece in self._pieces[n]]
        chapters: dict[str, list[bool]] = {}
        for n, passage in enumerate(self._passages):
            chapters.setdefault(chapter_of(passage.section), []).append(
                n in self._pieces and n not in self._cut
            )
        some = {chapter_of(piece.section) for piece in kept}
        return Chosen(
            passages=tuple(kept),
            characters=length(kept),
            of=of,
            matched=matched,
            left_out=tuple(c for c in chapters if c not in some),
            thinned=tuple(c for c, read in chapters.items() if c in some and not all(read)),
            cut=tuple(dict.fromkeys(self._passages[n].section for n in sorted(self._cut))),
        )
