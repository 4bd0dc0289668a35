"""Text as the page shows it."""

import pytest

from instruction_data.page import html


def test_what_cannot_be_seen_is_shown_by_number():
    assert html.visible("a\u202eb\u2028c\u0007d\u200b") == "a⟨U+202E⟩b⟨U+2028⟩c⟨U+0007⟩d⟨U+200B⟩"
    assert html.visible("tab\tand\nline, ü and 漢") == "tab\tand\nline, ü and 漢"


def test_everything_in_data_is_made_visible():
    assert html.all_visible({"\u202ea": ["\u200b", 1, None]}) == {"⟨U+202E⟩a": ["⟨U+200B⟩", 1, None]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (True, "yes"),
        (1234, "1,234"),
        (3.0, "3"),
        (0.27007, "0.2701"),
        (12345.6, "12,346"),
        (-0.5, "-0.5"),
    ],
)
def test_numbers_for_people(value, expected):
    assert html.number(value) == expected


def test_shortened():
    assert (html.shortened("abcd", 4), html.shortened("abcde", 4)) == ("abcd", "abc…")
