"""LEADS' own figures, to be shown beside ours: measured by its authors, on their data, by their rules, not here.

Source: Wang et al., A foundation model for human-AI collaboration in medical literature mining, Nat Commun
2025;16:8361, doi:10.1038/s41467-025-62058-5: figures 2c and text (search), 3b (screening), 4a (extraction).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["PUBLISHED", "SOURCE", "Published", "published_rows"]

SOURCE = "Nat Commun 2025;16:8361, doi:10.1038/s41467-025-62058-5"


class Published(NamedTuple):
    """A figure of the paper; shares from 0 to 1."""

    table: str
    of: str
    leads: float | None
    gpt_4o: float | None
    mistral_7b: float | None


PUBLISHED: Sequence[Published] = (
    Published("search", "publications, one query: recall (n = 10,014)", 0.2468, 0.0579, 0.0718),
    Published("search", "trials, one query: recall (n = 6,958)", 0.3211, 0.0674, 0.0808),
    Published("search", "publications, ten queries: recall, `above`", 0.70, None, None),
    Published("search", "trials, ten queries: recall, `above`", 0.65, None, None),
    Published("screening", "recall@10 of 2,000 (200 reviews)", 0.533, 0.520, 0.409),
    Published("screening", "recall@20", 0.672, 0.675, 0.578),
    Published("screening", "recall@50", 0.820, 0.812, 0.728),
    Published("screening", "recall@100", 0.889, 0.902, 0.824),
    Published("extraction", "characteristics, text (n = 7,363)", 0.58, 0.55, 0.55),
    Published("extraction", "arms (n = 3,319)", 0.53, 0.45, 0.45),
    Published("extraction", "participants, text (n = 4,289)", 0.94, 0.55, 0.53),
    Published("extraction", "participants, numbers", 0.33, 0.20, 0.15),
    Published("extraction", "results, text (n = 4,465)", 0.78, 0.45, 0.40),
    Published("extraction", "results, numbers", 0.16, 0.21, 0.14),
)
"""GPT-4o and Mistral-7B zero-shot. Screening by embeddings alone (OpenAI's): 0.377, 0.532, 0.708, 0.819."""


def published_rows(tables: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures of those tables that were made here."""
    return [one._asdict() for one in PUBLISHED if one.table in tables]
