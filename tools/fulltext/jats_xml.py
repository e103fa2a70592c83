"""Elements of JATS: their names, and their text on one line. Pure; the ground under tools.fulltext.jats."""

import re
from collections.abc import Iterator
from html.entities import html5
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["NOT_TEXT", "child", "children", "descend", "inline", "name", "text", "tidy"]

NOT_TEXT = frozenset(
    {"object-id", "alt-text", "long-desc", "graphic", "inline-graphic", "permissions", "ref-list"}
    | {"sub-article", "response", "hr", "col", "colgroup", "attrib"}
)
"""Elements that hold nothing of the running text."""

_SPACED = frozenset(
    {"p", "break", "list", "list-item", "title", "label", "def", "term", "td", "th", "tr", "disp-formula"}
)
_DROPPED_XREFS = frozenset({"bibr", "fn", "table-fn", "aff", "corresp", "author-notes"})

# A dropped citation leaves this mark until its brackets are cleaned up; XML cannot contain it.
_GONE = "\x00"
_GONE_RUN = rf"{_GONE}(?: ?[,;–—-]? ?{_GONE})*"
_GONE_BRACKETS = re.compile(rf" ?[\[(] ?{_GONE_RUN} ?[\])](?: ?[,;–—-]? ?[\[(] ?{_GONE_RUN} ?[\])])*")
_GONE_BARE = re.compile(rf" ?{_GONE_RUN}")


def name(element: "Element") -> str:
    """Local name; empty for comments and processing instructions, `&` for an unresolved entity."""
    tag: Any = element.tag
    if isinstance(tag, str):
        return tag.rpartition("}")[2] if "}" in tag else tag
    return "&" if (element.text or "").startswith("&") else ""


def children(element: "Element", named: str) -> Iterator["Element"]:
    """Child elements of that local name."""
    return (inner for inner in element if name(inner) == named)


def child(element: "Element", named: str) -> "Element | None":
    """The first child element of that local name."""
    return next(children(element, named), None)


def descend(element: "Element", *path: str) -> "Element | None":
    """The element at the end of a path of local names, first child each time."""
    at: Element | None = element
    for named in path:
        at = child(at, named) if at is not None else None
    return at


def text(element: "Element | None") -> str:
    """One line of text, white space collapsed, citation markers gone. None gives an empty string."""
    return "" if element is None else tidy("".join(_pieces(element)))


def tidy(raw: str) -> str:
    """Collapse white space, and remove what dropped citation markers left: brackets, commas, dashes."""
    line = " ".join(raw.split())
    if _GONE in line:
        line = _GONE_BARE.sub("", _GONE_BRACKETS.sub("", line)).strip()
    return line


def inline(element: "Element", before: str) -> list[str]:
    """Pieces of text of an element in running text, for `tidy`; `before` is the text in front of it."""
    named = name(element)
    if named == "&":
        entity = (element.text or "")[1:]
        return [html5.get(entity, f"&{entity}")]
    if not named or named in NOT_TEXT:
        return []
    if named == "tex-math":
        return _tex(element)
    if named == "xref" and element.get("ref-type") in _DROPPED_XREFS:
        return [_GONE]
    inner = _pieces(element)
    if named == "sup":
        raised = "".join(inner).strip()
        ordinal = raised in ("st", "nd", "rd", "th")
        if before[-1:].isdigit() and raised.strip(_GONE + " ,;–—-[]()") and not ordinal:
            return ["^", raised]
    return [" ", *inner, " "] if named in _SPACED else inner


def _pieces(element: "Element") -> list[str]:
    pieces = [element.text or ""] if name(element) else []
    for inner in element:
        pieces += inline(inner, "".join(pieces[-3:]))
        pieces.append(inner.tail or "")
    return pieces


def _tex(element: "Element") -> list[str]:
    """The formula without its LaTeX preamble; nothing where MathML gives the same formula."""
    beside = element.getparent()
    if beside is not None and any(name(inner) == "math" for inner in beside):
        return []
    source = element.text or ""
    document = re.search(r"\\begin\{document\}(.*?)\\end\{document\}", source, re.DOTALL)
    return [" ", document.group(1) if document else source, " "]
