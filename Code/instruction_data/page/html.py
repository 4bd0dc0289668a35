"""Pages: one self-contained HTML file, made from parts that hold text. A browser never obeys that text.

The template engine escapes everything. The script's data lie in a JSON block that cannot end early; the script puts
them into the page only as text. The policy in the page's head allows only the page's own script and style, by their
hashes, and no fetching. Characters that are invisible, or that turn text around, are shown by number.
"""

import base64
import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import markupsafe

TEMPLATES = Path(__file__).resolve().parent / "templates"  # page.html, page.css, page.js
UNSEEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}  # Unicode categories: control, format, private, none, separators
KEPT = {"\n", "\t"}


def visible(text: str) -> str:
    """Return text in which characters that are invisible, or that reorder others, are written as ⟨U+202E⟩."""
    unseen = {one for one in set(text) - KEPT if unicodedata.category(one) in UNSEEN}
    return text.translate({ord(one): f"⟨U+{ord(one):04X}⟩" for one in unseen}) if unseen else text


def all_visible(value: object) -> object:
    """Return the same value with every string in it made visible, keys included."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {all_visible(key): all_visible(one) for key, one in value.items()}
    return [all_visible(one) for one in value] if isinstance(value, list | tuple) else value


def shortened(text: str, limit: int) -> str:
    """Return at most ``limit`` characters, with a mark if some were cut off."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Notice:
    """A note about something missing or important, and the command that helps."""

    text: str
    command: str = ""
    kind: str = "notice"


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    items: Sequence[str]
    kind: str = "bullets"


@dataclass(frozen=True)
class Table:
    """Rows of cells; strings are aligned left, numbers right.

    Attributes:
        folded: whether only the caption shows until it is opened.
        cards: whether every row becomes a card on a narrow screen.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    folded: bool = False
    cards: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class Figure:
    """A drawing; ``numbers`` replaces it for people who cannot see it; a ``wide`` one may be scrolled sideways."""

    name: str
    title: str
    says: str
    svg: str
    numbers: Table
    wide: bool = False
    kind: str = "figure"


@dataclass(frozen=True)
class Grid:
    """Figures, side by side if they fit."""

    figures: Sequence[Figure]
    kind: str = "grid"


@dataclass(frozen=True)
class Explorer:
    """The records of a pool as points; the script finds them in the data under ``pool``."""

    pool: str
    title: str
    says: str
    kind: str = "explorer"


@dataclass(frozen=True)
class Browser:
    """Records of every split; the script finds them in the data."""

    splits: Sequence[str]
    kind: str = "browser"


@dataclass(frozen=True)
class Strip:
    """A drawing in a row of answers; ``says`` replaces it for people who cannot see it."""

    caption: str
    says: str
    svg: str


@dataclass(frozen=True)
class Answered:
    """One row of the answers.

    Attributes:
        id: unique in the page.
        low, high: what the two marks stand for.
        lead, rest: the verdict.
        exact: the verdict with all its figures.
    """

    id: str
    title: str
    asks: str
    low: str
    high: str
    lead: str
    rest: str
    strips: Sequence[Strip]
    exact: str
    numbers: Table


@dataclass(frozen=True)
class Answers:
    """The figure of the answers, a row for each question and pool.

    Attributes:
        key: mark -> what it means; a mark is ``zero``, ``ends``, ``bar``, ``band`` or ``matched``.
        name: of its files.
    """

    name: str
    key: Mapping[str, str]
    rows: Sequence[Answered]
    kind: str = "answers"


@dataclass(frozen=True)
class Section:
    """A heading with the parts under it."""

    id: str
    title: str
    blocks: Sequence[object] = field(default_factory=list)
    sections: "Sequence[Section]" = field(default_factory=list)


def number(value: object) -> str:
    """Return a number for people: four significant digits, thousands separated; a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{value:,.0f}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def cell(value: object) -> str:
    return value if isinstance(value, str) else number(value)


def breakable(text: str) -> "markupsafe.Markup":
    """Return a name as markup that may break into a new line after every underscore."""
    import markupsafe

    return markupsafe.Markup("_<wbr>").join(visible(text).split("_"))


def render(page: Mapping, data: Mapping) -> bytes:
    """Return the page.

    Args:
        page: the values that the template shows.
        data: the values that the script shows: strings, numbers, lists and mappings.
    """
    import jinja2

    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.filters |= {"cell": cell, "breakable": breakable}
    environment.tests["number"] = lambda value: value is None or isinstance(value, int | float)
    template = environment.get_template("page.html")
    text = template.render(
        page | {"style": style, "script": script, "policy": policy(style, script)} | {"data": all_visible(data)}
    )
    return text.encode()


def _finalized(value: object) -> object:
    """Make a string that a template prints visible; markup stays as it is."""
    return visible(value) if type(value) is str else value


def policy(style: str, script: str) -> str:
    """Return a content security policy that allows only this style, this script, and pictures in the page."""
    allowed = {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": _source(style),
        "script-src": _source(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in allowed.items())


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
