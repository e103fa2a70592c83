"""RoB 2, the Cochrane tool for risk of bias in randomised trials, for one result of one trial. Pure.

Version of 22 August 2019 for individually randomised trials with parallel groups (Sterne 2019, BMJ 366:l4898;
riskofbias.info). Its decision tables follow the full guidance as our own notes have it; domains 1, 2, 4 and 5 were
compared with a transcription of the cribsheet's flow charts in another open-source tool (CoRATES) and agree, domain 3
rests on the notes alone. The texts of the questions are ours, numbers and meaning are the tool's: whoever answers keeps
the official guidance at hand.

Variants of 18 March 2021 (both "test versions" by their authors) are in `rob2_cluster` and `rob2_crossover`, with
what could be confirmed of them and what could not.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from tools.appraisal.rob2_cluster import cluster_domains
from tools.appraisal.rob2_crossover import crossover_domains
from tools.appraisal.rob2_parallel import DEVIATIONS, Deviation, Effect, parallel_domains
from tools.appraisal.tool import Domain, Level, Tool
from tools.errors import ConfigError

__all__ = ["DEVIATIONS", "LEVELS", "VARIANTS", "Deviation", "Effect", "Variant", "rob2"]

Variant = Literal["parallel", "cluster", "crossover"]
VARIANTS: tuple[Variant, ...] = ("parallel", "cluster", "crossover")

LEVELS = (
    Level(id="low", word="Low risk", colour="low"),
    Level(id="some", word="Some concerns", colour="some"),
    Level(id="high", word="High risk", colour="high"),
)

_BUILT: dict[Variant, tuple[str, Callable[[Effect, tuple[Deviation, ...]], tuple[Domain, ...]]]] = {
    "parallel": ("22 August 2019", parallel_domains),
    "cluster": ("18 March 2021", cluster_domains),
    "crossover": ("18 March 2021", crossover_domains),
}


def rob2(
    variant: Variant = "parallel",
    effect: Effect = "assignment",
    deviations: Sequence[Deviation] = DEVIATIONS,
) -> Tool:
    """RoB 2 in the variant and for the effect of interest.

    Args:
        variant: the design of the trial.
        effect: of assignment to the intervention (intention to treat), or of adhering to it (per protocol).
        deviations: for adhering, which deviations the review addresses.

    Raises:
        ConfigError: an unknown variant, effect or deviation, or no deviation at all.
    """
    unknown = [x for x in deviations if x not in DEVIATIONS]
    if unknown or not deviations:
        raise ConfigError(f"deviations {list(deviations)}: choose one or more of {', '.join(DEVIATIONS)}.")
    if variant not in _BUILT or effect not in ("assignment", "adhering"):
        raise ConfigError(
            f"RoB 2 {variant!r}, {effect!r}: choose a variant from {', '.join(VARIANTS)} and an effect from "
            "assignment, adhering."
        )
    version, build = _BUILT[variant]
    return Tool(
        id=f"rob2-{variant}-{effect}",
        name="RoB 2",
        version=version,
        variant=variant,
        effect=effect,
        source="Sterne 2019, BMJ 366:l4898; riskofbias.info",
        levels=LEVELS,
        domains=build(effect, tuple(x for x in DEVIATIONS if x in deviations)),
        overall="worst",
        raise_at="some",
    )
