"""Does a report need a translator? Languages of records, in whichever way a source writes them. Pure.

Databases write a language as a word (`German`), a code of three letters in either of its forms (`ger`, `deu`) or of
two (`de`), and several of them in one field. Codes: ISO 639-1 and 639-2 (https://www.loc.gov/standards/iso639-2/).
"""

import re

__all__ = ["languages_of", "needs_translation"]

_KNOWN = {
    "ar": "ara arabic", "bg": "bul bulgarian", "bs": "bos bosnian", "ca": "cat catalan",
    "cs": "cze ces czech", "da": "dan danish", "de": "ger deu german deutsch", "el": "gre ell greek",
    "en": "eng english", "es": "spa spanish castilian español", "et": "est estonian",
    "fa": "per fas persian farsi", "fi": "fin finnish", "fr": "fre fra french français", "he": "heb hebrew",
    "hr": "hrv scr croatian", "hu": "hun hungarian", "id": "ind indonesian", "is": "ice isl icelandic",
    "it": "ita italian", "ja": "jpn japanese", "ka": "geo kat georgian", "ko": "kor korean",
    "lt": "lit lithuanian", "lv": "lav latvian", "mk": "mac mkd macedonian", "ms": "may msa malay",
    "nl": "dut nld dutch flemish", "no": "nor norwegian nob nno nb nn", "pl": "pol polish",
    "pt": "por portuguese", "ro": "rum ron romanian", "ru": "rus russian", "sk": "slo slk slovak",
    "sl": "slv slovenian slovene", "sq": "alb sqi albanian", "sr": "srp scc serbian", "sv": "swe swedish",
    "th": "tha thai", "tr": "tur turkish", "uk": "ukr ukrainian", "vi": "vie vietnamese",
    "zh": "chi zho chinese mandarin",
}  # fmt: skip
_BY_WORD = {word: code for code, words in _KNOWN.items() for word in (code, *words.split())}
_UNTOLD = frozenset({"und", "mul", "undetermined", "unknown", "unspecified", "multilingual"})


def languages_of(written: str) -> tuple[str, ...]:
    """Languages in a field, as two letters where they are known and as written otherwise; none that say nothing.

    Words in brackets are left out: `English (United Kingdom)`, `pt-BR`.
    """
    found = []
    for part in re.split(r"[;,/|+&]|\band\b", re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", written.casefold())):
        word = part.strip()
        bare = re.sub(r"[-_][a-z]{2,4}$", "", word)
        if word and word not in _UNTOLD:
            found.append(_BY_WORD.get(word) or _BY_WORD.get(bare) or word)
    return tuple(dict.fromkeys(found))


def needs_translation(written: str, read: tuple[str, ...]) -> str:
    """The languages of a report of which the team reads none; empty where it reads one, or none is told.

    Args:
        written: the record's own field.
        read: languages that the team reads; none told means that nothing is known about it.
    """
    ours = {code for language in read for code in languages_of(language)}
    theirs = languages_of(written)
    if not ours or not theirs or ours & set(theirs):
        return ""
    return ", ".join(theirs)
