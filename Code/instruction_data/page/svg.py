"""Turning SVG into a part of the page: no styles, CSS variables for colours, unique identifiers.

One drawing serves light and dark pages, because the page sets the variables.
"""

import re
from xml.etree import ElementTree

from instruction_data.page.figures import COLOURS

NAMESPACE = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"


def inline(svg: bytes, name: str) -> str:
    """Return an SVG of ``figures.encoded`` as a part of a page that allows no inline styles.

    Styles become attributes, colours variables. Identifiers without a reference go; the others begin with ``name``.
    """
    ElementTree.register_namespace("", NAMESPACE)
    ElementTree.register_namespace("xlink", LINK[1:].partition("}")[0])
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{NAMESPACE}}}metadata", f"{{{NAMESPACE}}}style"):
                parent.remove(child)
    for element in root.iter():
        for key, value in _attributes(element.attrib.pop("style", "")).items():
            element.set(key, value)
    _rename_identifiers(root, name)
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    root.set("aria-hidden", "true")
    root.set("focusable", "false")
    return ElementTree.tostring(root, encoding="unicode")


def _attributes(css: str) -> dict[str, str]:
    """Return the declarations of a style attribute as presentation attributes; the page has its own font."""
    found = {}
    for declaration in filter(None, map(str.strip, css.split(";"))):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            found["font-size"] = re.search(r"[\d.]+px", value).group()
            continue
        variable = COLOURS.get(value.lower())
        found[key] = f"var({variable})" if variable else value
    return found


def _rename_identifiers(root: ElementTree.Element, name: str) -> None:
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    for element in root.iter():
        if element.get("id") in used:
            element.set("id", f"{name}-{element.get('id')}")
        else:
            element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            if key == LINK and value.startswith("#"):
                element.set(key, f"#{name}-{value[1:]}")
            elif value.startswith("url(#"):
                element.set(key, f"url(#{name}-{value[5:]}")
