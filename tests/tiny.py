"""A Mistral of a few thousand random weights, for tests of what is around the weights. It means nothing it says.

For one that answers sensibly see `tests.trained`. This one is built in a second and needs no training. One thing
about it is not random: it has a liking for closing what it has opened, so that its answers come to an end.
"""

from pathlib import Path
from typing import Any

__all__ = ["CONTEXT", "adapter", "build", "tokenizer"]

CONTEXT = 6000

MARKS = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]")

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{{ message['content'] + eos_token }}{% else %}{{ '[INST]' + message['content'] + '[/INST]' }}"
    "{% endif %}{% endfor %}"
)

SENTENCES = (
    "Forty adults with a cough drank snail syrup or water before bed.",
    "The nights slept were counted by the participants' own cats.",
    '{"verdicts": {"cough": {"quote": "a cough", "label": "YES", "rationale": "It says so."}}}',
    '{"cells": {"size": {"status": "UNCERTAIN", "value": "NO", "unit": null, "quote": "PARTIAL"}}}',
)


def tokenizer(*, spaces_as_marks: bool = False) -> Any:
    """Over a few invented sentences, with the marks and the template of a Mistral.

    Args:
        spaces_as_marks: made as SentencePiece makes them: a word mark for each space and one before the text, and
            tokens that stand for single bytes. Otherwise byte-level BPE.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    inner: Tokenizer = _sentencepiece() if spaces_as_marks else _byte_level()
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=["[INST]", "[/INST]"],
    )
    made.chat_template = TEMPLATE
    return made


def _byte_level() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(MARKS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(SENTENCES * 3, trainer)
    return inner


def _sentencepiece() -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers

    characters = sorted(set("▁" + "".join(SENTENCES).replace(" ", "")))
    merges = [("▁", "a"), ("▁", '"'), ('"', ":"), ("Y", "E"), ("YE", "S"), ("N", "O"), ('"', "}")]
    pieces = [*MARKS, *(f"<0x{byte:02X}>" for byte in range(256)), *characters, *(a + b for a, b in merges)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    inner = Tokenizer(models.BPE(vocabulary, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    inner.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    inner.add_special_tokens(list(MARKS))
    return inner


def build(folder: Path, seed: int = 1, *, spaces_as_marks: bool = False) -> Path:
    """Write a model's folder: weights, configuration, tokenizer (see `tokenizer`)."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    words = tokenizer(spaces_as_marks=spaces_as_marks)
    config = MistralConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=CONTEXT,
        sliding_window=None,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        tie_word_embeddings=False,
    )
    torch.manual_seed(seed)
    model = MistralForCausalLM(config)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.normal_(0, 0.3)
        # Every state has the same first feature, and what closes something answers to it.
        model.model.embed_tokens.weight[:, 0] = 3.0
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = 0.0
            layer.mlp.down_proj.weight[0] = 0.0
        model.lm_head.weight[:, 0] = 0.0
        for token, text in enumerate(words.convert_ids_to_tokens(range(len(words)))):
            if text.lstrip("Ġ▁").startswith(('"', "}", "]")):
                model.lm_head.weight[token, 0] = 12.0
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def adapter(folder: Path, model: Path) -> Path:
    """Write a LoRA adapter of random weights for a model's folder. Needs peft."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
    with torch.no_grad():
        for name, weights in adapted.named_parameters():
            if "lora_B" in name:
                weights.normal_(0, 0.5)
    adapted.save_pretrained(folder)
    return folder
