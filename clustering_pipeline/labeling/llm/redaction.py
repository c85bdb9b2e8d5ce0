"""E-mail addresses, card and phone numbers, blanked before texts are sent to a model."""

import re

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d(?:[\s().\-/]{0,2}\d){6,18}(?!\w)")
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{4}\s?[-–/]\s?\d{4}"
)
_CARD_DIGITS = range(13, 20)


def scrubbed(text: str) -> str:
    """The text with e-mail addresses, card and phone numbers replaced by what they were."""
    return _NUMBER.sub(_blank, _EMAIL.sub("[e-mail]", text))


def _blank(found: re.Match[str]) -> str:
    number = found.group()
    digits = [int(one) for one in number if one.isdigit()]
    if len(digits) in _CARD_DIGITS and _luhn(digits):
        return "[card]"
    return "[phone]" if _is_phone(number, digits) else number


def _is_phone(number: str, digits: list[int]) -> bool:
    """Seven to fifteen digits, not a date or a span of years, written as numbers to dial are."""
    if not 7 <= len(digits) <= 15 or _DATE.fullmatch(number.strip()):
        return False
    return number.startswith(("+", "(", "0")) or bool(re.search(r"\d[\s.\-/]\d", number))


def _luhn(digits: list[int]) -> bool:
    doubled = (2 * digit for digit in digits[-2::-2])
    total = sum(digits[-1::-2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return total % 10 == 0
