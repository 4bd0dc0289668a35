"""The origin of each number: manifests, derived files, versions."""

from collections.abc import Mapping

from instruction_data.page import findings
from instruction_data.page.html import Bullets, Notice, Section, Table
from instruction_data.page.report import Report


def section(report: Report) -> Section:
    """Return the section that says where each number came from."""
    known = report.findings
    rows, packages = [], []
    for name, manifest in findings.provenance(known):
        pools = "\n".join(f"{pool} {entry['sha256'][:12]}" for pool, entry in manifest["pools"].items())
        used = "\n".join(f"{role}: {identified(model)}" for role, model in manifest["models"].items()) or "none"
        rows.append([name, manifest["command"], manifest["seed"], pools, used])
        packages.append([name, ", ".join(f"{key} {value}" for key, value in manifest["packages"].items())])
    header = ("set", "command", "seed", "pools (SHA-256)", "models")
    manifest_rows = [[file, sha256] for file, sha256 in known.found.sources.items()]
    derived = [
        [findings.DOCUMENTS[name][0], report.hints.document(name), settings_of(name, content)]
        for name, content in known.documents.items()
    ]
    blocks: list[object] = [
        Notice(
            "Every file behind this page is listed with its SHA-256 in a manifest. The same inputs give the same page, "
            "byte by byte. This hashes all files again and compares:",
            report.hints.verify(),
        ),
        Table("Training sets", header, rows, cards=True),
        Table("Derived from them", ("file", "command", "settings"), derived, cards=True),
        Table("Manifests", ("file", "SHA-256"), manifest_rows, folded=True),
        Table("Versions", ("set", "packages"), packages, folded=True),
    ]
    notes = known.documents.get("profiles", {}).get("notes") or known.found.notes
    if notes:
        blocks.append(Bullets(notes))
    return Section("origin", "Where each number came from", blocks)


def identified(model: Mapping) -> str:
    return f"{model['model']} {(model.get('revision') or model.get('sha256') or '')[:12]}"


def settings_of(name: str, content: Mapping) -> str:
    """Say which settings shaped a derived document, one a line."""
    said = []
    if name == "profiles":
        near = content["near_duplicates"]
        said.append(f"seed {content['seed']}, samples of at most {content['sample']['asked']} records")
        said.append(f"tokens of {identified(content['tokenizer'])}")
        said.append(f"near copies: {near['package']} {near['version']}, threshold {near['threshold']}")
        said.append(f"languages: {content['detector']['package']} {content['detector']['version']}")
    elif name == "confounds":
        said.append(content["thresholds"]["sources"])
    elif name == "contamination":
        said += [
            f"{bench}: {one['problems']} problems, {one['sha256'][:12]}" for bench, one in content["benchmarks"].items()
        ]
    else:
        said.append(f"seed {content['seed']}, {content['correction']}, {len(content['inputs'])} outcomes")
    return "\n".join(said)
