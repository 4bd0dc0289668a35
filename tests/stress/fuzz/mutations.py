"""Inputs made from good ones: bytes changed anywhere, or one value of a structure replaced by a hostile one."""

import copy
import gzip
import json
import random
import zlib

TOKENS = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\0", b"\n", b"\r", b"\x1b[2J", b"\xff", b"\xef\xbb\xbf"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 5000, b"0x" + b"f" * 5000, b'"\\ud800"'),
    *(b"[" * 2000, b'{"a":' * 2000, b"&a [*a,*a]", b"!!timestamp x", b"!!python/object:os.system", b"<<: ", b"---\n"),
    *(b"../", b"/etc/passwd", b"CON", b"= 1", b"a.b.c = 1\n", b"[[a]]\n", b"1979-13-45", b"PAR1", b"\x1f\x8b"),
)
DEEP: object = 1
for _ in range(200):
    DEEP = [DEEP]
VALUES = (
    *(None, True, False, 0, -1, 2**63, 2**70, 1.5, float("nan"), float("inf"), "", " ", "a" * 300, "a" * 5000),
    *("../../x", "/etc/passwd", "..", "CON", "nul.txt", "-rf", "a\0b", "a\nb", "\x1b[2J", "\ud800", "\u202e", "\ufeff"),
    *("<|im_start|>", "=1+1", "$(id)", "a; rm -rf ~", "~nobody-here/x", [], {}, [[]], {"": {}}, DEEP, [1] * 3000),
)


def bytes_changed(data: bytes, chance: random.Random) -> bytes:
    """Make one to eight small changes, at any places."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        place = chance.randrange(len(changed) + 1)
        end = min(len(changed), place + chance.choice((1, 1, 2, 8, 64)))
        kind = chance.randrange(6)
        if kind == 0:
            changed[place:end] = bytes(chance.randrange(256) for _ in range(end - place))
        elif kind == 1:
            del changed[place:end]
        elif kind == 2:
            changed[place:place] = chance.choice(TOKENS)
        elif kind == 3:
            changed[place:end] = chance.choice(TOKENS)
        elif kind == 4:
            changed[place:place] = changed[chance.randrange(len(changed) + 1) :][:200]
        else:
            del changed[place:]
    return bytes(changed)


def value_changed(document: object, chance: random.Random) -> object:
    """Return a copy of a JSON document in which one to three values or names are others."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = document
        while isinstance(at, dict | list) and at:
            key = chance.choice(list(at)) if isinstance(at, dict) else chance.randrange(len(at))
            inner = at[key]
            if not (isinstance(inner, dict | list) and inner) or chance.random() < 0.2:
                _change(at, key, chance)
                break
            at = inner
    return document


def _change(at: dict | list, key: object, chance: random.Random) -> None:
    kind = chance.randrange(5)
    if kind == 0:
        del at[key]
    elif kind == 1 and isinstance(at, dict):
        at[str(chance.choice(VALUES))[:400]] = at.pop(key)
    elif kind == 2 and isinstance(at, list):
        at.append(copy.deepcopy(at[key]))
    else:
        at[key] = copy.deepcopy(chance.choice(VALUES))


def json_changed(data: bytes, chance: random.Random) -> bytes:
    """Apply ``value_changed`` to JSON in bytes, or ``bytes_changed`` where it is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return bytes_changed(data, chance)
    try:
        return json.dumps(value_changed(document, chance), ensure_ascii=chance.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        )
    except RecursionError:
        return data


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Apply any of these changes; in gzip, mostly to what is inside."""
    if data[:2] == b"\x1f\x8b" and chance.random() < 0.7:
        try:
            return gzip.compress(mutated(gzip.decompress(data), chance), 1, mtime=0)
        except (OSError, EOFError, zlib.error):
            return bytes_changed(data, chance)
    lines = data.split(b"\n")
    if len(lines) > 2 and data[:1] == b"{" and not data.startswith(b"{\n") and chance.random() < 0.5:
        place = chance.randrange(len(lines))
        lines[place] = json_changed(lines[place], chance)
        return b"\n".join(lines)
    return (json_changed if chance.random() < 0.6 else bytes_changed)(data, chance)
