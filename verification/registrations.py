"""Whether a piece of writing is, or may be, the registration of a vehicle: the grammar of number plates.

A registration is a few short runs of letters and digits; which runs, in which order and how long, is what
each country prescribes. A reader takes O for 0 and S for 5, so a character may stand for one of the other
kind that looks like it. What people write on signs has that look now and then: a price with its currency, a
size with its unit, hours, a day, a line, a room, a postcode. The words and units that go with such numbers
are known; flights, trains and serial numbers of two letters and four digits are not told from plates by
letters.
Limits: plates with words chosen by their owner, of digits alone (but for two groupings), shorter than five
characters, or in scripts other than Latin, Cyrillic and Greek capitals, Chinese and Japanese.
Source: groupings in general use, written down from knowledge and not checked against each authority's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

SHORTEST, LONGEST = 5, 10
_BETWEEN = re.compile(r"[\s.\u00b7\u2022\u3002:\-\u2013\u2014_'\u2019\u00b0\u00ae*,|]+")
_LATIN = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425"  # Cyrillic
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"  # Greek
    "coszuvwxkp",  # small letters with the shape of the capital
    "ABEKMHOPCTYX" + "ABEZHIKMNOPTYX" + "COSZUVWXKP",
)
_ALIKE, _EITHER = "O0I1", "OQDILZSBG012568"  # in print; to a reader of small writing
_MOST_TAKEN = 2  # characters that stand for one of the other kind, in a reading of at least
_LONG = 6
_WORD = re.compile(r"\b(?:[A-Z]{4,}|[0-9]{4,})\b")

# Runs of letters (A) and digits (9) in a registration without its blanks, shortest and longest.
_RUNS = (
    r"A{3}9{3,5}",  # Sweden, Lithuania, Greece, Mexico, the United States, Poland
    r"A{2}9{4,6}",  # Norway, Denmark, Switzerland, Luxembourg, Poland
    r"A9{5,6}",
    r"9{2,4}A{3}",  # Spain, the United States
    r"(?=.{6})A{1,3}9{1,4}A{1,4}",  # Britain, France, Italy, Ukraine, Sweden, Austria
    r"(?=.{6})9{1,3}A{1,3}9{1,5}",  # Belgium, the Netherlands, Portugal, Turkey, California, Czechia
    r"A{2}9{1,2}A{1,3}9{4}",  # India
    r"A{3}9{1,2}A9{1,2}",  # Brazil, Poland
    r"A9{3}A{2}9{2,3}",  # Russia
    r"9{2}A9{4,6}",  # Vietnam, China without its first character
)
_WHOLE = re.compile("|".join(f"(?:{run})" for run in _RUNS))
_GERMAN = re.compile(r"A{1,3} A{1,2} ?9{1,4}")
# Read in doubt: Germany without its blanks; others with a letter taken for a digit.
_BROKEN = re.compile(r"9{4,5} ?A{2}|A{4,5}9{2,4}")
_DIGITS = re.compile(r"9{2} 9{3} 9{2}|9{3} 9{2} 9{3}")  # Israel
_EAST = re.compile(r"[\u4e00-\u9fff][A-Z][A-Z0-9]{5,6}|[\u3041-\u3093]\d{4}")  # China; Japan's second row
_BEFORE = """
ROOM GATE HALL DOOR UNIT LEVEL FLOOR TRACK LANE BUS TRAM LINE STOP TAXI ZONE ROW SEAT BAY BOX APT FLAT EXIT
TEL FAX NO NR NUM LOT REF ART ITEM MODEL TYPE SIZE SER SN PIN MAX MIN VOL PAGE KM MI RUE VIA USD EUR CHF GBP
SEK NOK DKK PLN CZK HUF TRY INR JPY CNY AUD CAD RUB ISO DIN EN IEC ECE IP WC USB HDMI GTX RTX FM AM DAB CH
ICE IC EC RE RB TGV IR JAN FEB MAR APR MAY MAI JUN JUL AUG SEP OCT OKT NOV DEC DEZ MON TUE WED THU FRI SAT
SUN EXP BEST MHD UHR AD OPEN SINCE EST ANNO COVID PORT TOP ONLY WIN PS MP UTF KPA SPF E P
"""
_AFTER = """
KG G MG L ML CL DL M MM CM KM KMH MPH KWH WH MAH AH W KW MW V KV A HZ KHZ MHZ GHZ BAR PSI PA HPA KPA C F K LM
DPI PX FPS MB GB TB KB RPM H HR HRS MIN SEC S UHR AM PM USD EUR CHF GBP SEK NOK DKK PLN CZK KC HUF TL TRY INR
JPY CNY AUD CAD RUB KR LEI ST ND RD TH PCS STK OZ LB LBS FT IN YD QT PT PK CT CAL KCAL KJ DB X XL XXL DIN ER
BIT VOL DEG PPM DAY GMT UTC CTS SET
"""
_NAMES, _UNITS = frozenset(_BEFORE.split()), frozenset(_AFTER.split())
_AMID = "X|TO|BIS|FOR|OF|OR|AND|UND|BY|VS|JAN|FEB|MAR|APR|MAY|MAI|JUN|JUL|AUG|SEP|OCT|OKT|NOV|DEC|DEZ"
_ORDINARY = re.compile(
    rf"\d+ ?(?:{_AMID}) ?\d+"  # a product, an offer, a day
    r"|[A-Z]{1,2}\d{1,2}[A-Z]? \d[A-Z]{2}"  # a British postcode
)


def registration(text: str, *, sure: bool = False) -> bool:
    """Whether it may be one.

    Args:
        text: as read; the rows of a plate one after the other.
        sure: read without doubt: no character but O, 0, I and 1 stands for another.
    """
    said = _BETWEEN.sub(" ", text.translate(_LATIN)).strip()
    together = said.replace(" ", "") if ".." not in text else ""  # from .. to
    if _EAST.fullmatch(together):
        return True
    if not SHORTEST <= len(together) <= LONGEST or not re.fullmatch("[A-Z0-9]+", together):
        return False
    kinds = _kinds(said)
    if _DIGITS.fullmatch(kinds):
        return True
    readings = _readings(said, sure=sure)
    return not _ordinary(said) and any(_fits(kinds, said, sure=sure) for kinds in readings)


def _kinds(said: str) -> str:
    """Letters as A, digits as 9."""
    return re.sub("[A-Z]", "A", re.sub("[0-9]", "9", said))


def _fits(kinds: str, said: str, *, sure: bool) -> bool:
    """Whether these runs are a registration's; it is not one if no digit or no letter was read as such."""
    if not any(letter.isdigit() for letter in said) or not any(letter.isalpha() for letter in said):
        return False
    together = kinds.replace(" ", "")
    broken = not sure and _BROKEN.fullmatch(kinds) is not None
    return broken or bool(_GERMAN.fullmatch(kinds) or _WHOLE.fullmatch(together))


def _readings(said: str, *, sure: bool) -> Iterator[str]:
    """The runs as read, and with up to _MOST_TAKEN characters taken for one of the other kind.

    Four letters or digits by themselves are a word or a number.
    """
    kinds = _kinds(said)
    yield kinds
    if len(said.replace(" ", "")) < _LONG:
        return
    alike = _ALIKE if sure else _EITHER
    left_out = {place for word in _WORD.finditer(said) for place in range(*word.span())}
    places = [place for place, letter in enumerate(said) if letter in alike and place not in left_out]
    for count in range(1, _MOST_TAKEN + 1):
        for chosen in combinations(places, count):
            turned = list(kinds)
            for place in chosen:
                turned[place] = "9" if kinds[place] == "A" else "A"
            yield "".join(turned)


def _ordinary(said: str) -> bool:
    """Whether it is a number with the word or unit that goes with it, or something else people write."""
    if _ORDINARY.fullmatch(said):
        return True
    number = re.fullmatch(r"([A-Z]+) ?[\d ]+", said)
    more = re.fullmatch(r"([A-Z]{3,}) ?[A-Z]{0,3} ?[\d ]+[A-Z]{0,2}", said)
    amount = re.fullmatch(r"[\d ]+([A-Z]+)", said)
    named = any(found is not None and found[1] in _NAMES for found in (number, more))
    return named or (amount is not None and amount[1] in _UNITS)
