"""A small vocabulary of our own making, and an embedder whose likenesses are known beforehand."""

import json

import numpy as np
import pytest

from tools.search.vocabulary import install

HEADINGS = [
    {"descriptor": "Kidney Diseases", "ui": "X1", "entry_terms": ["Kidney Disease"], "tree_numbers": ["C1"]},
    {
        "descriptor": "Renal Insufficiency, Chronic",
        "ui": "X2",
        "entry_terms": ["Chronic Kidney Disease", "Chronic Renal Insufficiency"],
        "tree_numbers": ["C1.1"],
    },
    {"descriptor": "Lupus Nephritis", "ui": "X3", "entry_terms": [], "tree_numbers": ["C1.2"]},
    {"descriptor": "Biopsy", "ui": "X4", "entry_terms": ["Biopsies"], "tree_numbers": ["E1.1"]},
    {"descriptor": "Dementia", "ui": "X5", "entry_terms": ["Amentia"], "tree_numbers": ["C2"]},
    {"descriptor": "Atrial Fibrillation", "ui": "X6", "entry_terms": [], "tree_numbers": ["C3"]},
    {
        "descriptor": "Aspirin",
        "ui": "X7",
        "entry_terms": ["Acetylsalicylic Acid", "Trombolin"],
        "tree_numbers": ["D1"],
    },
    {"descriptor": "Peptic Ulcer", "ui": "X8", "entry_terms": [], "tree_numbers": ["C4"]},
    {"descriptor": "Adult", "ui": "X9", "entry_terms": ["Adults"], "tree_numbers": ["M1"]},
]


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabulary")
    (folder / "headings.jsonl").write_text("\n".join(map(json.dumps, HEADINGS)))
    with install(folder / "small.sqlite", folder / "headings.jsonl") as installed:
        yield installed


class Likeness:
    """An embedder: texts with the mark `~` are alike (cosine 0.8), all others have nothing in common."""

    name = "likeness/fp32"

    def __init__(self):
        self.calls = []

    def encode(self, texts):
        self.calls.append(list(texts))
        wide = np.zeros((len(texts), 512), np.float32)
        for i, text in enumerate(texts):
            # The first axis is shared by what is alike; the sum of letters spreads the rest over the others.
            wide[i, 0] = 0.8944 if "~" in text else 0.0
            wide[i, 1 + sum(map(ord, text)) % 511] = 0.4472 if "~" in text else 1.0
        return wide / np.linalg.norm(wide, axis=1, keepdims=True)


@pytest.fixture
def likeness():
    return Likeness()
