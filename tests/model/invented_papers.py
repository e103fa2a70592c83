"""Invented papers of a known number of tokens, and a tokenizer trained on the spot to count them."""

import random

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tools.schemas import FullText, Passage

WORDS = [
    "participants",
    "randomised",
    "placebo",
    "syrup",
    "snail",
    "cough",
    "week",
    "dose",
    "adverse",
    "baseline",
    "trial",
    "morning",
    "evening",
    "nurse",
    "visit",
    "children",
    "adults",
    "score",
    "diary",
    "night",
    "blinded",
    "allocation",
    "envelope",
    "pharmacy",
    "bottle",
    "spoon",
    "honey",
    "lozenge",
    "throat",
    "chest",
    "physician",
    "region",
    "clinic",
    "winter",
    "measured",
    "compared",
    "difference",
    "interval",
    "median",
    "range",
    "protocol",
    "amendment",
    "monitored",
]


def trained_tokenizer(vocabulary: int = 900) -> Tokenizer:
    """A byte-level BPE like that of most language models, small."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([prose(random.Random(n), 40) for n in range(30)], trainer)
    return tokenizer


def sentence(chance: random.Random) -> str:
    words = [chance.choice(WORDS) for _ in range(chance.randint(6, 18))]
    return f"{' '.join(words).capitalize()} {chance.randint(2, 990)}."


def prose(chance: random.Random, sentences: int) -> str:
    return " ".join(sentence(chance) for _ in range(sentences))


def paper(blocks: list[tuple[str, str, str]]) -> FullText:
    """A full text from (section, kind, text), with the offsets that a parser would give."""
    passages, start = [], 0
    for section, kind, text in blocks:
        passages.append(Passage(section=section, kind=kind, start=start, text=text))
        start += len(text) + 1
    canonical = "\n".join(text for _, _, text in blocks)
    return FullText(
        report_id="pmid:1",
        source="invented",
        canonical=canonical,
        passages=tuple(passages),
        title=blocks[0][2],
    )


SECTIONS = (
    "Abstract",
    "Introduction",
    "Methods > Participants",
    "Methods > Randomisation",
    "Methods > Outcomes",
    "Results > Flow",
    "Results > Cough",
    "Discussion",
)


def long_paper(tokenizer: Tokenizer, tokens: int, last: str, seed: int = 7) -> FullText:
    """A paper of a little more than so many tokens, whose very last sentence is `last`."""
    chance = random.Random(seed)
    per_section: dict[str, list[str]] = {name: [] for name in SECTIONS}
    count = 0
    while count < tokens:
        for name in SECTIONS:
            text = prose(chance, chance.randint(4, 9))
            per_section[name].append(text)
            count += len(tokenizer.encode(text).ids)
    blocks = [("", "title", "Snail syrup against cough in winter")]
    for name, texts in per_section.items():
        blocks.append((name, "title", name.split(" > ")[-1]))
        blocks += [(name, "paragraph", text) for text in texts]
    blocks.append((SECTIONS[-1], "paragraph", last))
    return paper(blocks)
