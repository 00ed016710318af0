"""Words and numbers of scripts that put no spaces between words.

Two neighbouring characters stand for a word, as in the analyzers of search engines
(https://docs.opensearch.org/latest/analyzers/language-analyzers/cjk/); Korean, whose words carry
their particles, is read the same way.
"""

from __future__ import annotations

import re

_HIRAGANA = "\u3041-\u309f"
_DIGITS = {**{each: n for n, each in enumerate("零一二三四五六七八九")}, "〇": 0, "两": 2, "兩": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_LITTLE = (
    "的了是在和与與及或将將把被对對也都就请請您你我其该該为為到从從而则則但这這那个個吗嗎呢吧啊"
)
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # Japanese syllables
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7a3"  # Korean syllables
)
_STRETCH = re.compile(
    rf"((?:(?![{_HIRAGANA}{_LITTLE}{''.join(_DIGITS)}{''.join(_UNITS)}])[{_SPACELESS}])+)"
    rf"|([^{_SPACELESS}]+)"
)
_DENIAL = re.compile("[不没沒无無未勿않없못]|ない|なかった|ません|ไม่")
_NUMERAL = re.compile(f"[{''.join(_DIGITS)}{''.join(_UNITS)}]+")


def stretches(text: str) -> list[tuple[str, str]]:
    """What stands in such a script, or else what stands between, in their order. Numerals, little
    words and endings in hiragana, which stand in neither, are left out.
    """
    return _STRETCH.findall(text)


def denials(text: str) -> int:
    """How often a text negates in such a script."""
    return len(_DENIAL.findall(text))


def pairs(run: str) -> list[str]:
    """The words of a run, roughly."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def numerals(text: str) -> list[str]:
    """The numbers that are written in Chinese numerals. 一 alone is `a` as often as 1."""
    found = _NUMERAL.findall(text.replace("百分之", ""))
    return [str(_value(each)) for each in found if each != "一"]


def _value(numeral: str) -> int:
    total = section = digits = 0
    for sign in numeral:
        unit = _UNITS.get(sign)
        if unit is None:
            digits = digits * 10 + _DIGITS[sign]
        elif unit < 10**4:
            section += (digits or 1) * unit
            digits = 0
        else:
            total += (section + digits or 1) * unit
            section = digits = 0
    return total + section + digits
