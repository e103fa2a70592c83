"""A strategy in the language of Europe PMC: fielded, with every group in parentheses. Pure.

Europe PMC has no MeSH field and explodes nothing: headings stand among the keywords (`KW`), and preprints
have none. So a heading is searched for as keyword, with the headings below it where a vocabulary is at
hand, and, on the side that includes, as words of title and abstract. On the side that excludes, nothing is
widened: what is excluded here would be excluded in PubMed as well.

Source: Europe PMC, "Search syntax reference" (https://europepmc.org/searchsyntax) and the web service's own
list of fields (`/rest/fields`).
"""

import calendar
import re
from collections.abc import Callable, Sequence

from tools.search import query as queries
from tools.search.dialects.base import Translated
from tools.search.dialects.headings import Thesaurus, expand, natural
from tools.search.query import And, Dates, Leaf, Not, Or, Query, Term

__all__ = ["translate"]

_TEXT = frozenset({"tiab", "tw", "all", "ot", ""})
"""Fields that all become title, abstract and keywords. Untagged words, too: a bare word would search full
texts, reference lists included."""

_SIMPLE = {
    "ti": "TITLE",
    "ab": "ABSTRACT",
    "au": "AUTH",
    "1au": "AUTH_FIRST",
    "lastau": "AUTH_LAST",
    "fau": "AUTH",
    "cn": "AUTH",
    "ir": "INVESTIGATOR",
    "fir": "INVESTIGATOR",
    "ad": "AFF",
    "ta": "JOURNAL",
    "nm": "CHEM",
    "rn": "CHEM",
    "gr": "GRANT_ID",
    "vi": "VOLUME",
    "ip": "ISSUE",
    "isbn": "ISBN",
    "aid": "DOI",
    "la": "LANG",
    "tt": "TITLE",
}

_DATES = {
    "dp": "FIRST_PDATE",
    "epdat": "E_PDATE",
    "ppdat": "P_PDATE",
    "crdt": "FIRST_IDATE",
    "edat": "FIRST_IDATE",
    "lr": "UPDATE_DATE",
}
"""FIRST_IDATE: the day on which Europe PMC first indexed the record; it has no create date of PubMed's."""

_LANGUAGES = {
    "english": "eng",
    "french": "fre",
    "german": "ger",
    "spanish": "spa",
    "italian": "ita",
    "portuguese": "por",
    "dutch": "dut",
    "chinese": "chi",
    "japanese": "jpn",
    "russian": "rus",
    "polish": "pol",
    "korean": "kor",
    "turkish": "tur",
}

_SUBSETS = {"hasabstract": "HAS_ABSTRACT:y", "preprint": "SRC:PPR", "preprints": "SRC:PPR"}


def translate(query: Query, thesaurus: Thesaurus | None = None) -> Translated:
    """The strategy for `/search?query=` of Europe PMC.

    Args:
        query: the strategy.
        thesaurus: to write out what lies below a heading; without one headings are not exploded.

    Returns:
        Its text is empty where no clause has a form there. Clauses without one are dropped by the rules of
        `query.prune` and listed.
    """
    left = queries.prune(query, lambda leaf, excludes: _Writer(thesaurus).leaf(leaf, excludes) is None)
    writer = _Writer(thesaurus)
    text = "" if left.query is None else writer.node(left.query, False)
    return Translated(
        text=text, notes=tuple(writer.notes), dropped=tuple(queries.render(clause) for clause in left.dropped)
    )


class _Writer:
    def __init__(self, thesaurus: Thesaurus | None) -> None:
        self.thesaurus = thesaurus
        self.notes: dict[str, None] = {}

    def node(self, node: Query, excludes: bool) -> str:
        match node:
            case And(parts):
                return "(" + " AND ".join(self.node(part, excludes) for part in parts) + ")"
            case Or(parts):
                return "(" + " OR ".join(self.node(part, excludes) for part in parts) + ")"
            case Not(left, right):
                return f"({self.node(left, excludes)} NOT {self.node(right, not excludes)})"
            case _:
                written = self.leaf(node, excludes)
                assert written is not None, "pruned before"
                return written

    def leaf(self, leaf: Leaf, excludes: bool) -> str | None:
        """None where it has no form, or none that is narrow enough to exclude by."""
        if isinstance(leaf, Dates):
            return self._dates(leaf)
        if leaf.field in _TEXT:
            return self._text(leaf, ("TITLE_ABS",) if excludes else ("TITLE_ABS", "KW"), excludes)
        if leaf.field in ("mh", "majr"):
            return self._heading(leaf, excludes)
        special: dict[str, Callable[[Term], str | None]] = {
            "uid": lambda term: f"(EXT_ID:{term.text} AND SRC:MED)" if term.text.isdigit() else None,
            "pmcid": _pmcid,
            "pt": self._type,
            "si": self._registration,
            "sb": lambda term: _SUBSETS.get(term.text.lower()),
        }
        if leaf.field in special:
            return special[leaf.field](leaf)
        if leaf.field == "la":
            code = _LANGUAGES.get(leaf.text.lower(), leaf.text.lower())
            return f"LANG:{code}" if re.fullmatch(r"[a-z]{3}", code) else None
        if leaf.field in _SIMPLE:
            return self._text(leaf, (_SIMPLE[leaf.field],), excludes)
        return None

    # Words -----------------------------------------------------------------------------------------

    def _text(self, term: Term, fields: Sequence[str], excludes: bool) -> str | None:
        if term.field == "":
            self._note(
                f"{_shown(term)}: no field tag; searched in title, abstract and keywords, not in full texts"
            )
        if term.proximity is not None:
            return self._near(term, fields, excludes)
        if term.truncated or "*" in term.text:
            return self._truncated(term, fields, excludes)
        return _either(fields, f'"{_plain(term.text)}"')

    def _near(self, term: Term, fields: Sequence[str], excludes: bool) -> str:
        """Lucene counts moves, not words between: another order costs two moves for each word."""
        words = len(term.text.split())
        assert term.proximity is not None
        slop = term.proximity + (0 if excludes else 2 * (words - 1))
        if not excludes:
            self._note(
                f"{_shown(term)}: within {slop} moves, which finds every order that PubMed finds, and a few more"
            )
        return _either(fields, f'"{_plain(term.text)}"~{slop}')

    def _truncated(self, term: Term, fields: Sequence[str], excludes: bool) -> str | None:
        words = [*term.text.split()]
        words[-1] += "*" * term.truncated
        if len(words) == 1:
            return _either(fields, _wild(words[0]))
        if excludes:
            return None
        self._note(
            f"{_shown(term)}: no truncation inside a phrase; its words are searched anywhere in the field"
        )
        parts = [_wild(word) if "*" in word else f'"{_plain(word)}"' for word in words]
        return "(" + " AND ".join(_either(fields, part) for part in parts) + ")"

    # Headings and types ----------------------------------------------------------------------------

    def _heading(self, term: Term, excludes: bool) -> str | None:
        if term.truncated or "*" in term.text:
            return None if excludes else self._truncated(term, ("KW",), excludes)
        found = expand(term.heading, self.thesaurus, exploded=term.exploded)
        if excludes:
            # Without its subheading the heading is wider, and wider here would exclude too much.
            narrower = bool(term.subheading) or term.field == "majr"
            return None if narrower else f'KW:"{_plain(found.name)}"'
        self._note(
            "headings are searched as keywords and as words of title and abstract: Europe PMC has no MeSH field"
        )
        if term.subheading:
            self._note(f"{_shown(term)}: searched without its subheading")
        if term.field == "majr":
            self._note(f"{_shown(term)}: searched whether it is a major topic or not")
        if not found.complete:
            self._note(
                f"{_shown(term)}: what lies below this heading is not searched for; add its terms by hand"
            )
        words = dict.fromkeys((found.name, natural(found.name), *found.synonyms))
        parts = [f'KW:"{_plain(name)}"' for name in (found.name, *found.below)]
        parts += [f'TITLE_ABS:"{_plain(word)}"' for word in words]
        return "(" + " OR ".join(parts) + ")"

    def _type(self, term: Term) -> str | None:
        if term.text.lower() == "preprint":
            return "SRC:PPR"
        if term.truncated or "*" in term.text:
            return None
        self._note(f"{_shown(term)}: as publication type, which preprints and unindexed records do not have")
        return f'PUB_TYPE:"{_plain(term.text)}"'

    def _registration(self, term: Term) -> str | None:
        number = term.text.rpartition("/")[2]
        if term.truncated or "*" in term.text or not number:
            return None
        self._note(
            f"{_shown(term)}: searched as an accession number found in the text, and in title and abstract"
        )
        return f'(ACCESSION_ID:"{_plain(number)}" OR TITLE_ABS:"{_plain(number)}")'

    # Dates -----------------------------------------------------------------------------------------

    def _dates(self, dates: Dates) -> str | None:
        field = _DATES.get(dates.field)
        if field is None:
            return None
        if field != "FIRST_PDATE":
            self._note(f"{_shown(dates)}: by Europe PMC's own {field}")
        return f"{field}:[{_first_day(dates.start)} TO {_last_day(dates.end)}]"

    def _note(self, text: str) -> None:
        self.notes[text] = None


def _either(fields: Sequence[str], value: str) -> str:
    written = [f"{field}:{value}" for field in fields]
    return written[0] if len(written) == 1 else "(" + " OR ".join(written) + ")"


def _plain(text: str) -> str:
    """Fit to stand between double quotes."""
    return text.replace("\\", " ").replace('"', " ").strip()


def _wild(word: str) -> str:
    """A word with wildcards, which works only outside quotes, where other signs must be escaped."""
    return re.sub(r"([^\w*])", r"\\\1", word)


def _pmcid(term: Term) -> str | None:
    digits = term.text.upper().removeprefix("PMC")
    return f"PMCID:PMC{digits}" if digits.isdigit() else None


def _shown(leaf: Leaf) -> str:
    return queries.render(leaf)


def _first_day(date: str) -> str:
    year, month, day = [*map(int, date.split("/")), 1, 1][:3]
    return f"{year:04}-{month:02}-{day:02}"


def _last_day(date: str) -> str:
    parts = [*map(int, date.split("/"))]
    year, month = parts[0], parts[1] if len(parts) > 1 else 12
    day = parts[2] if len(parts) > 2 else calendar.monthrange(max(year, 1), month)[1]
    return f"{year:04}-{month:02}-{day:02}"
