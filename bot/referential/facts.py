"""What a phone number, an e-mail or a web address must look like before it may be shown."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_SHORT_NUMBER = re.compile(r"\d{2,5}|3\d \d{2}|116 ?\d{3}|0 8\d{2} \d{3} \d{3}|08 \d{2} \d{2} \d{2} \d{2}")
_MOBILE = re.compile(r"0[67]")


def is_phone(number: str) -> bool:
    """Whether ``number`` is a French number, short ones included."""
    if _SHORT_NUMBER.fullmatch(number):
        return True
    import phonenumbers  # its tables are loaded when a number is checked, never to answer

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, "FR"))
    except phonenumbers.NumberParseException:
        return False


def is_mobile(number: str) -> bool:
    """Whether ``number`` is that of a mobile phone: most often somebody's own."""
    return bool(_MOBILE.match(number.replace("+33", "0").replace(" ", "")))


def spaced(number: str) -> str:
    """Return a ten-figure number as French people read it (by pairs), any other as it is."""
    digits = re.sub(r"\D", "", number.replace("+33", "0"))
    return " ".join(re.findall("..", digits)) if len(digits) == 10 and digits.startswith("0") else number.strip()


def is_email(address: str) -> bool:
    """Whether ``address`` is an e-mail address."""
    return bool(_EMAIL.fullmatch(address))
