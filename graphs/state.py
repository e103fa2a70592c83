"""What travels through the graph: names of things, never the things.

Records live in the store; the state holds JSON primitives only, so that the checkpoints of a review of
any size stay in kilobytes and survive a change of our classes.
"""

from typing import TypedDict

__all__ = ["STATE_VERSION", "ReviewState"]

STATE_VERSION = 1


class ReviewState(TypedDict, total=False):
    """A pass over the review."""

    state_version: int
    review_id: str
    pass_id: str
    """With `review_id` it names the LangGraph thread."""
    protocol_revision: int
    """Revision the pass is working to; a newer one starts the walk again from the top."""
    given: str
    """Hash of what people have brought since: full texts, groupings, a wish to try again. As above."""
    pico_id: str
    """Artefact: the elements of the question."""
    query_id: str
    """Artefact: the strategy."""
    search_ids: list[str]
    """Search events whose records are current, one per source."""
    screen_id: str
    """Artefact: the list of suggested title/abstract decisions."""
    extract_id: str
    """Artefact: the list of suggested full-text decisions, and the extraction table."""
    evidence_id: str
    """Artefact: the numbers of the included reports."""
    piloting: bool
    """The form is being tried on a few reports; the edges read it: approved, and the rest is read."""
    synthesis_id: str
    """Artefact: effects, pooled effects and what follows from them."""
    found_by_citations: list[str]
    """Search events of the last look at citations; the edges read it: none, and the walk goes on to the end."""
    studies: int
    """How many studies the review includes."""
    report_sha256: str
    """Hash over the files in `out`."""
    decision: str
    """What a person said at the last gate; the edges read it."""
