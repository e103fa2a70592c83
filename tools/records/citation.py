"""A record as the comparison of citations sees it: every field in a form that two databases share. Pure.

Databases print one citation in many ways: `1008-12` and `1008-1012`, `Curr Opin Lipidol` and `Current Opinion
in Lipidology`, `65 (Supplement 1)` and `65`, a DOI with a resolver before it. Whatever two such forms have in
common is brought out here, once per record, so that comparing pairs is cheap.

Sources: ASySD's normalisation (Hair et al. 2023, doi:10.1186/s12915-023-01686-z); DedupEndNote's page ranges
(dedupendnote.nl); Bramer et al. 2016, PMC4915647, on abbreviated page ranges in MEDLINE and Cochrane.
"""

import calendar
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tools.identifiers import normal_doi, registry_ids
from tools.schemas import Record

__all__ = ["Citation", "Kind", "citation", "entry_number", "folded", "numbers_of", "pages_of", "volume_of"]

Kind = Literal["article", "conference", "preprint", "registry"]
"""What sort of thing a record cites, as far as its fields tell; `article` is everything else."""

_TAG = re.compile(r"</?[a-zA-Z]{1,6}(?:\s[^<>]{0,60})?/?>")
_GAP = re.compile(r"[\W_]+")
_GREEK = str.maketrans(
    {
        "α": " alpha ",
        "β": " beta ",
        "γ": " gamma ",
        "δ": " delta ",
        "ε": " epsilon ",
        "κ": " kappa ",
        "λ": " lambda ",
        "μ": " mu ",
        "σ": " sigma ",
        "τ": " tau ",
        "ω": " omega ",
    }
)


@dataclass(frozen=True, slots=True)
class Citation:
    """One record, folded. An empty string, tuple or set, or None, means that the record does not tell."""

    place: int
    record_id: str
    title: str
    numerals: str
    notice: str
    protocol: bool
    kind: Kind
    first_author: frozenset[str]
    authors: frozenset[str]
    surname: str
    year: int | None
    journal: tuple[str, ...]
    cochrane: bool
    issn: frozenset[str]
    volume: str
    issue: str
    start_page: str
    end_page: str
    pmid: str
    doi: str
    abstract_start: str
    entry: str
    """Of a registry entry, the number that it is registered under."""

    @property
    def short_title(self) -> bool:
        """Too few words to tell one citation from another: `Editorial`, `Asthma in childhood`."""
        return len(self.title) < 25 or self.title.count(" ") < 3


def citation(record: Record, place: int) -> Citation:
    """Fold a record; `place` is where it stands in the list that is compared."""
    title = _title(record.title)
    journal, issue = folded(record.journal), folded(record.issue)
    volume = volume_of(record.volume)
    start, end = pages_of(record.pages)
    doi = _doi(record.doi)
    words = tuple(_author_words(author) for author in record.authors[:30])
    named = [w for w in words if w]
    return Citation(
        place=place,
        record_id=record.record_id,
        title=title,
        numerals=_numerals(title),
        notice=_notice(title, record.publication_types),
        protocol=_PROTOCOL.search(title) is not None,
        kind=_kind(record, journal, f"{issue} {folded(record.volume)}", (start, end), doi),
        first_author=frozenset(named[0]) if named else frozenset(),
        authors=frozenset(w for author in named for w in author),
        surname=_surname(record.authors),
        year=record.year,
        journal=_journal_words(record.journal),
        cochrane="cochrane database" in journal or ".cd0" in doi,
        issn=frozenset(s.replace("-", "").upper() for s in _ISSN.findall(record.issn)),
        volume=volume,
        issue=issue,
        start_page=start,
        end_page=end,
        pmid=record.pmid or "",
        doi=doi,
        abstract_start=folded(record.abstract[:240])[:90],
        entry=entry_number(record),
    )


def numbers_of(record: Record) -> tuple[str, ...]:
    """Its registration numbers in one spelling; a form that we do not know stays as it is."""
    return tuple(dict.fromkeys(n for given in record.registry_ids for n in registry_ids(given) or (given,)))


def entry_number(record: Record) -> str:
    """The number that a registry entry is registered under; empty for a paper."""
    key = record.record_id.rpartition(":")[2]
    if registry_ids(key) == (key,):
        return key
    entry = any(kind.casefold() == "trial registry record" for kind in record.publication_types)
    return next(iter(numbers_of(record)), "") if entry else ""


def folded(text: str) -> str:
    """Lower-case words of letters and digits without accents, markup and Greek letters, one space between."""
    if "<" in text:
        text = _TAG.sub("", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold().translate(_GREEK))
        text = "".join(c for c in text if not unicodedata.combining(c))
    return _GAP.sub(" ", text.casefold()).strip()


# Titles ------------------------------------------------------------------------------------------

# What databases hang on: `[Review] [45 refs]`, `[Japanese]`; and the mark of a retracted article.
_APPENDED = re.compile(r"(?<=\S)\s*\[[^\[\]]{1,40}\]\.?\s*$")
_RETRACTED = re.compile(r"^\W*retracted(?:\s+article)?\s*[:.\]-]+\s*", re.IGNORECASE)

_NOTICES = {
    "correction": r"(?:erratum|errata|corrigend\w+|(?:author |publisher |editorial )?correction|addendum)\b"
    r"|.*\b(?:erratum|corrigendum)$",
    "retraction": r"(?:retraction|notice of retraction|expression of concern|retracted and republished)\b",
    "withdrawal": r"withdrawn\b",
    "reply": r"(?:re|reply|in reply|(?:the )?authors? (?:reply|response)|reply by authors?|response to"
    r"|letter|comment|comments|commentary|invited commentary|editorial comment)\b|.*\bauthors? reply$",
}
_NOTICE = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _NOTICES.items()))
_NOTICE_TYPES = {"published erratum": "correction", "retraction of publication": "retraction"}
_PROTOCOL = re.compile(
    r"\b(?:study|trial|review|research) protocol\b|\bprotocol (?:for|of)\b|\bprotocol$"
    r"|\brationale and (?:study )?design\b|\bdesign and rationale\b"
)
_NUMERAL = re.compile(r"\d+|\b(?:i{1,3}|iv|vi{0,3}|ix|x)\b")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}


def _title(title: str) -> str:
    text = _RETRACTED.sub("", title)
    while (shorter := _APPENDED.sub("", text)) != text and shorter.strip(" ."):
        text = shorter
    return folded(text)


def _numerals(title: str) -> str:
    """All numbers of a title, in order: what tells Part I from Part II and week 24 from week 48."""
    return "".join(str(_ROMAN.get(token, token)) for token in _NUMERAL.findall(title))


def _notice(title: str, types: Sequence[str]) -> str:
    found = _NOTICE.match(title)
    if found is not None and found.lastgroup:
        return found.lastgroup
    return next((_NOTICE_TYPES[t.casefold()] for t in types if t.casefold() in _NOTICE_TYPES), "")


# What sort of thing --------------------------------------------------------------------------------

_PREPRINT_DOI = re.compile(
    r"10\.1101/(?:\d{4}\.\d\d\.\d\d\.)?\d{5,}|10\.(?:21203|2139|48550|20944|31219|31234|26434|64898|22541)/"
)
_PREPRINT_JOURNAL = re.compile(
    r"\b(?:medrxiv|biorxiv|arxiv|ssrn|research square|preprints?|psyarxiv|osf preprints|chemrxiv)\b"
)
_REGISTRY = re.compile(r"clinicaltrials gov|\bictrp\b|trial registr|clinical trials registr|\bisrctn\b")
_MEETING_TYPES = {"conference abstract", "conference paper", "conference review", "meeting abstract"}
_MEETING = re.compile(
    r"\b(?:conference|meeting abstracts?|annual meeting|scientific sessions)\b|meetingabstract"
)


def _kind(record: Record, journal: str, issue: str, pages: tuple[str, str], doi: str) -> Kind:
    types = {t.casefold() for t in record.publication_types}
    if entry_number(record) or _REGISTRY.search(journal):
        return "registry"
    if "preprint" in types or _PREPRINT_DOI.match(doi) or _PREPRINT_JOURNAL.search(journal):
        return "preprint"
    if types & _MEETING_TYPES or _MEETING.search(f"{journal} {issue}"):
        return "conference"
    # A page or two of a supplement is a meeting's abstract; supplements hold articles as well.
    return "conference" if "suppl" in issue and _few(*pages) else "article"


def _few(start: str, end: str) -> bool:
    first, last = re.sub(r"\D", "", start), re.sub(r"\D", "", end)
    return bool(first) and (not last or 0 <= int(last) - int(first) <= 1)


# Other fields --------------------------------------------------------------------------------------

_ISSN = re.compile(r"(?<![\dX-])\d{4}-?\d{3}[\dXx](?![\dX-])")
_VERSION_OF_PREPRINT = re.compile(r"(?<=\d)(?:/?v\d+)$")
_NOBODY = {"anonymous", "anon", "unknown", "no authors listed", "et al", "na"}
_JOURNAL_STOPS = frozenset(
    {"the", "of", "and", "in", "for", "on", "a", "an", "de", "la", "le", "der", "und", "et", "y"}
)
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DATE_LIKE = re.compile(
    r"(?:(?P<day>\d{1,2})[- ](?P<month>[A-Za-z]{3})|(?P<month2>[A-Za-z]{3})[- ](?P<day2>\d{1,2}))"
)
_PAGE = re.compile(r"(?P<letters>[a-z]*)0*(?P<digits>\d+)(?P<tail>[a-z]?)")


def _doi(doi: str | None) -> str:
    if not doi:
        return ""
    clean = doi.lower() if doi.startswith("10.") and "%" not in doi else normal_doi(doi) or doi.lower()
    return _VERSION_OF_PREPRINT.sub("", clean) if _PREPRINT_DOI.match(clean) else clean


def _author_words(author: str) -> tuple[str, ...]:
    """Names of more than one letter, in the given order; nothing of a placeholder."""
    name = folded(author)
    return () if name in _NOBODY else tuple(word for word in name.split() if len(word) > 1)


def _surname(authors: Sequence[str]) -> str:
    """The first author's likely surname: before the comma, else the word that is no set of initials."""
    if not authors or folded(authors[0]) in _NOBODY:
        return ""
    before, comma, _ = authors[0].partition(",")
    words = folded(before).split()
    if not words:
        return ""
    if comma:
        return " ".join(words)
    last = authors[0].replace(".", " ").split()[-1]
    initials = len(last) <= 3 and last.isupper()
    return words[0] if initials or "." in authors[0].split()[-1] else words[-1]


def _journal_words(journal: str) -> tuple[str, ...]:
    """Words of a journal's name without its place and without the meeting that a supplement is of."""
    name = re.split(r"[.:]\s*conference|\s+conference:", journal, maxsplit=1, flags=re.IGNORECASE)[0]
    name = re.sub(r"\([^()]*\)", " ", re.split(r" [=:] ", name, maxsplit=1)[0])
    words = folded(name.replace("&", " ")).split()
    return tuple(word for word in words if word not in _JOURNAL_STOPS)


def volume_of(volume: str) -> str:
    """The number of a volume, of `65 (Supplement 1)` and `Vol. 65`; empty where it cannot be told."""
    plain = re.sub(r"\([^()]*\)", " ", volume)
    if "(" in plain or ")" in plain:  # the remains of a citation that was cut in the wrong place
        return ""
    numbers = re.findall(r"\d+", plain)
    return numbers[0].lstrip("0") or "0" if len(numbers) == 1 else ""


def pages_of(pages: str) -> tuple[str, str]:
    """First and last page in full: `1008-12` is (1008, 1012), `S12-9` is (s12, s19), `e0123` is (e123, '').

    `01-Jul` is what spreadsheets make of `1-7`, and is read as that.
    """
    text = pages.strip().casefold().replace("\u2013", "-").replace("\u2014", "-")
    text = re.sub(r"^(?:pp?|pages?)\b\.?\s*", "", text)
    as_date = _DATE_LIKE.fullmatch(text)
    if as_date is not None:
        return _undated(as_date)
    first, _, last = re.split(r"[,;+ ]", text, maxsplit=1)[0].partition("-")
    start, end = _PAGE.match(first), _PAGE.match(last)
    if start is None:
        return "", ""
    begin = start["letters"] + start["digits"]
    if end is None:
        return begin, ""
    digits = end["digits"]
    if len(digits) < len(start["digits"]):
        digits = start["digits"][: -len(digits)] + digits
    return begin, (end["letters"] or start["letters"]) + digits


def _undated(found: re.Match[str]) -> tuple[str, str]:
    """`01-Jul` is day first, so 1-7; `Jul-15` is month first, so 7-15."""
    if found["day"]:
        month = _MONTHS.get(found["month"])
        return (str(int(found["day"])), str(month)) if month else ("", "")
    month = _MONTHS.get(found["month2"])
    return (str(month), str(int(found["day2"]))) if month else ("", "")
