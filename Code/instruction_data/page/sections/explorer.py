"""The explorer of a pool: records as points that a reader can place, colour and search."""

from collections.abc import Iterator, Mapping

import numpy as np

from instruction_data.page import declared, figures, findings, html, maps
from instruction_data.page.figures import Drawing
from instruction_data.page.findings import Known, short
from instruction_data.page.html import Explorer, Notice, number
from instruction_data.page.report import Report
from instruction_data.publish.inventory import Set

MAPPED = 3_000  # records of a pool on its map
MAP_TEXT = 400  # characters of a record's texts there


def explored_pools(known: Known) -> list[str]:
    """Return the pools that training sets were made from."""
    return [name for name in known.found.pools if name in {one.pool for one in known.found.sets}]


def explorers_of(report: Report) -> tuple[dict[str, Explorer | Notice], dict[str, dict]]:
    """Return the map of every pool as a part of the page, and the data of the existing maps."""
    made = {pool: explorer_of(report, pool) for pool in explored_pools(report.findings)}
    shown = {pool: explorer for pool, (explorer, _) in made.items()}
    return shown, {pool: data for pool, (_, data) in made.items() if data}


def explorer_of(report: Report, pool: str) -> tuple[Explorer | Notice, dict | None]:
    """Return the map of a pool as a part of the page, and the data that it shows."""
    known = report.findings
    everything = np.unique(known.found.pools[pool][known.found.known[known.found.pools[pool]]])
    chosen = everything[report.draw(len(everything), MAPPED, f"map {pool}")]
    views = [*meaning_view(report, pool, chosen), *measured_view(report, pool, chosen)] if len(chosen) else []
    if not views:
        text = f"There is no map of {pool}: neither its vectors nor its complexity are here. This makes them:"
        return Notice(text, report.hints.places(pool)), None
    colours = groupings(known, pool, chosen)
    places = {int(found): place for place, found in reversed(list(enumerate(known.found.pools[pool])))}
    records = [map_record(report, pool, int(one), places[int(one)]) for one in chosen]
    for name, grouping in ((one["name"], one) for one in colours):
        save_map(report, pool, views[0], name, grouping)
    says = f"Each point is a record: {report.sampled(len(chosen), len(everything))}."
    data = {"name": pool, "records": records, "views": views, "colours": colours}
    return Explorer(pool, f"Map of the pool {pool}.", says), data


def meaning_view(report: Report, pool: str, chosen: np.ndarray) -> Iterator[dict]:
    vectors = vectors_of(report, pool, chosen)
    if vectors is None:
        return
    places = maps.project(vectors, report.seed)
    note = f"Records of like meaning lie near each other; how far apart groups lie says little. {maps.METHOD}."
    yield view("meaning", places, note, square=True)


def vectors_of(report: Report, pool: str, chosen: np.ndarray) -> np.ndarray | None:
    """Return the vectors of some records from the cache of an encoder's run; None if some are missing."""
    found = report.findings.found
    for one in found.sets:
        identity, text = one.manifest["models"].get("encoder"), one.manifest["settings"].get("text")
        if one.pool != pool or not identity or not text:
            continue
        texts = [getattr(record, text) for record in found.records(chosen)]
        vectors = maps.cached_vectors(texts, identity, report.root / ".cache")
        if vectors is not None and np.isfinite(vectors).all() and np.linalg.norm(vectors, axis=1).all():
            return vectors
    return None


def measured_view(report: Report, pool: str, chosen: np.ndarray) -> Iterator[dict]:
    """Place records by two measures, taken from the first set of the pool that has two."""
    for one in report.findings.found.sets:
        plane = declared.plane(one) if one.pool == pool else None
        if not plane:
            continue
        places = np.stack([placed(column, one)[chosen] for column in plane], axis=1)
        places[~np.isfinite(places).all(axis=1)] = np.nan
        if np.isnan(places).all():
            continue
        low, high = np.nanmin(places, axis=0), np.nanmax(places, axis=0)
        right, up = (declared.axis_label(column, one) for column in plane)
        ends = [spread(column, one, low[axis], high[axis]) for axis, column in enumerate(plane)]
        note = f"To the right: {right}, {ends[0]}. Upwards: {up}, {ends[1]}."
        scaled = (places - low) / np.where(high > low, high - low, 1)
        yield view(declared.plane_name(one), scaled, note, labels=(right, up))
        return


def placed(column: str, one: Set) -> np.ndarray:
    """Return the place of every record by one measure, on the measure's scale."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log10(one.properties[column]) if declared.logarithmic(column, one) else one.properties[column]


def spread(column: str, one: Set, low: float, high: float) -> str:
    """Say between which two values the records lie."""
    logarithmic = declared.logarithmic(column, one)
    ends = 10 ** np.array([low, high]) if logarithmic else (low, high)
    shown = " to ".join(number(float(end)) for end in ends)
    return f"{shown} on a logarithmic scale" if logarithmic else shown


def view(name: str, places: np.ndarray, note: str, *, square: bool = False, labels: tuple[str, str] = ("", "")) -> dict:
    """Return one way to place records: coordinates from 0 to 1, or missing ones."""
    x, y = ([None if np.isnan(value) else round(float(value), 4) for value in places[:, axis]] for axis in (0, 1))
    return {"name": name, "x": x, "y": y, "note": note, "square": square, "xlabel": labels[0], "ylabel": labels[1]}


def groupings(known: Known, pool: str, chosen: np.ndarray) -> list[dict]:
    """Return the ways to colour records: by the tiers of every set that has tiers, and by category."""
    made = []
    for one in known.found.sets:
        if one.pool == pool and one is known.main_set(one.question, pool) and findings.disjoint(one):
            names = [short(name, one) for name in one.members]
            of = findings.membership(one, len(known.found))[chosen]
            made.append({"name": f"tier in {one.question}", "groups": names, "of": of.tolist(), "ordered": True})
    names, of = known.categories
    if (of[chosen] >= 0).any():
        made.append({"name": "category", "groups": names, "of": of[chosen].tolist(), "ordered": False})
    return made or [{"name": "nothing", "groups": ["all"], "of": [0] * len(chosen), "ordered": True}]


def map_record(report: Report, pool: str, one: int, place: int) -> dict:
    found = report.findings.found
    record = found.record(one)
    numbers = {
        report.label(column): number(float(values[one]))
        for each in found.sets
        if each.pool == pool
        for column, values in each.properties.items()
        if np.isfinite(values[one])
    }
    return {
        "place": place,
        "sha256": found.hashes[one][:12],
        "instruction": html.shortened(record.instruction, MAP_TEXT),
        "output": html.shortened(record.output, MAP_TEXT),
        "numbers": numbers,
    }


def save_map(report: Report, pool: str, shown: Mapping, name: str, grouping: Mapping) -> None:
    """Write the map as files for papers; the page draws its own."""
    x, y = (np.array([np.nan if value is None else value for value in shown[axis]]) for axis in ("x", "y"))
    labels = (shown["xlabel"], shown["ylabel"])
    figure = figures.points(x, y, grouping["groups"], np.array(grouping["of"]), labels, picture=True)
    file = figures.named(pool, "map", name)
    report.saved(Drawing(file, f"Map of {pool}", shown["note"], figure, (), ()))
