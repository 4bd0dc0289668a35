"""Bundles: the same bytes, every damaged one found, nothing of a stranger obeyed, and all made again elsewhere."""

import io
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import DatasetCard, DatasetCardData
from tests.support import hub_server, roots
from tests.support.scripts import load_script, numbered
from tests.support.workspaces import opened

from instruction_data.bundle import archive, checked, contents, remade
from instruction_data.errors import InputError
from instruction_data.files import documents
from instruction_data.files.atomic import file_sha256
from instruction_data.files.places import REPOSITORY
from instruction_data.outcomes import outcomes
from instruction_data.outcomes.outcomes import Outcome
from instruction_data.publish import __main__, manifests, verify
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column
from instruction_data.publish.split import Split

SPLITS = ("RQ1_OSS_CODE_10_0", "RQ1_OSS_MATH_7_3")


def score(root, split, seed, solved):
    names = {"run": f"{split}--m--seed{seed}", "question": "RQ1", "pool": "oss", "split": split, "condition": split}
    names |= {"model": "m", "seed": seed, "harness": "bigcode", "task": "humaneval"}
    problems = {f"P/{number}": [number < solved] for number in range(40)}
    rest = {"settings": {}, "reported": {}, "problems": problems, "versions": {"torch": "2"}, "files": {}}
    outcomes.write(root, Outcome(**names, **rest))


@pytest.fixture(scope="module")
def study(small_demo, tmp_path_factory):
    """A demo's root with the splits of RQ1, outcomes of two of them, their comparison, and a page."""
    root = roots.copy_pools(small_demo, tmp_path_factory.mktemp("study"))
    load_script("RQ1/domain_composition.py").main(["--demo", "--root", str(root), "--pool", "oss"])
    for split, solved in zip(SPLITS, (10, 25), strict=True):
        for seed in (1, 2):
            score(root, split, seed, solved + seed)
    load_script("evaluation/compare.py").main(["--root", str(root)])
    (root / "report.html").write_text("<p>the page")
    return root


@pytest.fixture(scope="module")
def tar(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "study.tar"
    assert __main__.main(["bundle", str(study), str(path)]) == 0
    return path


@pytest.fixture
def mine(tmp_path, write_pool):
    """A study root with a pool of which no licence is known."""
    write_pool(numbered(10, word="confidential"))
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n')
    workspace = opened(tmp_path, "--pool", "mine")
    records = workspace.read(workspace.code_pools[0])
    publication = workspace.begin(Question("RQ9"), [records], {})
    publication.splits([Split("RQ9_MINE_X", [(records, np.arange(4))])], [Column("value", np.arange(10) / 4)])
    (tmp_path / "report.html").write_text("<p>confidential 3")
    return tmp_path


def faults(path, folder):
    """All that is wrong with a bundle; nothing may be written outside of the folder."""
    folder.mkdir(exist_ok=True)
    try:
        return checked.check(path, folder).faults
    except InputError as error:
        return [str(error)]


def forged(tar, path, **changes):
    """Write a bundle of which every byte fits its list, with files or parts of the list changed; None drops one."""
    with tarfile.open(tar) as file:
        files = {member.name: file.extractfile(member).read() for member in file}
    head = json.loads(files.pop(archive.LIST))
    files = {name: text for name, text in (files | changes.pop("files", {})).items() if text is not None}
    about = {name: part for name, part in head.items() if name not in ("format", "files", "checksum")}
    head = archive.listed(files, about | changes)
    with open(path, "wb") as file:
        archive.write(file, head, files)
    return path


class TestWriting:
    def test_the_same_root_gives_the_same_bytes(self, study, tar, tmp_path, capsys):
        assert __main__.main(["bundle", str(study), str(tmp_path / "again.tar")]) == 0
        assert (tmp_path / "again.tar").read_bytes() == tar.read_bytes()
        assert file_sha256(tar) in capsys.readouterr().out

    def test_it_is_a_plain_tar_file_without_time_or_owner(self, study, tar, tmp_path):
        with tarfile.open(tar) as file:
            members = file.getmembers()
            file.extractall(tmp_path, filter="data")
        assert {(one.mtime, one.uid, one.gid, one.uname, one.mode, one.type) for one in members} == {
            (0, 0, 0, "", 0o644, tarfile.REGTYPE)
        }
        names = [one.name for one in members]
        assert names[0] == "bundle.json"
        assert names[1:] == sorted(names[1:])
        expected = {"CITATION.cff", "croissant.json", "report.html", "Results/comparison.json", "Datas/README.md"}
        expected |= {split["file"] for split in manifests.all_splits(study).values()}
        assert expected <= {*names}
        assert not [name for name in names if name.endswith(".jsonl") or "demo" in name]  # no pools
        assert verify.verify(tmp_path) == []
        assert str(study).encode() not in tar.read_bytes()

    def test_the_list_tells_versions_licences_and_hashes(self, study, tar):
        with tarfile.open(tar) as file:
            head = json.load(file.extractfile(archive.LIST))
        assert head["licences"] == {"general": "PSF-2.0", "math": "PSF-2.0", "oss": "PSF-2.0"}
        assert head["versions"]["evaluation"] == {"torch": ["2"]}
        assert head["versions"]["comparison"].keys() == {"numpy", "python", "scipy", "statsmodels"}
        page = head["files"]["report.html"]
        assert page == {"bytes": 11, "sha256": file_sha256(study / "report.html")}

    def test_a_long_name_and_a_file_of_whole_blocks(self, tmp_path):
        files = {f"Results/{'a' * 150}/{'b' * 150}.json": b"x" * 1024, "c": b""}
        with open(tmp_path / "a.tar", "wb") as file:
            archive.write(file, archive.listed(files, {}), files)
        (tmp_path / "out").mkdir()
        assert archive.unpack(tmp_path / "a.tar", tmp_path / "out").faults == []
        with tarfile.open(tmp_path / "a.tar") as file:
            assert [one.name for one in file] == ["bundle.json", *files]
        assert (tmp_path / "a.tar").stat().st_size % tarfile.RECORDSIZE == 0

    def test_a_damaged_root_is_not_bundled_and_nothing_is_left(self, mine, tmp_path):
        split = mine / "Datas/RQ9/MINE/RQ9_MINE_X.json"
        split.write_bytes(split.read_bytes() + b" ")
        with pytest.raises(InputError, match=r"found 1 faults; expected a sound root:\ndiffers .*RQ9_MINE_X\.json"):
            contents.write(mine, tmp_path / "x.tar")
        assert not [path for path in tmp_path.iterdir() if ".tar" in path.name]

    def test_another_file_is_replaced_only_if_asked_for(self, mine, tmp_path):
        path = tmp_path / "x.tar"
        path.write_text("mine, by hand")
        with pytest.raises(InputError, match="found another file; expected none, or the same bundle"):
            contents.write(mine, path)
        assert path.read_text() == "mine, by hand"
        contents.write(mine, path, overwrite=True)
        contents.write(mine, path)  # the same bytes
        with pytest.raises(InputError, match="found a folder"):
            contents.write(mine, tmp_path / "Datas", overwrite=True)
        with pytest.raises(InputError, match="nowhere: found no such folder; expected the name of a file in"):
            contents.write(mine, tmp_path / "nowhere" / "x.tar")


class TestWhatMayBePassedOn:
    def test_without_a_licence_splits_and_page_are_told_by_hash(self, mine, tmp_path, capsys):
        path = tmp_path / "x.tar"
        assert __main__.main(["bundle", str(mine), str(path)]) == 0
        assert "No licence is known for mine" in capsys.readouterr().out
        assert b"confidential" not in path.read_bytes()
        assert faults(path, tmp_path / "out") == []
        by_hash = {"report.html", "Datas/RQ9/MINE/RQ9_MINE_X.json"}
        with tarfile.open(path) as file:
            head = json.load(file.extractfile(archive.LIST))
            assert not by_hash & {*file.getnames()}
            assert "Datas/RQ9/MINE/RQ9_MINE_scores.parquet" in file.getnames()
        assert head["by_hash"] == {name: file_sha256(mine / name) for name in by_hash}

    def test_a_row_with_a_licence_passes_them_on_unless_hashes_only(self, mine, tmp_path):
        with open(mine / "pools.toml", "a") as file:
            file.write('licence = "CC-BY-4.0"\n')
        made, _ = contents.write(mine, tmp_path / "x.tar")
        assert made.by_hash == {}
        assert made.licences == {"mine": "CC-BY-4.0"}
        made, _ = contents.write(mine, tmp_path / "y.tar", hashes_only=True)
        assert len(made.by_hash) == 2
        assert b"confidential" not in (tmp_path / "y.tar").read_bytes()

    def test_what_lies_beside_a_file_with_texts_is_held_back_with_it(self, mine, tmp_path):
        beside = dict.fromkeys(("contamination.csv", "contamination_solved.csv"), b"instruction\nconfidential\n")
        documents.write_derived(mine / "Profiles/contamination.json", {"text": "confidential"}, beside)
        documents.write_derived(mine / "Profiles/profiles.json", {}, {"profiles.csv": b"records\n10\n"})
        page = {"report.html": file_sha256(mine / "report.html")}
        documents.write_derived(mine / "figures/page.json", {"page": page}, {"a.svg": b"<svg/>"})
        for number, hashes_only in enumerate((False, True)):
            made, _ = contents.write(mine, tmp_path / f"{number}.tar", hashes_only=hashes_only)
            assert {f"Profiles/{name}" for name in (*beside, "contamination.json")} <= made.by_hash.keys()
            assert {"Profiles/profiles.json", "Profiles/profiles.csv", "figures/page.json"} <= made.files.keys()
            assert b"confidential" not in (tmp_path / f"{number}.tar").read_bytes()
            assert faults(tmp_path / f"{number}.tar", tmp_path / str(number)) == []

    def test_a_file_that_only_bears_a_studys_name_has_no_licence(self, tmp_path, write_pool):
        write_pool(numbered(4), "Datas/alpaca.jsonl")
        workspace = opened(tmp_path, "--pool", "general")
        records = workspace.read(workspace.code_pools[0])
        workspace.begin(Question("RQ9"), [records], {}).splits([Split("RQ9_GENERAL_X", [(records, np.arange(2))])])
        assert contents.gather(tmp_path).licences == {"general": ""}

    def test_what_a_link_leads_to_is_not_passed_on(self, mine):
        (mine / "figures").mkdir()
        (mine / "figures/a.svg").symlink_to(mine / "Datas/mine.jsonl")
        with pytest.raises(InputError, match=r"figures/a\.svg: found a link; expected a file"):
            contents.gather(mine)


class TestDamage:
    def test_a_changed_byte_is_named_wherever_it_is(self, tar, tmp_path):
        content, draw = tar.read_bytes(), random.Random(0)
        with tarfile.open(tar) as file:
            members = file.getmembers()
        places = []
        for one in members:
            end = one.offset_data + one.size
            places += [(one.name, draw.randrange(one.offset, one.offset_data)), (one.name, one.offset + 500)]
            places += [(one.name, draw.randrange(one.offset_data, end))] if one.size else []
            places += [(one.name, draw.randrange(end, end + -end % 512))] if end % 512 else []
        ends = members[-1].offset_data + members[-1].size
        ends += -ends % 512
        places += [("the end of the bundle", place) for place in (ends, len(content) - 1)]
        for name, place in [*places[:4], *draw.sample(places[4:-2], 24), *places[-2:]]:
            damaged = bytearray(content)
            damaged[place] ^= 1 << draw.randrange(8)
            (tmp_path / "x.tar").write_bytes(damaged)
            found = faults(tmp_path / "x.tar", tmp_path / "out")
            assert len(found) == 1, (name, place)
            assert name in found[0], (name, place)

    def test_all_that_is_damaged_is_listed_and_the_status_tells(self, tar, tmp_path, capsys):
        content = bytearray(tar.read_bytes())
        with tarfile.open(tar) as file:
            some = [one for one in file.getmembers() if one.name in ("CITATION.cff", "report.html")]
        for one in some:
            content[one.offset_data] ^= 1
        (tmp_path / "x.tar").write_bytes(content)
        assert __main__.main(["verify", str(tmp_path / "x.tar")]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(":")[0].split() for line in lines] == [
            ["differs", "CITATION.cff"],
            ["differs", "report.html"],
        ]
        assert __main__.main(["verify", str(tar)]) == 0
        assert f"SHA-256 of the bundle: {file_sha256(tar)}" in capsys.readouterr().out

    def test_a_bundle_cut_short_or_with_more_behind_it(self, tar, tmp_path):
        content = tar.read_bytes()
        (tmp_path / "x.tar").write_bytes(content[: len(content) // 2])
        found = faults(tmp_path / "x.tar", tmp_path / "out")
        assert "before its end" in found[0] or "ends before it" in found[0]
        assert any(line.startswith("missing     report.html") for line in found)
        (tmp_path / "x.tar").write_bytes(content + b"more")
        assert faults(tmp_path / "x.tar", tmp_path / "out") == ["not listed  4 bytes behind the end of the bundle"]

    @pytest.mark.parametrize("content", [b"", b"\0" * 10240, b"PK\3\4" + b"x" * 2000, b"bundle.json" + b"\0" * 600])
    def test_what_is_no_bundle_is_said(self, content, tmp_path):
        (tmp_path / "x.tar").write_bytes(content)
        [said] = faults(tmp_path / "x.tar", tmp_path / "out")
        assert "found a damaged header of bundle.json, or no bundle; expected a bundle" in said

    def test_a_bundle_whose_parts_do_not_fit_together(self, tar, study, tmp_path):
        """Every byte is as its list says, so only what the files say of one another tells."""
        split = manifests.all_splits(study)[SPLITS[0]]["file"]
        page, comparison = (study / name for name in ("report.html", "Results/comparison.json"))
        with tarfile.open(tar) as file:
            inside = [name for name in file.getnames() if name.startswith("Datas/")]
        cases = (
            ({"files": {split: b"[]\n"}}, f"differs     {split}: found "),
            ({"files": {split: None}}, f"missing     {split}"),
            ({"files": {split: None}, "by_hash": {split: "0" * 64}}, f"differs     {split}: found 000"),
            ({"files": {"Datas/RQ1/OSS/more.json": b"[]"}}, "not listed  Datas/RQ1/OSS/more.json"),
            ({"files": {"Code/evaluation/compare.py": b"x"}}, "not known   Code/evaluation/compare.py"),
            ({"files": {"Results/comparison.csv": b"a\n"}}, "differs     Results/comparison.csv: found other content"),
            ({"files": {comparison.relative_to(study).as_posix(): comparison.read_bytes().replace(b"42", b"43", 1)}},
             "differs     Results/comparison.json: found other content than was written"),
            ({"files": {"Profiles/profiles.json": documents.signed({"format": 1, "files_beside": {"../../x": ""}})}},
             "differs     Profiles/profiles.json: found {'../../x': ''} as files_beside"),
            ({"files": {"Datas": b"x", **dict.fromkeys(inside)}}, "not known   Datas: no file that a bundle holds"),
            ({"files": {"/".join(["a" * 199] * 21): b"x"}}, "bundle.json: found the file 'aaa"),
            ({"by_hash": {"secret.txt": file_sha256(page)}}, "not known   secret.txt"),
            ({"by_hash": ["report.html"]}, "as by_hash; expected names and SHA-256"),
        )  # fmt: skip
        for number, (changes, expected) in enumerate(cases):
            found = faults(forged(tar, tmp_path / "x.tar", **changes), tmp_path / str(number))
            assert any(expected in line for line in found), (expected, found)


class TestStrangers:
    @pytest.mark.parametrize(
        "name",
        ["../x", "/tmp/x", "a/../../x", "a//b", "./a", "", ".hidden", "a/", "con", "a\nb", "a\0b", "a\\b", "a b"],
    )
    def test_names_that_lead_out_are_refused_and_nothing_is_written(self, name, tmp_path):
        files = {name: b"x"}
        head = archive.listed(files, {"by_hash": {}})
        member = tarfile.TarInfo("bundle.json")
        member.size, member.mode = len(head), 0o644
        text = member.tobuf(tarfile.PAX_FORMAT) + head + bytes(-len(head) % 512) + bytes(2048)
        (tmp_path / "x.tar").write_bytes(text)
        [said] = faults(tmp_path / "x.tar", tmp_path / "in")
        assert "bundle.json: found the file" in said
        assert {path.name for path in tmp_path.rglob("*")} == {"x.tar", "in"}

    @pytest.mark.parametrize(
        "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, b"x", b"g", b"S"]
    )
    def test_links_devices_and_other_members_are_told_and_not_made(self, kind, tar, tmp_path):
        content = bytearray(tar.read_bytes())
        with tarfile.open(tar) as file:
            one = file.getmember("CITATION.cff")
        header = content[one.offset : one.offset + 512]
        header[156:157], header[157:167] = kind, b"/etc/hosts"
        header[148:156] = b"        "
        header[148:156] = b"%06o\0 " % sum(header)
        content[one.offset : one.offset + 512] = header
        (tmp_path / "x.tar").write_bytes(content)
        [said] = faults(tmp_path / "x.tar", tmp_path / "out")
        assert said.startswith("differs     the header of CITATION.cff: found another byte")
        assert not (tmp_path / "out" / "CITATION.cff").is_symlink()
        assert (tmp_path / "out" / "CITATION.cff").is_file()

    def test_a_size_that_is_not_there_takes_no_memory_or_disk(self, tar, tmp_path):
        head = documents.signed({"format": 1, "by_hash": {}, "files": {"a": {"bytes": 1 << 49, "sha256": "0" * 64}}})
        out = io.BytesIO()
        archive._write_member(out, "bundle.json", len(head), [head])
        (tmp_path / "x.tar").write_bytes(out.getvalue() + archive._header("a", 1 << 49) + b"x" * 100)
        found = faults(tmp_path / "x.tar", tmp_path / "out")
        assert found[0] == f"differs     a: the bundle ends {(1 << 49) - 100:,} bytes before its end"

    @pytest.mark.parametrize(
        "files",
        [
            {"a": {"bytes": -1, "sha256": "0" * 64}},
            {"a": {"bytes": True, "sha256": "0" * 64}},
            {"a": {"bytes": 0, "sha256": "x"}},
            {"a": None},
            {"a": {"bytes": 0, "sha256": "0" * 64}, "A": {"bytes": 0, "sha256": "0" * 64}},
            {"a": {"bytes": 0, "sha256": "0" * 64}, "a/b": {"bytes": 0, "sha256": "0" * 64}},
            [],
        ],
    )
    def test_a_list_of_another_form_is_refused(self, files, tmp_path):
        head, out = documents.signed({"format": 1, "by_hash": {}, "files": files}), io.BytesIO()
        archive._write_member(out, "bundle.json", len(head), [head])
        (tmp_path / "x.tar").write_bytes(out.getvalue() + bytes(1024))
        [said] = faults(tmp_path / "x.tar", tmp_path / "out")
        assert "bundle.json: found" in said

    @pytest.mark.parametrize(
        "command",
        [
            "python Code/study/study.py --demo",
            "python Code/training/train.py --demo",
            "python Code/RQ1/../study/study.py",
            "python /tmp/evil.py",
            "python -c 'print(1)'",
            "bash Code/RQ1/domain_composition.py",
            "python Code/RQ1/domain_composition.py --root /tmp/elsewhere",
            "python Code/RQ1/domain_composition.py --roo /tmp/elsewhere",
            "python Code/RQ1/domain_composition.py --root=/tmp/elsewhere",
            "python Code/RQ2/semantic_diversity.py --embeddings /etc/passwd",
            "python Code/RQ2/semantic_diversity.py --model owner/hub-id",
            "python Code/RQ2/semantic_diversity.py --model=/tmp/model",
            "python Code/RQ2/semantic_diversity.py --engine ray --ray-address evil:1",
            "python Code/RQ1/domain_composition.py --pool oss=/etc/passwd --pool x=/etc/passwd",
            "python Code/RQ1/domain_composition.py --overwrite",
        ],
    )
    def test_commands_of_a_stranger_are_refused_unseen(self, command, tmp_path, monkeypatch):
        monkeypatch.setattr(remade.subprocess, "run", lambda *_, **__: pytest.fail("it was run"))
        manifest = {"command": command, "pools": {"oss": {"path": "Datas/oss.jsonl"}}, "inputs": {}, "splits": {}}
        with pytest.raises(InputError, match="found "):
            remade.command_of(manifest, tmp_path)

    @pytest.mark.parametrize("pools", [None, [], {"mine": 3}, {"mine": {}}, {"mine": {"instruction": 7}}, {"a/b": {}}])
    def test_rows_of_pools_of_another_form_are_refused(self, pools, tmp_path):
        manifest = {"command": "python x", "pools": {"mine": {"path": "a"}, "a/b": {"path": "b"}}}
        with pytest.raises(InputError, match="found "):
            remade.write_rows({tmp_path: manifest}, {"pools": pools}, tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_pool_that_a_command_names_is_the_one_of_its_manifest(self, tmp_path):
        command = "python Code/RQ1/domain_composition.py --pool Mine=x.jsonl --other math=y.jsonl --seed=7 --shuffle"
        pools = {"mine": {"path": "Datas/x.jsonl"}, "math": {"path": "y.jsonl"}}
        _, script, *words = remade.command_of({"command": command, "pools": pools}, tmp_path)
        assert Path(script).name == "domain_composition.py"
        assert words == [
            *("--pool", f"Mine={tmp_path}/Datas/x.jsonl", "--other", f"math={tmp_path}/y.jsonl"),
            *("--seed=7", "--shuffle", "--root", str(tmp_path)),
        ]

    def test_the_command_of_a_designed_set_may_be_run(self, tmp_path):
        told = ["--demo", "--sets", "16", "--repeats", "2", "--size", "9", "--factors", "diversity", "--factor", "a=b"]
        command = " ".join(["python", "Code/derive/factorial_design.py", *told])
        assert remade.command_of({"command": command, "pools": {}}, tmp_path)[2:-2] == told


class TestAgain:
    def test_splits_and_comparison_are_made_again_elsewhere(self, study, tar, tmp_path, capfd):
        into = tmp_path / "again"
        words = ["verify", str(tar), "--rebuild", "--pools", str(study), "--into", str(into)]
        status = __main__.main(words)
        said = capfd.readouterr().out
        assert status == 0, said
        total = len(manifests.all_splits(study))
        assert f"{total} of {total} splits made again, the same bytes" in said
        assert "the comparison of 4 outcomes derived again, the same numbers and sentences" in said
        assert "all made again, and the same" in said
        for split in manifests.all_splits(study).values():
            assert (into / split["file"]).read_bytes() == (study / split["file"]).read_bytes()

    def test_a_forged_comparison_and_a_missing_pool_are_named(self, tar, study, tmp_path, capfd):
        """A forger has made every checksum anew; only the outcomes give him away."""
        names = ("comparison.csv", "differences.csv", "transfer.csv", "comparison.md")
        told = documents.read_derived(study / "Results/comparison.json", "compare.py")
        told["questions"][0]["groups"][0]["tasks"][0]["conditions"][0]["mean"] = 0.99
        beside = {name: (study / "Results" / name).read_bytes() for name in names}
        documents.write_derived(tmp_path / "comparison.json", told, beside)
        path = forged(
            tar, tmp_path / "x.tar", files={"Results/comparison.json": (tmp_path / "comparison.json").read_bytes()}
        )
        (tmp_path / "empty").mkdir()
        assert __main__.main(["verify", str(path), "--rebuild", "--pools", str(tmp_path / "empty")]) == 1
        said = capfd.readouterr().out
        assert "/conditions/0/mean: found 0.99; derived again" in said
        assert "not remade  RQ1_OSS: found no file with its pool oss, SHA-256 " in said

    def test_a_bundle_without_a_split_has_not_been_made_again(self, tar, tmp_path, capfd):
        with tarfile.open(tar) as file:
            dropped = [name for name in file.getnames() if name.startswith(("Datas/", "Results/"))]
        path = forged(tar, tmp_path / "x.tar", files=dict.fromkeys(dropped), by_hash={})
        assert __main__.main(["verify", str(path)]) == 0
        assert __main__.main(["verify", str(path), "--rebuild", "--pools", str(tmp_path)]) == 1
        assert capfd.readouterr().out.endswith("found none in the bundle; expected some to make again\n")

    def test_a_split_that_was_edited_by_hand_is_named(self, mine, tmp_path, monkeypatch):
        """Its manifest was made to fit; the command gives another."""
        workspace = opened(mine, "--pool", "mine")
        split = manifests.all_splits(mine)["RQ9_MINE_X"]
        described = dict(manifests.every(mine))
        ran = []

        def made_again(command, root):  # the script of a question that is not there
            ran.append(command)
            path = root / split["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("[]")

        monkeypatch.setattr(remade, "run", made_again)
        for manifest in described.values():
            manifest["command"] = "python Code/RQ1/domain_composition.py --pool mine"
        root = tmp_path / "again"
        root.mkdir()
        head = {"pools": contents.rows_of(mine, {"mine": ""})}
        [said] = remade.remade_splits(described, mine, head, [workspace.root], root)
        assert said.startswith("differs     RQ9_MINE_X: found ")
        assert (root / "Datas/mine.jsonl").read_bytes() == (mine / "Datas/mine.jsonl").read_bytes()
        assert replace(opened(root, "--pool", "mine").code_pools[0], licence="").path == "Datas/mine.jsonl"
        assert len(ran) == 1

    def test_a_folder_with_something_else_is_not_rebuilt_in(self, tar, mine, capsys):
        with pytest.raises(InputError, match="found something else; expected an empty folder, or one with this bundle"):
            __main__.main(["verify", str(tar), "--rebuild", "--pools", str(mine), "--into", str(mine)])
        with pytest.raises(InputError, match=r"found .*, no bundle; expected the tar file of one"):
            __main__.main(["verify", str(mine), "--rebuild"])
        with pytest.raises(InputError, match=r"found no such file or folder; expected a study root, or a bundle's tar"):
            __main__.main(["verify", str(mine / "none.tar")])

    def test_sets_come_behind_those_they_were_made_from(self, tmp_path):
        def manifest(name, *inputs):
            return tmp_path / f"{name}_manifest.json", {
                "splits": {}, "files": {f"{name}.parquet": {"sha256": ""}}, "pools": {},
                "inputs": {f"{one}.parquet": "" for one in inputs},
            }  # fmt: skip

        described = dict([manifest("A", "C"), manifest("B"), manifest("C", "D"), manifest("D"), manifest("E", "E")])
        order = [path.name[0] for path in remade.in_order(described, tmp_path)]
        assert order == ["D", "C", "A", "B", "E"]

        ladder = dict(manifest(f"{n:04}", f"{n - 1:04}", f"{n - 2:04}", f"{n + 1:04}") for n in range(2000))
        assert {*remade.in_order(ladder, tmp_path)} == {*ladder}  # by recursion, 2 ** 2000 steps


class TestDescriptions:
    def test_the_hubs_own_library_knows_every_field_of_the_card(self, study):
        card = DatasetCard.load(study / "Datas" / "README.md")
        known = {*DatasetCardData().__dict__, "configs", "tags"}  # the library keeps unread what it does not know
        assert {*card.data.to_dict()} <= known
        assert [one["config_name"] for one in card.data.to_dict()["configs"]] == [*manifests.all_splits(study)]
        assert all((study / "Datas" / one["data_files"]).is_file() for one in card.data.to_dict()["configs"])

    @pytest.mark.parametrize("refused", [None, "pretty_name"])
    def test_the_documented_line_has_the_card_validated_and_uploads_no_pool(self, refused, study, tmp_path):
        """The hub's own client, against a server of our own: the hub's rules for cards are not known here."""
        [line] = re.findall("^hf (upload .*)$", (REPOSITORY / "docs" / "bundle.md").read_text(), re.M)
        words = shlex.split(line.replace("build/demo", str(study)))
        datas = study / "Datas"
        with hub_server.serve() as hub:
            hub.refused_card = refused
            settings = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "t", "HF_HOME": str(tmp_path)}
            hf = Path(sys.executable).with_name("hf")
            done = subprocess.run([hf, *words], env=os.environ | settings, capture_output=True, text=True)
        assert hub.cards
        assert {*hub.cards} == {(datas / "README.md").read_text()}
        wanted = [datas / "README.md", *(path for path in datas.glob("RQ*/**/*") if path.is_file())]
        expected = {path.relative_to(datas).as_posix(): path.read_bytes() for path in wanted}
        assert (hub.uploaded, done.returncode) == (({}, 1) if refused else (expected, 0)), done.stderr

    def test_mlcroissant_validates_it_and_loads_a_split(self, tar, study, tmp_path):
        mlcroissant = pytest.importorskip("mlcroissant")
        with tarfile.open(tar) as file:
            file.extractall(tmp_path, filter="data")
        dataset = mlcroissant.Dataset(tmp_path / "croissant.json")  # raises where it is not valid
        assert not dataset.metadata.ctx.issues.errors
        warnings = "\n".join(dataset.metadata.ctx.issues.warnings)
        assert warnings.count("\n") == 0, warnings
        assert "datePublished" in warnings  # the one thing recommended that a file without a time cannot say
        name, split = next(iter(manifests.all_splits(study).items()))
        loaded = [{key.split("/")[-1]: value.decode() for key, value in row.items()} for row in dataset.records(name)]
        assert loaded == json.loads((study / split["file"]).read_bytes())
        scores = list(dataset.records("RQ1_OSS_scores"))
        assert [row["RQ1_OSS_scores/pool"] for row in scores[:2]] == [b"oss", b"oss"]
        assert len(scores[0]["RQ1_OSS_scores/record_sha256"]) == 64
        damaged = tmp_path / split["file"]
        damaged.write_bytes(damaged.read_bytes() + b" ")
        with pytest.raises(Exception, match=r"during the operation Download\(Datas/RQ1"):  # where it checks the hash
            list(mlcroissant.Dataset(tmp_path / "croissant.json").records(name))

    def test_a_roots_own_citation_goes_before_the_projects(self, mine, tmp_path):
        own = {"cff-version": "1.2.0", "message": "Cite us.", "title": "Our splits", "date-released": "2026-11-28"}
        own["authors"] = [{"given-names": "Ada", "family-names": "Lovelace"}, {"name": "A lab"}]
        (mine / "CITATION.cff").write_text(yaml.safe_dump(own))
        made = contents.gather(mine)
        assert made.files["CITATION.cff"] == mine / "CITATION.cff"
        described = json.loads(made.files["croissant.json"])
        assert described["name"] == "Our splits"
        assert [one["name"] for one in described["creator"]] == ["Ada Lovelace", "A lab"]
        assert described["datePublished"] == "2026-11-28"

    @pytest.mark.parametrize("text", ["[", "- a", "title: x", "cff-version: 1\nmessage: m\ntitle: t\nauthors: me"])
    def test_a_citation_of_another_form_is_refused(self, text, mine):
        (mine / "CITATION.cff").write_text(text)
        with pytest.raises(InputError, match=r"CITATION\.cff: found "):
            contents.gather(mine)
