"""RoB 2 for crossover trials, test version of 18 March 2021. Pure.

What is confirmed, and by what:

- that the variant exists, its date, and its domain S on period and carryover effects: riskofbias.info, and the lists of
  domains in the R package meta;
- that domain 5 asks a fourth question, on data of both periods that are missing because carryover was found: a
  transcription of the cribsheet in another open-source tool;
- that domains 1 to 4 otherwise follow the main tool: the Cochrane Handbook 23.2 and the same transcription. We use the
  main tool's tables for them.

What is not: the questions and the table of domain S (ours ask about its three topics, balance between the sequences,
period effects and carryover; the one transcription that we found asks otherwise and is wrong elsewhere), and what the
fourth question of domain 5 leads to. So domain S is always judged by a person, and so is domain 5 where data of both
periods may be missing because of carryover.
"""

from tools.appraisal.rob2_parallel import Deviation, Effect, parallel_domains
from tools.appraisal.tool import Domain, Part, Question, Rule

__all__ = ["crossover_domains"]

_PERIODS = Domain(
    id="S",
    name="Period and carryover effects",
    questions=(
        Question(
            id="S.1", text="Were about as many participants allocated to each sequence of interventions?"
        ),
        Question(
            id="S.2", text="Did the analysis allow for differences between the periods?", asked_if="S.1 no ni"
        ),
        Question(
            id="S.3",
            text="Was there time enough for effects of the first period to wear off before the second was assessed?",
        ),
    ),
    note="A person judges this domain: its decision table could not be confirmed from a second source.",
)


def crossover_domains(effect: Effect, deviations: tuple[Deviation, ...]) -> tuple[Domain, ...]:
    """The six domains: as in the main tool, with S between the first and the second."""
    first, second, missing, measurement, selection = parallel_domains(effect, deviations)
    return (_at_the_first_period(first), _PERIODS, second, missing, measurement, _with_periods(selection))


def _at_the_first_period(domain: Domain) -> Domain:
    """Baseline differences are those between the sequences, before the first period."""
    text = (
        "Do differences between the sequences before the first period point to a problem with randomisation?"
    )
    first, second, third = domain.questions
    return domain.model_copy(update={"questions": (first, second, third.model_copy(update={"text": text}))})


def _with_periods(domain: Domain) -> Domain:
    asked = Question(
        id="5.4",
        text="Are data of both periods wanted, and missing because carryover was found or suspected?",
    )
    (table,) = domain.parts
    to_a_person = Rule(
        when="5.4 yes ni",
        level=None,
        why="Data of both periods may be missing because of carryover: what follows from it could not be confirmed, so "
        "a person judges.",
    )
    # High for 5.2 or 5.3 stays high whatever 5.4 is: selection is as bad as the worst kind of it.
    first, *rest = table.rules
    return domain.model_copy(
        update={
            "questions": (*domain.questions, asked),
            "parts": (Part(rules=(first, to_a_person, *rest)),),
        }
    )
