"""The style of the page: everything on it can be told from its ground."""

import re

import numpy as np
import pytest

from instruction_data.page import figures, html


def luminance(colour):
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """WCAG 2.2: contrast ratio."""
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_everything_can_be_told_from_its_ground(theme):
    css = (html.TEMPLATES / "page.css").read_text()
    colours = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", css.split(":root {")[1 + theme].split("}")[0]))
    for ground in ("--paper", "--raised", "--noted"):
        for text in ("--ink", "--muted", "--link", "--warning"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for name, colour in colours.items():
        if name.startswith(("--ordered", "--hue")):
            assert contrast(colour, colours["--paper"]) >= 3, name
    assert theme or all(colours[variable] == colour for colour, variable in figures.COLOURS.items())
