"""Write the stub of a compiled module: `stubgen.py MODULE EXTENSION RUFF OUTPUT SOURCE...`.

EXTENSION is the library that has the module, SOURCE the Python files of the package it lies in. A
function's signature is the first line of its docstring, where pybind11 puts it and where methods
written without pybind11 have it too. The order is that of definition, and the same text comes out
on every version of Python.
"""

import ast
import ctypes
import enum
import importlib
import inspect
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import types
import typing
from collections.abc import Iterator
from typing import Any

# What types implement in slots has docstrings of CPython's.
_RESPONSE = "tritonserver.InferenceResponse"
_SLOTS = {
    "SyncResponses.__iter__": "(self) -> typing_extensions.Self",
    "SyncResponses.__next__": f"(self) -> {_RESPONSE}",
    "AsyncResponses.__aiter__": "(self) -> typing_extensions.Self",
    "AsyncResponses.__anext__": (
        f"(self) -> collections.abc.Coroutine[typing.Any, typing.Any, {_RESPONSE}]"
    ),
    "NextResponse.__await__": (
        f"(self) -> collections.abc.Generator[typing.Any, typing.Any, {_RESPONSE}]"
    ),
    "NextResponse.__iter__": "(self) -> typing_extensions.Self",
    "NextResponse.__next__": "(self) -> asyncio.Future[None]",
}

# pybind11 gives a class without constructors one that raises; here all its calls are errors.
_NEVER = "typing_extensions.Never"
_NO_CONSTRUCTOR = f"(self, never: {_NEVER}, /, *args: {_NEVER}, **kwargs: {_NEVER}) -> None"

_IS_BASE_TYPE = 1 << 10  # Py_TPFLAGS_BASETYPE

_NOT_IN_STUBS = {
    "__dictoffset__",
    "__doc__",
    "__module__",
    "__new__",
    "_pybind11_conduit_v1_",
}


class Writer:
    """Collects the lines of one module's stub."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def text(self) -> str:
        body = "\n".join(self._members(self._module))
        source = f"{_docstring(self._module.__doc__)}\n{_imports(body)}\n{body}\n"
        ast.parse(source)
        return source

    def _members(self, scope: types.ModuleType | type) -> Iterator[str]:
        for name, value in vars(scope).items():
            # Fields of bases are declared by the dataclasses that inherit them.
            if name in _NOT_IN_STUBS or isinstance(value, types.GetSetDescriptorType):
                continue
            if isinstance(value, types.WrapperDescriptorType):
                if name == "__init__":
                    yield from self._definition(name, _NO_CONSTRUCTOR, None)
                elif value.__qualname__ in _SLOTS:
                    yield from self._definition(name, _SLOTS[value.__qualname__], None)
            elif isinstance(value, type):
                yield from self._class(name, value)
            elif isinstance(value, typing.TypeVar):
                yield f'{name} = typing.TypeVar("{name}", bound={self._name(value.__bound__)})'
            elif isinstance(value, property):
                yield from self._property(name, value)
            elif isinstance(value, types.MemberDescriptorType):
                yield f"{name}: {value.__doc__}"  # which is all that there is room for
            elif isinstance(value, staticmethod):
                yield from self._function(name, value.__func__, "@staticmethod")
            elif callable(value):
                yield from self._function(name, value)
            elif isinstance(value, enum.Enum):
                yield f"{name}: typing.Final = {self._name(type(value))}.{value.name}"
            elif not name.startswith("__"):
                yield f"{name}: {self._type_of(value)}"

    def _class(self, name: str, cls: type) -> Iterator[str]:
        bases = [self._name(base) for base in cls.__bases__ if not _is_implicit(base)]
        if not cls.__flags__ & _IS_BASE_TYPE:
            yield "@typing.final"
        yield f"class {name}({', '.join(bases)}):" if bases else f"class {name}:"
        body = [_docstring(cls.__doc__)]
        if issubclass(cls, enum.Enum):
            for member_name, member in cls.__members__.items():
                body.append(f"{member_name} = {member.value!r}")
                # A member without documentation of its own has its class's.
                if member.__doc__ != cls.__doc__:
                    body.append(_docstring(member.__doc__))
        else:
            body += self._members(cls)
            if _is_buffer(cls):
                body += self._definition("__buffer__", "(self, flags: int, /) -> memoryview", None)
        yield textwrap.indent("\n".join(line for line in body if line) or "...", "    ")

    def _property(self, name: str, value: property) -> Iterator[str]:
        for accessor, decorator in ((value.fget, "@property"), (value.fset, f"@{name}.setter")):
            if accessor is not None:
                ((signature, _),) = _signatures(accessor)
                signature = re.sub(r"\((self|arg0): [^,)]*", "(self", signature, count=1)
                signature = signature.replace("arg1:", "value:")
                yield decorator
                # Type checkers show the getter's documentation for both.
                documentation = value.__doc__ if accessor is value.fget else None
                yield from self._definition(name, signature, documentation)

    def _function(self, name: str, function: Any, *decorators: str) -> Iterator[str]:
        signatures = _signatures(function)
        for signature, documentation in signatures:
            if len(signatures) > 1:
                yield "@typing.overload"
            yield from decorators
            yield from self._definition(name, signature, documentation)

    def _definition(self, name: str, signature: str, documentation: str | None) -> Iterator[str]:
        if re.search(r"\barg\d+: ", signature):
            raise TypeError(f"{name}{signature}: each argument needs a name")
        signature = re.sub(r"\(self: [\w.]+", "(self", signature)
        signature = re.sub(r"= <[^>]*>", "= ...", signature)
        signature = signature.replace(self._module.__name__ + ".", "")
        text = _docstring(documentation)
        yield f"def {name}{signature}:" + ("" if text else " ...")
        if text:
            yield textwrap.indent(text, "    ")

    def _type_of(self, value: object) -> str:
        if isinstance(value, tuple):
            elements = {self._type_of(element): None for element in value}
            if len(elements) == 1:
                return f"tuple[{next(iter(elements))}, ...]"
            return f"tuple[{', '.join(map(self._type_of, value))}]"
        return self._name(type(value))

    def _name(self, cls: Any) -> str:
        """How the stub refers to a class, wherever the class says that it belongs."""
        name: str = cls.__qualname__
        is_ours = vars(self._module).get(name) is cls
        return name if is_ours else f"{cls.__module__}.{name}".removeprefix("builtins.")


def _is_implicit(base: type) -> bool:
    return base is object or base.__module__ == "pybind11_builtins"


def _is_buffer(cls: Any) -> bool:
    """Whether instances have the buffer protocol, which classes do not show before Python 3.12."""
    try:
        instance = cls.__new__(cls)
    except TypeError:  # it is not for Python to make instances
        return False
    return bool(ctypes.pythonapi.PyObject_CheckBuffer(ctypes.py_object(instance)))


def _signatures(function: Any) -> list[tuple[str, str]]:
    """Parameters with result, and documentation, of every overload."""
    text = inspect.getdoc(function) or ""
    name = re.escape(function.__name__)
    if re.match(rf"{name}\(\*args, \*\*kwargs\)\nOverloaded function\.\n", text):
        parts = re.split(rf"^\d+\. {name}(?=\()", text, flags=re.MULTILINE)[1:]
    elif re.match(rf"{name}\(.*\) -> .+(\n|$)", text):
        parts = [text.removeprefix(function.__name__)]
    else:
        raise TypeError(f"no signature is in the docstring of {function!r}: {text!r}")
    return [(line, rest.strip()) for line, _, rest in (part.partition("\n") for part in parts)]


def _docstring(text: str | None) -> str:
    text = inspect.cleandoc(text or "").replace("\\", "\\\\").replace('"""', r"\"\"\"")
    if not text:
        return ""
    return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'


class _ModuleNames(ast.NodeVisitor):
    """Finds what dotted names in a stub stand behind: `a.b` in `a.b.C`."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr != "setter":
            self.found.add(ast.unparse(node.value))


def _imports(body: str) -> str:
    """Import statements for the modules that `body` names."""
    tree = ast.parse(body)
    names = _ModuleNames()
    names.visit(tree)
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return "\n".join(f"import {module}" for module in sorted(names.found - classes))


def main() -> None:
    name, extension, ruff, output, *sources = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        # Just what it takes to import the module under its name.
        root = pathlib.Path(directory, *name.split(".")[:-1])
        root.mkdir(parents=True)
        for file in (extension, *sources):
            shutil.copy(file, root)
        for parent in list(root.parents)[: name.count(".") - 1]:
            (parent / "__init__.py").touch()
        sys.path.insert(0, directory)
        source = Writer(importlib.import_module(name)).text()
    ours = f"lint.isort.known-first-party=['{name.partition('.')[0]}']"
    for command in (
        ["check", "--select=I", "--fix", "--quiet", "--config", ours],
        ["format", "--line-length=100"],
    ):
        source = subprocess.run(
            [ruff, *command, "--isolated", "--stdin-filename=stub.pyi", "-"],
            input=source,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    pathlib.Path(output).write_text(source, encoding="utf-8")


if __name__ == "__main__":
    main()
