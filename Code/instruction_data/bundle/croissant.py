"""A description of a bundle's splits in Croissant 1.0 (mlcommons.org/croissant), which other tools load them by.

Every split is a record set with the fields instruction, input and output; every table of scores is one with the pool,
row and SHA-256 of each record, and its numbers. Paths are relative to the unpacked bundle.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from instruction_data.publish.registry import pretty

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
# The context that the specification asks for, in the order in which it stands there.
PREFIXES = {
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
}
TERMS = (
    *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet"),
    *("format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet"),
    *("references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **PREFIXES,
    **{term: f"cr:{term}" for term in TERMS},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}
SPLIT_FIELDS = ("instruction", "input", "output")
KEYS = {"pool": "sc:Text", "row": "sc:Integer", "record_sha256": "sc:Text"}
KINDS = {".json": "application/json", ".parquet": "application/x-parquet"}


def described(
    citation: Mapping,
    splits: Mapping[str, Mapping],
    manifests: Iterable[Mapping],
    licences: Mapping[str, str],
    versions: Mapping[str, Mapping],
) -> bytes:
    """Return the description, as JSON-LD.

    Args:
        citation: in the Citation File Format.
        splits: those that the bundle holds, as their manifests describe them.
        manifests: all of them; their tables of scores are described, too.
        licences: pool -> licence.
        versions: step -> package -> versions.
    """
    tables = [
        (file, entry)
        for manifest in manifests
        for file, entry in manifest["files"].items()
        if file.endswith(".parquet") and "columns" in entry
    ]
    title = str(citation["title"])
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": title,
        "description": "Training sets in Alpaca form, made from pools of instruction data by varying one property at "
        "a time, and the numbers of every record. bundle.json lists all files of the bundle.",
        "citeAs": f"{', '.join(map(_name, citation['authors']))}: {title}",
        "creator": [{"@type": _kind(one), "name": _name(one)} for one in citation["authors"]],
        "license": sorted({licence for licence in licences.values() if licence}),
        "version": str(citation.get("version", versions["bundle"]["instruction-data"][0])),
        **({"url": str(citation["url"])} if "url" in citation else {}),
        **({"datePublished": str(citation["date-released"])} if "date-released" in citation else {}),
        "distribution": [
            *(_file(one["file"], one["sha256"]) for one in splits.values()),
            *(_file(file, entry["sha256"]) for file, entry in tables),
        ],
        "recordSet": [
            *(_split(name, one) for name, one in splits.items()),
            *(_table(file, entry["columns"]) for file, entry in tables),
        ],
    }
    return pretty({name: part for name, part in document.items() if part != []})


def _kind(author: Mapping) -> str:
    return "sc:Organization" if "name" in author else "sc:Person"


def _name(author: Mapping) -> str:
    person = " ".join(str(author[part]) for part in ("given-names", "family-names") if part in author)
    return str(author.get("name", person))


def _file(file: str, sha256: str) -> dict:
    path = PurePosixPath(file)
    return {
        "@type": "cr:FileObject",
        "@id": file,
        "name": path.name,
        "contentUrl": file,
        "encodingFormat": KINDS[path.suffix],
        "sha256": sha256,
    }


def _split(name: str, split: Mapping) -> dict:
    figures = ", ".join(f"{figure} {value:.4g}" for figure, value in split["summary"].items() if value is not None)
    fields = [_field(name, field, "sc:Text", split["file"], {"jsonPath": f"$[*].{field}"}) for field in SPLIT_FIELDS]
    about = f"{split['records']} records{f': {figures}' if figures else ''}"
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": about, "field": fields}


def _table(file: str, columns: Mapping[str, Mapping]) -> dict:
    name = PurePosixPath(file).stem
    kinds = KEYS | {column: "sc:Float" for column, one in columns.items() if one["kind"] == "number"}
    fields = [_field(name, column, kind, file, {"column": column}) for column, kind in kinds.items()]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _field(of: str, name: str, kind: str, file: str, extract: Mapping) -> dict:
    return {
        "@type": "cr:Field",
        "@id": f"{of}/{name}",
        "name": name,
        "dataType": kind,
        "source": {"fileObject": {"@id": file}, "extract": extract},
    }
