"""The shim that makes the wheel's core known as ``libtritonserver.so``.

The core inside the wheel has a hash in its SONAME, so a backend built for a container, which names
``libtritonserver.so`` as its need, does not find it. The shim is a shared library without any code:
it has that SONAME, names the real core as its need and says in which directory to look.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

_ELF64_LITTLE_ENDIAN = b"\x7fELF\x02\x01\x01" + bytes(9)
_ET_DYN, _EV_CURRENT = 3, 1
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_READ_WRITE = 6
_PAGE = 0x1000
_DT_NULL, _DT_NEEDED, _DT_HASH, _DT_STRTAB, _DT_SYMTAB = 0, 1, 4, 5, 6
_DT_STRSZ, _DT_SYMENT, _DT_SONAME, _DT_RPATH = 10, 11, 14, 15

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_DYNAMIC = struct.Struct("<qQ")
_SYMBOL_SIZE = 24


def shim(machine: int, soname: str, needed: Sequence[str], rpath: str) -> bytes:
    """Return the bytes of a shared library that only pulls others in.

    Parameters
    ----------
    machine : int
        Value of ``e_machine``, see `machine_of`.
    soname : str
        Name under which the library is known once it is open.
    needed : sequence of str
        File names of the libraries to open with it.
    rpath : str
        Where to look for them. Written as DT_RPATH, not DT_RUNPATH: only the former also serves the
        needs of the needs.
    """
    strings = b"\0"

    def string(text: str) -> int:
        nonlocal strings
        offset = len(strings)
        strings += text.encode() + b"\0"
        return offset

    entries = [(_DT_NEEDED, string(name)) for name in needed]
    entries += [(_DT_SONAME, string(soname)), (_DT_RPATH, string(rpath))]

    # One segment holds everything, in this order. Writable, because ld.so relocates the dynamic
    # section in place. Without the note about the stack, the stack would become executable.
    program_headers_at = _HEADER.size
    dynamic_at = program_headers_at + 3 * _PROGRAM_HEADER.size
    dynamic_size = (len(entries) + 6) * _DYNAMIC.size
    symbols_at = dynamic_at + dynamic_size
    hash_at = symbols_at + _SYMBOL_SIZE
    empty_hash = struct.pack("<IIII", 1, 1, 0, 0)
    strings_at = hash_at + len(empty_hash)
    size = strings_at + len(strings)

    entries += [
        (_DT_HASH, hash_at),
        (_DT_STRTAB, strings_at),
        (_DT_SYMTAB, symbols_at),
        (_DT_STRSZ, len(strings)),
        (_DT_SYMENT, _SYMBOL_SIZE),
        (_DT_NULL, 0),
    ]
    header = _HEADER.pack(
        _ELF64_LITTLE_ENDIAN, _ET_DYN, machine, _EV_CURRENT, 0, program_headers_at, 0, 0,
        _HEADER.size, _PROGRAM_HEADER.size, 3, 0, 0, 0,
    )  # fmt: skip
    segments = (
        (_PT_LOAD, 0, size, _PAGE),
        (_PT_DYNAMIC, dynamic_at, dynamic_size, 8),
        (_PT_GNU_STACK, 0, 0, 16),
    )
    return b"".join(
        (
            header,
            *(
                _PROGRAM_HEADER.pack(kind, _READ_WRITE, at, at, at, length, length, alignment)
                for kind, at, length, alignment in segments
            ),
            *(_DYNAMIC.pack(*entry) for entry in entries),
            bytes(_SYMBOL_SIZE),
            empty_hash,
            strings,
        )
    )


def machine_of(library: Path) -> int:
    """Return ``e_machine`` of the shared library ``library``."""
    with library.open("rb") as file:
        header = file.read(_HEADER.size)
    machine: int = _HEADER.unpack(header)[2]
    return machine
