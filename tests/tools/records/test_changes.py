"""What is worth another look when a record has changed, and what is not."""

import pytest

from tools.records.changes import material_changes, small_changes
from tools.schemas import Correction, Record

OLD = Record(
    record_id="pubmed:1",
    title="Snail syrup",
    abstract="It was tried.",
    publication_types=("Journal Article",),
)


def changed(**what):
    return OLD.model_copy(update=what)


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"retracted": True}, ("retracted",)),
        ({"abstract": ""}, ("abstract removed",)),
        ({"abstract": "It was not tried."}, ("abstract changed",)),
        ({"title": "Slug syrup"}, ("title changed",)),
        ({"publication_types": ("Journal Article", "Results posted")}, ("now also: Results posted",)),
        (
            {"corrections": (Correction(kind="ExpressionOfConcernIn", citation="J Snail. 2031", pmid="9"),)},
            ("expression of concern published: J Snail. 2031",),
        ),
        # One event, told once: the flag and the line of the retraction notice.
        (
            {"retracted": True, "corrections": (Correction(kind="RetractionIn", citation="J Snail. 2031"),)},
            ("retracted",),
        ),
    ],
)
def test_what_bears_on_a_decision_is_told(new, told):
    assert material_changes(OLD, changed(**new)) == told


def test_an_abstract_that_came_later_is_told():
    assert material_changes(changed(abstract=""), OLD) == ("abstract added",)


@pytest.mark.parametrize(
    "new",
    [
        {"mesh": ("Cough",)},
        {"updated": "2031-02-03", "created": "2031-01-01"},
        {"pages": "1-9", "volume": "3"},
        {"abstract": "It  was\ntried."},
        {"title": "SNAIL SYRUP"},
        {"corrections": (Correction(kind="CommentIn", citation="J Snail. 2031"),)},
    ],
)
def test_housekeeping_of_a_database_is_no_reason_to_ask_again(new):
    assert material_changes(OLD, changed(**new)) == ()


def test_small_changes_are_named_by_field():
    assert small_changes(OLD, changed(mesh=("Cough",), volume="3")) == ("volume", "mesh")


def test_an_expression_of_concern_that_was_known_is_not_told_again():
    concern = Correction(kind="ExpressionOfConcernIn", citation="J Snail. 2031", pmid="9")
    known = changed(corrections=(concern,))
    assert material_changes(known, known.model_copy(update={"mesh": ("Cough",)})) == ()
