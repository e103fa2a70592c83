"""What people say about records that look alike. Pure."""

from typing import Literal

from pydantic import Field

from tools.schemas import Frozen

__all__ = ["DuplicateDecision"]


class DuplicateDecision(Frozen):
    """A person's word about records; a later one overrides an earlier one, pair by pair.

    same       all of them are one citation
    different  no two of them are
    """

    kind: Literal["same", "different"]
    record_ids: tuple[str, ...] = Field(min_length=2)
    by: str = Field(min_length=1, description="Who decided.")
    why: str = Field(min_length=1)
