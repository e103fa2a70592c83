"""Attention that stays within each example of a row.

FlashAttention 2 does so by itself (transformers reads the borders off the positions, which begin anew at 0). SDPA
needs a mask of context × context for it, 900 MB at 30,000 tokens, and computes every pair to throw most away. So
where FlashAttention is absent, SDPA is called once per example, causal and without a mask: the same numbers as for
the example alone, in less time the more examples share the row.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from tools.errors import ConfigError

__all__ = ["BY_EXAMPLE", "choose", "register"]

BY_EXAMPLE = "by_example"


def choose(wanted: str, config: Any, context: int, dtype: str = "bf16") -> tuple[str, str]:
    """The implementation to take, and why, in words for a person.

    Args:
        wanted: as the settings name it.
        config: of the model.
        context: tokens of a row.
        dtype: of the computation, `bf16` or `fp32`.

    Raises:
        ConfigError: what is wanted would leave out the model's window.
    """
    import torch

    window = getattr(config, "sliding_window", None)
    if wanted == BY_EXAMPLE and window is not None and window < context:
        raise ConfigError(
            f"attention: by_example has no mask, and the model sees {window} tokens back, fewer than the context. "
            "Remedy: attention: auto, or a context that is no longer."
        )
    if wanted != "auto":
        return wanted, f"{wanted}, as the settings say"
    if not torch.cuda.is_available():
        why = "there is no CUDA device"
    elif find_spec("flash_attn") is None:
        why = "flash_attn is not installed"
    elif dtype == "fp32":
        why = "flash_attn computes in 16 bits, and dtype is fp32"
    else:
        return "flash_attention_2", "flash_attention_2"
    if window is not None and window < context:
        return "sdpa", f"sdpa: {why}, and the model's window of {window} tokens needs a mask"
    return BY_EXAMPLE, f"SDPA example by example: {why}"


def register() -> None:
    """Make `by_example` known to transformers."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(BY_EXAMPLE, _by_example)
    AttentionMaskInterface.register(BY_EXAMPLE, _no_mask)


def _no_mask(*_: Any, **__: Any) -> None:
    return None


def _by_example(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    segment_lengths: list[int] | None = None,
    **more: Any,
) -> tuple[Any, None]:
    """Queries, keys and values are (1, heads, tokens, head size); the result is (1, tokens, heads, head size)."""
    import torch
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    if segment_lengths is None:
        raise TypeError("by_example needs segment_lengths: without them examples would see each other")
    if len(segment_lengths) == 1:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **more)
    parts = zip(*(x.split(segment_lengths, dim=2) for x in (query, key, value)), strict=True)
    done = [sdpa_attention_forward(module, q, k, v, None, **more)[0] for q, k, v in parts]
    return torch.cat(done, dim=1), None
