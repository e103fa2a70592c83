"""Reading a search strategy in PubMed syntax, also one written as numbered lines. Pure.

PubMed evaluates AND, OR and NOT from left to right without precedence, reads AND between terms that
have no operator, and lets a tag govern all plain words before it. We read the same way and note each
place where the writer may have meant something else.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from tools.search.query_nodes import (
    DATE_FIELDS,
    HEADING_FIELDS,
    MAX_DEPTH,
    And,
    Dates,
    Not,
    Or,
    Query,
    QuerySyntaxError,
    Term,
    canonical_field,
    depth,
)

__all__ = ["Parsed", "normalise", "read"]

Operator = Literal["AND", "OR", "NOT"]
_OPERATORS: Mapping[str, Operator] = {"AND": "AND", "OR": "OR", "NOT": "NOT"}

# One ASCII character for each typographic one: word processors and language models write these, and
# PubMed would search for them literally.
_ASCII = str.maketrans(
    {
        **dict.fromkeys("“”„‟″«»＂", '"'),
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys(
            "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000", " "
        ),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),
        "∗": "*",
        "\r": "\n",
        "\u2028": "\n",
        "\u2029": "\n",
    }
)

_TOKEN = re.compile(
    r"""\s+ | (?P<open>\() | (?P<close>\)) | "(?P<phrase>[^"]*)"(?P<star>\*?)
    | \[(?P<tag>[^\[\]]*)\] | (?P<colon>:) | (?P<word>[^\s()\[\]"]+)""",
    re.VERBOSE,
)
_NUMBERED = re.compile(
    r"^[ \t]*(?:#[ \t]*(\d{1,3})(?:[ \t]*[.):](?!\d)|[ \t])|(\d{1,3})(?:[ \t]*[.):](?!\d)|\t|  ))[ \t]*"
)
_NUMBERED_TITLE = re.compile(r"^[ \t]*(\d{1,3}) (?=[A-Z])")
_ONLY_NUMBERS = re.compile(r"[\s()]*#?\d+(?:[\s()]+(?:(?:AND|OR|NOT)[\s()]+)+#?\d+)+[\s()]*", re.IGNORECASE)
_LETTERED = re.compile(r"\s*\d{1,2}[a-z][.):]?\s*")
_BARE_NUMBER = re.compile(r"(?<![#\d])\d")
_TITLE = re.compile(r"[^\[\]()\"*]*[A-Za-z]:\s[^\[\]()\"*]*|[A-Z][^\[\]()\"*:]*")
_TITLE_OPERATOR = re.compile(r"\b(?:AND|OR|NOT)\b")
_RANGE = re.compile(r"(\d{4}(?:/\d{1,2}){0,2})(?:\s*:\s*(\d{4}(?:/\d{1,2}){0,2}))?")
_OTHER_SYNTAX = re.compile(
    r"adj\d*|(?:near|next|w|pre)/\d+|.*\$\d*|.*/(?:exp|de|mj)?|.*\.(?:ti|ab|tw|mp|pt|sh|kw|kf|af|hw|nm|ot)"
    r"(?:,\w\w)*\.?|.*:(?:ti|ab|kw)(?:,(?:ti|ab|kw))*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A strategy, and what a person should know about how its text was read."""

    query: Query
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    start: int
    end: int


def normalise(text: str) -> str:
    """Typographic quotes, dashes and spaces as ASCII; invisible characters removed; lines end in \\n."""
    return text.replace("\r\n", "\n").translate(_ASCII)


def read(text: str) -> Parsed:
    """Read a strategy: one expression, or numbered lines of which the last is the query.

    Lines before the first numbered one are headings, and so are the title behind a number whose terms
    begin on the next line, and plain words above a last line of numbers: they are left out and named in
    the notes. Lines without numbers that are named by number (`#1 OR #2`) are counted from 1.

    Raises:
        QuerySyntaxError: with the place and the remedy.
    """
    text = normalise(text)
    notes: list[str] = []
    lines = _numbered_lines(text, notes)
    if not lines:
        query = _Reader(text, 0, len(text), {}, notes).query()
        return Parsed(query, tuple(dict.fromkeys(notes)))
    known: dict[int, Query] = {}
    used: set[int] = set()
    for line in lines:
        reader = _Reader(text, line.start, line.end, known, notes)
        known[line.number] = reader.query()
        used |= reader.used
    if unused := sorted(known.keys() - used - {lines[-1].number}):
        names = ", ".join(f"#{number}" for number in unused)
        notes.append(f"no other line uses {names}: only what the last line names is searched")
    return Parsed(known[lines[-1].number], tuple(dict.fromkeys(notes)))


def _numbered_lines(text: str, notes: list[str]) -> list[_Line]:
    """The numbered lines with their extent in `text`; empty when the text is one expression."""
    lines: list[_Line] = []
    skipped: list[str] = []
    titles: list[str] = []
    after_blank = False
    last_start = 0  # of the physical line read before
    for start, raw in _physical(text):
        end = start + len(raw)
        number, body = _line_number(raw, lines[-1].number if lines else 0)
        if number is not None:
            lines.append(_Line(number, start + body, end))
        elif not raw.strip():
            after_blank = bool(lines)
            continue
        elif not lines:
            skipped.append(raw.strip())
        elif _ONLY_NUMBERS.fullmatch(raw):
            if last_start > lines[-1].start and _is_title(text[last_start : lines[-1].end]):
                titles.append(text[last_start : lines[-1].end].strip())
                lines[-1] = _Line(lines[-1].number, lines[-1].start, last_start)
            lines.append(_Line(lines[-1].number + 1, start, end))
        else:
            _check_wrapped(text, start, raw, after_blank)
            begin = lines[-1].start
            if _is_title(text[begin : lines[-1].end], colon=True):
                titles.append(text[begin : lines[-1].end].strip())
                begin = start
            lines[-1] = _Line(lines[-1].number, begin, end)
        after_blank, last_start = False, start
    if not lines:
        return _counted_lines(text, notes)
    for what, said in (("headings before the first numbered line", skipped), ("titles of lines", titles)):
        if said:
            notes.append(f"left out, as {what}: " + " / ".join(said))
    return lines


def _check_wrapped(text: str, start: int, raw: str, after_blank: bool) -> None:
    """Text without a number goes on with the line above it, unless it cannot be meant so."""
    if _LETTERED.fullmatch(raw):
        remedy = "number the lines 1, 2, 3 and so on, and name them by these numbers"
        raise QuerySyntaxError("a label with a letter is no line number", text, start, remedy)
    if after_blank:
        remedy = "number the line, join it to the line it continues, or delete it if it is a remark"
        raise QuerySyntaxError("text without a number follows the numbered lines", text, start, remedy)


def _counted_lines(text: str, notes: list[str]) -> list[_Line]:
    """Lines without numbers, where one names others by number and each names only lines above itself."""
    lines = [
        _Line(number, start, start + len(raw))
        for number, (start, raw) in enumerate(((s, r) for s, r in _physical(text) if r.strip()), start=1)
    ]
    combining = False
    for line in lines:
        raw = text[line.start : line.end]
        named = [int(found) for found in re.findall(r"(?<!\w)#(\d+)\b", raw)]
        if any(not 0 < number < line.number for number in named):
            return []
        combining = combining or bool(named and _ONLY_NUMBERS.fullmatch(raw))
    if not combining:
        return []
    notes.append("the lines carry no numbers and are counted from 1")
    return lines


def _physical(text: str) -> Iterator[tuple[int, str]]:
    """Each line of the text with its place, line end included."""
    at = 0
    for raw in text.splitlines(keepends=True):
        yield at, raw
        at += len(raw)


def _is_title(text: str, colon: bool = False) -> bool:
    """Words without any syntax; with `colon`, only such as `Population: adults`, of one line."""
    said = text.strip()
    plain = _TITLE.fullmatch(said) and not _TITLE_OPERATOR.search(said) and "\n" not in said
    return bool(plain and (not colon or re.search(r"[A-Za-z]:\s", said)))


def _line_number(raw: str, last: int) -> tuple[int | None, int]:
    """(number, length of its prefix) when this line opens a new one; numbers start at 1 and grow."""
    match = _NUMBERED.match(raw)
    if match is None:
        match = _NUMBERED_TITLE.match(raw)
        if match is None or not _is_title(raw[match.end() :], colon=True):
            return None, 0
    if re.match(r"(?:AND|OR|NOT)\b", raw[match.end() :], re.IGNORECASE):
        return None, 0  # "#1 AND #2" begins with a reference, not with its own number
    number = int(match[1] or match[match.lastindex or 1])
    opens = number > last if last else number == 1
    return (number, match.end()) if opens else (None, 0)


class _Reader:
    """Reads one expression, `text[start:end]`; `known` holds the lines it may refer to."""

    def __init__(self, text: str, start: int, end: int, known: Mapping[int, Query], notes: list[str]) -> None:
        self.text, self.end, self.known, self.notes = text, end, known, notes
        self.used: set[int] = set()
        self.tokens = _join_headings(self._tokens(start), notes)
        self.next = 0

    # Tokens --------------------------------------------------------------------------------------

    def _tokens(self, start: int) -> list[_Token]:
        numbers_are_lines = bool(self.known) and _ONLY_NUMBERS.fullmatch(self.text[start : self.end])
        if numbers_are_lines and _BARE_NUMBER.search(self.text[start : self.end]):
            self.notes.append(f"numbers read as line numbers: {self.text[start : self.end].strip()}")
        tokens: list[_Token] = []
        at = start
        while at < self.end:
            match = _TOKEN.match(self.text, at, self.end)
            if match is None:
                self._fail_at_character(at)
            if match.lastgroup is not None:
                tokens.append(self._token(match, bool(numbers_are_lines)))
            at = match.end()
        if not tokens:
            self._fail("there is nothing to search for", start, "write a term, such as asthma[tiab]")
        return tokens

    def _token(self, match: re.Match[str], numbers_are_lines: bool) -> _Token:
        at = match.start()
        if match["phrase"] is not None:
            return _Token("phrase", " ".join(match["phrase"].split()) + match["star"], at)
        if match["tag"] is not None:
            return _Token("tag", match["tag"], at)
        word = match["word"]
        if word is None:
            return _Token(match.lastgroup or "", match[0], at)
        if word.lower() in {"and", "or", "not"}:
            return _Token("operator", word, at)
        if re.fullmatch(r"#\d+", word) or (numbers_are_lines and word.isdigit()):
            return _Token("reference", word.lstrip("#"), at)
        if _OTHER_SYNTAX.fullmatch(word):
            remedy = 'write it in PubMed syntax, such as word*[tiab] or "heading"[mh]'
            self._fail(f"{word!r} is the syntax of Ovid, Embase.com or Scopus, not of PubMed", at, remedy)
        return _Token("word", word, at)

    def _fail_at_character(self, at: int) -> NoReturn:
        if self.text[at] == '"':
            self._fail("a quotation mark is never closed", at, 'close it with " or delete it')
        self._fail("a square bracket has no partner", at, "write the tag as [tiab], straight after its term")

    def _fail(self, problem: str, at: int, remedy: str) -> NoReturn:
        raise QuerySyntaxError(problem, self.text, at, remedy)

    def _peek(self) -> _Token | None:
        return self.tokens[self.next] if self.next < len(self.tokens) else None

    def _take(self, kind: str) -> _Token | None:
        token = self._peek()
        if token is None or token.kind != kind:
            return None
        self.next += 1
        return token

    # Grammar -------------------------------------------------------------------------------------

    def query(self) -> Query:
        """The whole expression."""
        query = self._chain(0)
        if (token := self._peek()) is not None:
            self._fail("a closing parenthesis has no partner", token.at, "delete it, or open one before")
        if depth(query) > MAX_DEPTH:
            remedy = "put the terms that belong together in one pair of parentheses"
            self._fail(f"more than {MAX_DEPTH} levels are nested", self.tokens[0].at, remedy)
        return query

    def _chain(self, level: int) -> Query:
        """Operands and operators, from left to right without precedence."""
        begin = self.next
        parts: list[Query] = [self._operand(level)]
        current: Operator | None = None
        seen: set[Operator] = set()
        escapes = False
        while (token := self._peek()) is not None and token.kind != "close":
            operator = self._operator(token)
            right = self._operand(level)
            if operator == current and operator != "NOT":
                parts.append(right)
            else:
                parts = [_join(current, parts), right]
            escapes = escapes or (operator == "OR" and bool(seen - {"OR"}))
            current = operator
            seen.add(operator)
        if "OR" in seen and len(seen) > 1:
            last = self._peek()
            said = self.text[self.tokens[begin].at : last.at if last else self.end].strip()
            shown = said if len(said) <= 80 else said[:50] + " … " + said[-25:]
            mixed = " and ".join(sorted(seen))
            self.notes.append(
                f"{mixed} without parentheses are read from left to right: {' '.join(shown.split())}"
                + ("; what follows OR escapes the AND or NOT before it" if escapes else "")
            )
        return _join(current, parts)

    def _operator(self, token: _Token) -> Operator:
        """The operator before the next operand; none written means AND, as in PubMed."""
        if token.kind != "operator":
            if token.kind == "tag":
                self._tag_without_term(token)
            before = self.text[max(0, token.at - 25) : token.at].split("\n")[-1].strip()
            after = self.text[token.at : min(self.end, token.at + 25)].split("\n")[0].strip()
            self.notes.append(f"no operator between '{before}' and '{after}': read as AND")
            return "AND"
        self.next += 1
        if token.text != token.text.upper():
            self.notes.append(f"'{token.text}' in small letters is read as the operator {token.text.upper()}")
        following = self._peek()
        written = token.text.upper()
        if written == "AND" and following and (following.kind, following.text.upper()) == ("operator", "NOT"):
            self.next += 1
            return "NOT"
        return _OPERATORS[written]

    def _operand(self, level: int) -> Query:
        token = self._peek()
        if token is None:
            at = self.tokens[-1].at
            self._fail(
                "the strategy stops where a term should follow", at, "add the term or delete the operator"
            )
        if token.kind == "operator":
            remedy = "put a term between the operators, or quote the word if it is part of a phrase"
            self._fail(f"{token.text} has no term before it", token.at, remedy)
        if token.kind == "open":
            return self._parenthesis(token, level + 1)
        if token.kind == "reference":
            return self._reference(token)
        if token.kind == "close":
            self._fail(
                "a parenthesis closes where a term should stand", token.at, "add the term, or delete it"
            )
        if token.kind == "tag":
            self._tag_without_term(token)
        return self._term(token)

    def _tag_without_term(self, token: _Token) -> NoReturn:
        remedy = "give each term its own tag, as in (asthma[tiab] OR wheeze[tiab])"
        self._fail(f"the tag [{token.text}] has no term directly before it", token.at, remedy)

    def _parenthesis(self, token: _Token, level: int) -> Query:
        if level > MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} levels are nested", token.at, "delete needless parentheses")
        self.next += 1
        inside = self._chain(level)
        if self._take("close") is None:
            self._fail("a parenthesis is never closed", token.at, "add the closing parenthesis")
        return inside

    def _reference(self, token: _Token) -> Query:
        number = int(token.text)
        if number not in self.known:
            known = ", ".join(f"#{n}" for n in self.known) or "none"
            remedy = f"give the numbered lines before it, each on its own line (known here: {known})"
            self._fail(f"line #{number} is not defined above", token.at, remedy)
        self.next += 1
        self.used.add(number)
        return self.known[number]

    # Terms ---------------------------------------------------------------------------------------

    def _term(self, first: _Token) -> Query:
        """One phrase or a run of plain words, and the tag that follows."""
        quoted = self._take("phrase")
        if quoted is not None:
            text = quoted.text
        else:
            words = []
            while (token := self._take("word") or self._take("colon")) is not None:
                words.append(token.text)
            text = " ".join(words)
        tag = self._take("tag")
        field, modifier = self._tag(tag) if tag else ("", "")
        if field in DATE_FIELDS:
            return self._dates(text, field, first, quoted is not None)
        numbers = re.split(r"[\s,]+", text)
        if len(numbers) > 1 and field in {"", "uid"} and quoted is None and all(map(str.isdigit, numbers)):
            return Or(tuple(Term(number, "uid") for number in numbers))
        return self._plain_term(text, field, modifier, first, quoted is not None)

    def _plain_term(self, text: str, field: str, modifier: str, first: _Token, phrase: bool) -> Term:
        if any(word.startswith("*") for word in text.split()):
            self.notes.append(
                f"'{text}': PubMed has no truncation at the beginning of a word; the * is dropped"
            )
        # `4.` would be read as the number of a line when it comes first, and the sign means nothing.
        bare = [word.lstrip("*") for word in text.split()]
        if not phrase:
            bare = [re.sub(r"^(\d{1,3})[.:]+$", r"\1", word) for word in bare]
        cleaned = " ".join(word for word in bare if word)
        if text and not cleaned.strip("* "):
            remedy = "write the beginning of a word before it, as in child*[tiab]"
            self._fail("a * has no words before it", first.at, remedy)
        proximity = int(modifier[1:]) if modifier.startswith("~") else None
        try:
            return Term(
                text=cleaned.rstrip("* "),
                field=field,
                phrase=phrase or proximity is not None,
                truncated=cleaned.endswith("*"),
                proximity=proximity,
                exploded=modifier != "noexp",
            )
        except ValueError as e:
            raise QuerySyntaxError(str(e), self.text, first.at, "correct the term or its tag") from e

    def _tag(self, token: _Token) -> tuple[str, str]:
        """(short field name, modifier); the modifier is "", "noexp" or "~N"."""
        name, _, modifier = token.text.partition(":")
        modifier = modifier.strip().lower()
        if not name.strip():
            self._fail("the tag is empty", token.at, "write the field, such as [tiab]")
        if modifier and modifier != "noexp" and not re.fullmatch(r"~\d{1,4}", modifier):
            remedy = "use [mh:noexp] to keep a heading from exploding, or [tiab:~3] for proximity"
            self._fail(f"':{modifier}' means nothing in PubMed", token.at, remedy)
        return canonical_field(name), modifier

    def _dates(self, text: str, field: str, first: _Token, quoted: bool) -> Query:
        """`2015:2020[dp]`, `2015[dp]`, `"2015/01/01"[dp] : "3000"[dp]` or `"last 60 days"[dp]`."""
        remedy = "write 2015:2020[dp] or 2015/01/01:2020/12/31[dp], or 3000 for no end"
        if re.fullmatch(r"last \d+ (day|week|month|year)s?", text):
            return Term(text, field, phrase=quoted)
        match = _RANGE.fullmatch(text)
        if match is None:
            self._fail(f"{text!r} is not a date or a range of dates", first.at, remedy)
        start, end = match[1], match[2] or match[1]
        if match[2] is None and self._take("colon") is not None:
            closing = self._take("phrase") or self._take("word")
            tag = self._take("tag")
            if closing is None or tag is None or self._tag(tag)[0] != field:
                self._fail("the range of dates has no end", first.at, remedy)
            end = closing.text
        try:
            return Dates(start, end, field)
        except ValueError as e:
            raise QuerySyntaxError(str(e), self.text, first.at, remedy) from e


def _join(operator: Operator | None, parts: list[Query]) -> Query:
    if operator is None:
        return parts[0]
    if operator == "NOT":
        return Not(parts[0], parts[1])
    return And(tuple(parts)) if operator == "AND" else Or(tuple(parts))


def _join_headings(tokens: list[_Token], notes: list[str]) -> list[_Token]:
    """Surveys and Questionnaires[mh] without quotes: here `and` belongs to the heading."""
    joined: list[_Token] = []
    for token in tokens:
        joined.append(token)
        if token.kind != "tag" or canonical_field(token.text.partition(":")[0]) not in HEADING_FIELDS:
            continue
        begin = len(joined) - 1
        while begin and (joined[begin - 1].kind == "word" or joined[begin - 1].text == "and"):
            begin -= 1
        run = joined[begin:-1]
        inner = [t for t in run[1:-1] if t.kind == "operator"]
        if inner and run[0].kind == "word" and run[-1].kind == "word":
            heading = " ".join(t.text for t in run)
            notes.append(f"'{heading}' is read as one heading; quote it to be sure")
            joined[begin:-1] = [_Token("phrase", heading, run[0].at)]
    return joined
