"""What has changed between two versions of one record, and whether it matters to a decision. Pure.

A decision was taken about what stood in the record then. What a reader judges by (title, abstract, kind of
publication, results in a register) and what bears on trust (retraction, expression of concern, correction)
is worth another look. Indexing terms, page numbers and time stamps change in every database all the time,
and asking again for their sake would throw good decisions away.
"""

from collections.abc import Iterable, Sequence

from tools.schemas import Correction, Record

__all__ = ["material_changes", "small_changes"]

_TRUST = {
    "RetractionIn": "retracted",
    "PartialRetractionIn": "retracted in part",
    "RetractionNoticeIn": "retracted",
    "RetractedandRepublishedIn": "retracted and republished",
    "CorrectedandRepublishedIn": "corrected and republished",
    "ExpressionOfConcernIn": "expression of concern published",
    "ErratumIn": "correction published",
    "UpdateIn": "updated by a later publication",
}
"""PubMed's RefType (MEDLINE/PubMed data elements, CommentsCorrections) in words."""

_SMALL = (
    *("authors", "year", "journal", "volume", "issue", "pages", "pmid", "pmcid", "doi", "language", "mesh"),
    *("keywords", "issn", "url", "vernacular_title", "other_abstracts", "registry_ids", "warnings"),
)


def material_changes(old: Record, new: Record) -> tuple[str, ...]:
    """What a person who decided about `old` should know of `new`, a phrase each; empty: nothing."""
    found = [
        *_trust(old, new),
        *_text("title", old.title, new.title),
        *_text("abstract", old.abstract, new.abstract),
        *_types(old.publication_types, new.publication_types),
    ]
    return tuple(dict.fromkeys(found))


def small_changes(old: Record, new: Record) -> tuple[str, ...]:
    """Names of the fields that differ and settle nothing, such as indexing terms."""
    return tuple(name for name in _SMALL if getattr(old, name) != getattr(new, name))


def _trust(old: Record, new: Record) -> Iterable[str]:
    if old.retracted != new.retracted:
        yield "retracted" if new.retracted else "no longer marked as retracted"
    known = {_same(one) for one in old.corrections}
    yield from (
        _TRUST[one.kind] + (f": {one.citation}" if one.citation else "")
        for one in new.corrections
        if one.kind in _TRUST
        and _same(one) not in known
        and not (new.retracted and one.kind == "RetractionIn")
    )


def _same(one: Correction) -> tuple[str, str]:
    return one.kind, one.pmid or one.citation


def _text(name: str, old: str, new: str) -> Iterable[str]:
    # Spacing and case change with every re-export; words do not.
    if old.casefold().split() == new.casefold().split():
        return
    yield f"{name} added" if not old.strip() else f"{name} removed" if not new.strip() else f"{name} changed"


def _types(old: Sequence[str], new: Sequence[str]) -> Iterable[str]:
    yield from (f"now also: {name}" for name in new if name not in old)
    yield from (f"no longer: {name}" for name in old if name not in new)
