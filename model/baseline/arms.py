"""Task `arms` by rules: the arms that sentences on the allocation and the columns of tables name.

Sources are read apart (`arms_sentences`, `arms_tables`) and joined (`arms_joining`), so that an arm with several
names is listed once. It abstains rather than guesses: fewer than two arms are no list of arms, and where sources
contradict each other and nothing decides, none is believed.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from model.baseline.arms_groups import counts_said, received_by, roles
from model.baseline.arms_joining import About, Told, best_list, chosen, is_same, joined
from model.baseline.arms_sentences import ALLOCATING, RULES
from model.baseline.arms_tables import lists_in
from model.baseline.arms_words import MOST, Named, given, is_generic, parts, plain, types_of
from model.baseline.paper import Sentence, sentences_of
from model.baseline.paper_groups import keys, read_shorts
from model.baseline.reading import MAX_QUOTE
from model.baseline.sample_size import total_of
from model.tasks.arms import Arm, ArmsAnswer, ArmsInput

__all__ = ["arms_of"]


def arms_of(asked: ArmsInput) -> ArmsAnswer:
    """The arms, each with the span that names it; `not_found` where they are not all told, or not told alike."""
    paper = [sentence for sentence in sentences_of(asked) if len(sentence.text) <= MAX_QUOTE]
    own = [sentence for sentence in paper if sentence.about_itself]
    sample = [sentence for sentence in paper if sentence.about_its_sample]
    about = _about(asked, own, sample)
    table = [_explained(arm, own) for arm in best_list(lists_in(asked.passages), about)]
    lists = [named for rule in RULES if 2 <= len(named := rule(own)) <= MOST]
    # The first list of a sentence that names the same arms as the tables; else the surest one beside them.
    told = next((both for said in lists if (both := joined(table, said, about))), ())
    told = (
        told
        or chosen(table, lists[0] if lists else (), about)
        or (() if table or lists else chosen((), roles(own), about))
    )
    arms = _arms([_with_more(arm, more, own) for arm, more in told])
    return ArmsAnswer(status="found", arms=arms) if arms else ArmsAnswer(status="not_found")


def _about(asked: ArmsInput, own: Sequence[Sentence], sample: Sequence[Sentence]) -> About:
    shorts = read_shorts(passage.text for passage in asked.passages)
    whole = total_of(sample)
    telling = [s.text for s in own if s.section == "title" or ALLOCATING.search(s.text)]
    return About(
        shorts=shorts,
        total=int(whole.value) if whole is not None else None,
        said=counts_said(own),
        words=frozenset().union(*(keys(text, shorts) for text in telling)),
        summary=frozenset().union(*(keys(s.text, shorts) for s in own if s.section in ("title", "abstract"))),
    )


# Arms --------------------------------------------------------------------------------------------


def _arms(told: Sequence[Told]) -> tuple[Arm, ...]:
    """Label, type and details of each; none where two would have the same name."""
    if len(told) < 2:
        return ()
    split = [_labelled(arm, more) for arm, more in told]
    labels = [label for label, _ in split]
    if len({label.casefold() for label in labels}) < len(labels):  # two doses of one drug
        split = [(plain(arm.label or arm.text), "") for arm, _ in told]
        labels = [label for label, _ in split]
    if "" in labels or len({label.casefold() for label in labels}) < len(labels):
        return ()
    types = types_of(
        [_called(label, arm) for (label, _), (arm, _) in zip(split, told, strict=True)],
        [plain(more.text) if more else "" for _, more in told],
    )
    return tuple(
        Arm(
            quote=(more.quote if more is not None and detail else arm.quote)[:MAX_QUOTE],
            label=label[:200],
            type=kind,
            description=detail[:1000],
            interventions=() if kind == "NO_INTERVENTION" else _interventions(label, more),
        )
        for (arm, more), (label, detail), kind in zip(told, split, types, strict=True)
    )


def _called(label: str, arm: Named) -> str:
    """A label, with the role that stands in brackets beside it: `wool (control group)`."""
    role = re.search(r"\((?:the )?controls?\b", arm.text, re.IGNORECASE)
    return f"{label} (control)" if role is not None and "(" not in label else label


def _explained(arm: Named, own: Sequence[Sentence]) -> Named:
    """A column's arm, with what it received for its text where its heading does not say."""
    received = received_by(arm.label, own) if is_generic(arm.label) else None
    return replace(arm, text=received.text) if received is not None else arm


def _with_more(arm: Named, more: Named | None, own: Sequence[Sentence]) -> Told:
    """A group whose name says nothing, with what it received."""
    if is_generic(arm.label or arm.text) and (more is None or is_generic(plain(more.text))):
        return arm, received_by(arm.label or arm.text, own) or more
    return arm, more


def _labelled(arm: Named, more: Named | None) -> tuple[str, str]:
    """The label, and what a sentence tells beside it: what was given, else dose and schedule."""
    if not arm.label:
        label, detail = parts(arm.text)
        return (label, detail) if more is None or is_generic(more.text) else (label, plain(more.text))
    if more is None or is_generic(more.text) or _words(more.text) <= _words(arm.label):
        return arm.label, ""
    name, detail = parts(more.text)
    return arm.label, detail if is_same(name, arm.label) else plain(more.text)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", plain(text).casefold())) - {"group", "arm", "the", "a"}


def _interventions(label: str, more: Named | None) -> tuple[str, ...]:
    if not is_generic(label):
        return given(label)
    return given(parts(more.text)[0]) if more is not None and not is_generic(more.text) else ()
