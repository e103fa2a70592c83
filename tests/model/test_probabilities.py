"""Label probabilities, computed by hand: which tokens count for which label, and when nothing is said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.probabilities import label_probabilities, spelled

LABELS = ("YES", "PARTIAL", "UNCERTAIN", "NO")
BIAS = ("Y", "PY", "PN", "N", "NI")


def sure(text):
    return (text, {text: 0.0})


def likely(text, **shares):
    """A token and probabilities; `_` stands for a quotation mark and `__` for a space in names."""
    named = {name.replace("__", " ").replace("_", '"'): math.log(p) for name, p in shares.items()}
    return (text, named)


def told(tokens, labels=LABELS, marker='"label":"'):
    raw = "".join(text for text, _ in tokens)
    start = raw.index(marker) + len(marker)
    return label_probabilities(tokens, {"c": (start, raw.index('"', start))}, labels).get("c")


def test_the_alternatives_at_the_label_are_renormalised_over_the_labels():
    tokens = [sure('{"label":"'), likely("YES", YES=0.3, NO=0.1, Well=0.5), sure('"}')]
    assert told(tokens) == {"YES": 0.75, "PARTIAL": 0.0, "UNCERTAIN": 0.0, "NO": 0.25}


def test_a_label_split_over_tokens_counts_by_its_beginning():
    tokens = [sure('{"label":"'), likely("UN", UN=0.2, YES=0.1, P=0.1), sure("CERTAIN"), sure('"}')]
    assert told(tokens) == {"YES": 0.25, "PARTIAL": 0.25, "UNCERTAIN": 0.5, "NO": 0.0}


def test_spellings_of_one_label_are_added_up():
    """With a quotation mark or a space before it, or with what comes after it."""
    tokens = [sure('{"label":'), likely('"YES', _YES=0.1, YES=0.1, __YES=0.1, YES_=0.1, _NO=0.2), sure('"}')]
    assert told(tokens)["YES"] == pytest.approx(2 / 3, abs=1e-6)
    assert told(tokens)["NO"] == pytest.approx(1 / 3, abs=1e-6)


def test_what_is_no_label_counts_for_none():
    """A quotation mark says nothing yet, YESTERDAY is not YES, and nobody asked for yes."""
    tokens = [sure('{"label":"'), likely("NO", NO=0.02, _=0.9, YESTERDAY=0.03, yes=0.05), sure('"}')]
    assert told(tokens) == {"YES": 0.0, "PARTIAL": 0.0, "UNCERTAIN": 0.0, "NO": 1.0}


def test_a_label_that_begins_another_is_told_apart_by_what_follows():
    tokens = [
        sure('{"label":"'),
        likely("N", N=0.8, Y=0.2),
        likely('"', _=0.25, I=0.75),
        sure("}"),
    ]
    assert told(tokens, BIAS) == {"Y": 0.2, "PY": 0.0, "PN": 0.0, "N": 0.2, "NI": 0.6}


def test_a_beginning_that_was_not_gone_on_with_cannot_be_told_apart_and_nothing_is_said():
    tokens = [sure('{"label":"'), likely("Y", Y=0.6, P=0.4), sure('"}')]
    assert told(tokens, BIAS) is None, "P may be PY or PN"
    nearly = [sure('{"label":"'), likely("Y", Y=0.995, P=0.005), sure('"}')]
    assert told(nearly, BIAS)["Y"] == 1.0, "half a percent is not worth silence"


def test_no_label_among_the_alternatives_says_nothing():
    tokens = [sure('{"label":"'), ("YES", {"Well": -0.1}), sure('"}')]
    assert told(tokens) is None


def test_a_label_inside_another_word_says_nothing():
    tokens = [("xYES", {"xYES": -0.1, "NO": -2.0})]
    assert label_probabilities(tokens, {"c": (1, 4)}, LABELS) == {}


def test_each_item_has_its_own_and_their_order_is_kept():
    tokens = [
        sure('{"label":"'),
        likely("NO", NO=0.5, YES=0.5),
        sure('"},{"label":"'),
        sure("YES"),
        sure('"}'),
    ]
    raw = "".join(text for text, _ in tokens)
    first, second = raw.index("NO"), raw.index("YES")
    found = label_probabilities(tokens, {"b": (second, second + 3), "a": (first, first + 2)}, LABELS)
    assert list(found) == ["b", "a"]
    assert (found["b"]["YES"], found["a"]["YES"]) == (1.0, 0.5)


def test_a_span_behind_the_end_says_nothing():
    assert label_probabilities([sure("YES")], {"c": (40, 43)}, LABELS) == {}


@given(st.lists(st.sampled_from([*LABELS, "UN", "CERT", '"', " ", "Y", "P", "é", "🜁", "null"]), min_size=1))
def test_probabilities_sum_to_one_or_there_are_none(texts):
    tokens = [(text, {text: -0.5, "NO": -1.0, "YES": -3.0, "U": -4.0}) for text in texts]
    for at in range(len(texts)):
        start = sum(len(text) for text in texts[:at])
        for by_label in label_probabilities(tokens, {"c": (start, start + 1)}, LABELS).values():
            assert set(by_label) == set(LABELS)
            assert sum(by_label.values()) == pytest.approx(1, abs=1e-5)


# What a server tells -----------------------------------------------------------------------------


def entry(token, *, as_bytes=None, logprob=-0.1, **others):
    told = {"token": token, "logprob": logprob, "bytes": as_bytes or list(token.encode())}
    return told | {"top_logprobs": [{"token": other, "logprob": lp} for other, lp in others.items()]}


RAW = '{"quote":"≥ 40","label":"YES"}'


def test_a_character_split_over_tokens_is_put_together_by_its_bytes():
    first, rest = list("≥".encode()[:1]), list("≥".encode()[1:])
    content = [
        entry('{"quote":"'),
        entry("\ufffd", as_bytes=first, NO=-1.0),
        entry("\ufffd", as_bytes=rest),
        entry(' 40","label":"'),
        entry("YES", NO=-2.0, YES=-0.1),
        entry('"}'),
        entry("</s>"),
    ]
    tokens = spelled(RAW, content)
    assert [text for text, _ in tokens] == ['{"quote":"', "≥", ' 40","label":"', "YES", '"}']
    assert tokens[1][1] == {}, "half a character has no alternatives"
    assert tokens[3][1] == {"YES": -0.1, "NO": -2.0}
    start = RAW.index("YES")
    found = label_probabilities(tokens, {"c": (start, start + 3)}, LABELS)
    assert found["c"]["YES"] == pytest.approx(math.exp(-0.1) / (math.exp(-0.1) + math.exp(-2)), abs=1e-6)


def test_texts_are_used_where_the_bytes_are_missing_or_wrong():
    content = [entry('{"quote":"'), entry("≥"), entry(' 40","label":"YES"}')]
    for one in content:
        one["bytes"] = None
    assert "".join(text for text, _ in spelled(RAW, content)) == RAW
    content[1]["bytes"] = [63]
    assert "".join(text for text, _ in spelled(RAW, content)) == RAW


@pytest.mark.parametrize(
    "content",
    [
        None,
        "text",
        [],
        [entry(RAW[:-1])],
        [entry(" " + RAW)],
        [entry("\ufffd" + RAW[1:])],
        [{"token": RAW}],
        [{"token": RAW, "logprob": "high"}],
        [entry(RAW, as_bytes=[400])],
        [None],
        [entry(RAW[:5], as_bytes=[0xE2]), entry("x")],
    ],
)
def test_tokens_that_do_not_spell_the_answer_are_not_used(content):
    assert spelled(RAW, content) == []
