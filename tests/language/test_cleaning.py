"""What people type, made comparable, whatever they type."""

from __future__ import annotations

import random
import unicodedata

import pytest

from bot.language.cleaning import MAX_CHARACTERS, SMS_WORDS, Script, abridged, clean, plain_words, strip_accents, without_politeness


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("J'AI PERDU MA CARTE D'IDENTITÉ", "j ai perdu ma carte d identite"),
        ("l’école de mon œuvre", "l ecole de mon oeuvre"),
        ("jve 1 rdv", "je veux 1 rendez vous"),
        ("koi faire pr mon pb", "quoi faire pour mon probleme"),
        ("c koi", "c est quoi"),
        ("heeeeeelp", "heelp"),
        ("mairie de st cere", "mairie de saint cere"),
        ("a\u00a0b\u202fd", "a b d"),
        ("e\u0301cole", "ecole"),
        ("  trop   d'espaces \n\n ici ", "trop d espaces ici"),
        ("pass\u00adeport", "passeport"),
        ("pass\u200beport", "passeport"),
        ("", ""),
        ("🙂", ""),
    ],
)
def test_plain(typed: str, plain: str) -> None:
    assert clean(typed).plain == plain


@pytest.mark.parametrize(
    ("typed", "display"),
    [
        ("<b>Bonjour</b> à tous", "Bonjour à tous"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("&lt;script&gt;x", "x"),
        ("A &amp; B", "A & B"),
        ("/restart", "restart"),
        ("//restart", "restart"),
        (" / restart", "restart"),
        ('/intent{"a": 1}', 'intent{"a": 1}'),
        ("a\x00b\x07c\r\nd", "a b c d"),
        ("\u202eabc\u2066", "abc"),
        ("l’été", "l'été"),
    ],
)
def test_display_is_safe(typed: str, display: str) -> None:
    assert clean(typed).display == display


def test_less_than_is_no_tag() -> None:
    assert clean("loyer < 500 euros et surface > 20 m2, ai-je droit").plain == "loyer 500 euros et surface 20 m2 ai je droit"


@pytest.mark.parametrize(
    ("typed", "script"),
    [
        ("Bonjour", Script.LATIN),
        ("é", Script.LATIN),
        ("", Script.EMPTY),
        (" \n\t", Script.EMPTY),
        ("\u200b", Script.EMPTY),
        ("\x00", Script.EMPTY),
        ("<br>", Script.EMPTY),
        ("🙂🙂", Script.SYMBOLS),
        ("12 34", Script.SYMBOLS),
        ("?!", Script.SYMBOLS),
        ("Привет", Script.OTHER_ALPHABET),
        ("مرحبا", Script.OTHER_ALPHABET),
        ("我需要护照", Script.OTHER_ALPHABET),
        ("passeport Привет", Script.LATIN),
        ("паспорт для меня ok", Script.OTHER_ALPHABET),
    ],
)
def test_script(typed: str, script: Script) -> None:
    assert clean(typed).script is script


@pytest.mark.parametrize(
    ("typed", "core"),
    [
        ("bonjour, je voudrais un passeport", "je voudrais un passeport"),
        ("bonjour madame, je voudrais un passeport, merci beaucoup, cordialement", "je voudrais un passeport"),
        ("excusez-moi de vous deranger, je voudrais un passeport s'il vous plait", "je voudrais un passeport"),
        ("je voudrais un passeport", "je voudrais un passeport"),
        ("bonjour", "bonjour"),
        ("bonjour merci", "bonjour merci"),
        ("merci beaucoup", "merci beaucoup"),
        ("bonjour passeport", "bonjour passeport"),
        ("", ""),
    ],
)
def test_politeness(typed: str, core: str) -> None:
    assert without_politeness(typed) == core


def test_the_original_is_kept_untouched() -> None:
    typed = "  <b>Été</b>\x00 "
    assert clean(typed).original == typed


def test_of_a_long_message_the_beginning_and_the_end_are_read() -> None:
    long = abridged("debut " + "milieux " * 3_000 + "fin")
    assert long.startswith("debut milieux") and long.endswith("milieux fin") and len(long) <= MAX_CHARACTERS
    assert {*long.split()} == {"debut", "milieux", "…", "fin"}, "no word is cut"
    assert abridged(long) == long and clean(long * 9).display == abridged(long * 9)
    assert abridged("x" * MAX_CHARACTERS) == "x" * MAX_CHARACTERS
    assert len(abridged("x" * 9_000)) <= MAX_CHARACTERS


@pytest.mark.parametrize("text", ["œuf", "ŒUF", "æ", "Æ", "çà", "ñ", "Ü"])
def test_accents_go(text: str) -> None:
    assert strip_accents(text).isascii()


def test_sms_words_are_stable() -> None:
    """What is spelt out is not respelt, short « c » apart, so reading twice changes nothing."""
    for short, long in SMS_WORDS.items():
        assert plain_words(short) == long
        assert plain_words(plain_words(long)) == plain_words(long)
    assert plain_words("c pas ça") == plain_words("c'est pas ça") == "c est pas ca"


def test_any_string_can_be_cleaned_and_shown() -> None:
    rng = random.Random(0)
    for _ in range(300):
        text = "".join(chr(rng.choice((rng.randrange(0x300), rng.randrange(0x110000)))) for _ in range(rng.randrange(60)))
        done = clean(text)
        assert not [c for c in done.display if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"}]
        assert done.plain.isascii()
        assert done.plain == done.plain.strip()
        assert not done.display.startswith("/")


@pytest.mark.parametrize("value", [None, 1, 1.5, [], {}, b"octets"])
def test_what_is_no_string_is_refused(value: object) -> None:
    with pytest.raises((TypeError, AttributeError)):
        clean(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "told", ["je m'appelle <nom>, née le <naissance>, <adresse>", "Mon nom c'est <nom> né le <naissance>", "<nom>, nee le <naissance>"]
)
def test_an_introduction_goes_with_what_is_masked(told: str) -> None:
    assert clean(f"{told}, j'ai perdu mon permis").plain == "j ai perdu mon permis"
    assert "née le" in clean("elle est née le jour de mon permis").display
