"""What APPSYNC_JS refuses when code is created, before it ever runs: statements, operators, size.

https://docs.aws.amazon.com/appsync/latest/devguide/supported-features.html . AWS's plug-in of the
linter says the same with more words, and finds what takes more than a look at the text: recursion,
functions as arguments or results, changes of `ctx`. Tests run it on every code that is deployed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 32_768
"""Characters: https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateResolver.html ."""
MODULES = ("@aws-appsync/utils", "@aws-appsync/utils/dynamodb")
IMPORT = re.compile(
    r"^[ \t]*import\s+(?:(?P<what>[^;'\"]+?)\s*from\s*)?(['\"])(?P<module>[^'\"]+)\2[ \t]*;?", re.M
)
EXPORT_LIST = re.compile(r"^[ \t]*export\s*\{(?P<names>[^}]*)\}[ \t]*;?", re.M)
EXPORT = re.compile(
    r"^(?P<indent>[ \t]*)export\s+(?P<rest>(?:function|const|let|var)\s+(?P<name>[\w$]+))", re.M
)
STATEMENTS = re.compile(
    r"(?<![.\w$])(async|await|class|try|catch|finally|throw|while|continue|this|yield|instanceof)\b(?!\s*:)"
    r"|(?<![.\w$])(do)(?=\s*\{)"
)
OPERATORS = re.compile(r"\+\+|--|(?<![\w$)\]])~|\bfunction\s*\*|=>\s*\*")
FOR_EACH = re.compile(r"\bfor\s*\(\s*(?:const|let|var)\s+[\w$]+\s+(in)\b")
LABEL = re.compile(
    r"(?:^|[;{}])\s*(?P<name>(?!default\b)[A-Za-z_$][\w$]*)\s*:\s*(?=(?:for|switch)\s*\()"
)
IN = re.compile(r"(?<![.\w$])in\b(?!\s*:)")
# A slash after one of these begins a regular expression, after anything else it divides.
BEFORE_PATTERN = re.compile(r"(?:^|[(,=:\[!&|?{};+\-*%<>~]|\breturn|\btypeof|\bcase)\s*$")


class CodeError(ValueError):
    """Code that AppSync would not accept; says where and what."""


def wrapped(source: str) -> str:
    """The module as an expression: a function from its imports to its handlers."""
    check(source)
    exported: dict[str, str] = {}

    def imported(match: re.Match[str]) -> str:
        module, what = match["module"], (match["what"] or "").strip()
        if module not in MODULES:
            raise CodeError(f"cannot import {module}; AppSync has {' and '.join(MODULES)}")
        lines = "\n" * match[0].count("\n")
        if what.startswith("* as "):
            return f"const {what[5:].strip()} = imports[{module!r}];{lines}"
        if not what.startswith("{"):
            raise CodeError(f"{module} has no default export; import {{ ... }} from it")
        names = re.sub(r"\bas\b", ":", what)
        return f"const {names} = imports[{module!r}];{lines}"

    def listed(match: re.Match[str]) -> str:
        for entry in filter(None, (part.strip() for part in match["names"].split(","))):
            local, _, public = entry.partition(" as ")
            exported[(public or local).strip()] = local.strip()
        return "\n" * match[0].count("\n")

    def declared(match: re.Match[str]) -> str:
        exported[match["name"]] = match["name"]
        return f"{match['indent']}{match['rest']}"

    body = EXPORT.sub(declared, EXPORT_LIST.sub(listed, IMPORT.sub(imported, source)))
    handlers = ", ".join(
        f"{name}: {local}" for name, local in exported.items() if name in ("request", "response")
    )
    return f"(function (imports) {{ 'use strict'; {body}\nreturn {{ {handlers} }}; }})"


def check(source: str) -> None:
    """Raise CodeError at the first thing that APPSYNC_JS does not have."""
    if len(source) > LONGEST:
        raise CodeError(f"The code has {len(source)} characters; AppSync takes {LONGEST}")
    code = _without_text(source)
    for match in LABEL.finditer(code):
        raise _refused(source, match.start("name"), "labels are not supported")
    for match in STATEMENTS.finditer(code):
        raise _refused(source, match.start(), f"'{match[0]}' is not supported")
    for match in OPERATORS.finditer(code):
        raise _refused(source, match.start(), f"'{match[0]}' is not supported")
    for start in _counting_loops(code):
        raise _refused(source, start, "for (;;) is not supported; use for-in or for-of")
    for match in IN.finditer(FOR_EACH.sub(lambda each: each[0][:-2] + "  ", code)):
        raise _refused(source, match.start(), "'in' is not supported; use Object.hasOwn")


def _refused(source: str, position: int, what: str) -> CodeError:
    line = source.count("\n", 0, position) + 1
    column = position - source.rfind("\n", 0, position)
    return CodeError(f"The code contains one or more errors: {line}:{column} {what}")


def _counting_loops(code: str) -> Iterator[int]:
    for match in re.finditer(r"(?<![.\w$])for\s*\(", code):
        depth = 1
        for position in range(match.end(), len(code)):
            depth += {"(": 1, ")": -1}.get(code[position], 0)
            if depth == 0:
                break
            if code[position] == ";" and depth == 1:
                yield match.start()
                break


def _without_text(source: str) -> str:
    """The source with comments and the insides of strings blanked, positions kept."""
    return _Blanked(source).text()


class _Blanked:
    """One pass over the source; template literals nest, so they keep a stack."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._out: list[str] = []
        self._at = 0
        self._templates: list[int] = []  # depth of braces in each template expression

    def text(self) -> str:
        while self._at < len(self._source):
            self._step()
        return "".join(self._out)

    def _step(self) -> None:
        source, at = self._source, self._at
        character = source[at]
        if source.startswith("//", at):
            self._blank(_end(source, "\n", at))
        elif source.startswith("/*", at):
            self._blank(_end(source, "*/", at + 2) + 2)
        elif character in "'\"":
            self._blank(_string_end(source, at))
        elif character == "`":
            self._template()
        elif character == "/" and BEFORE_PATTERN.search("".join(self._out[-20:])):
            raise _refused(source, at, "regular expressions are not supported")
        else:
            self._code(character)

    def _code(self, character: str) -> None:
        if self._templates:
            self._templates[-1] += {"{": 1, "}": -1}.get(character, 0)
            if self._templates[-1] == 0:
                self._templates.pop()
                self._out.append(" ")
                self._at += 1
                self._template_text()
                return
        self._out.append(character)
        self._at += 1

    def _template(self) -> None:
        self._out.append("0")  # a value, so that a slash after it divides
        self._at += 1
        self._template_text()

    def _template_text(self) -> None:
        source = self._source
        while self._at < len(source):
            if source[self._at] == "\\":
                self._blank(self._at + 2)
            elif source[self._at] == "`":
                self._out.append("0")
                self._at += 1
                return
            elif source.startswith("${", self._at):
                self._out.append("+(")
                self._at += 2
                self._templates.append(1)
                return
            else:
                self._blank(self._at + 1)

    def _blank(self, end: int) -> None:
        text = self._source[self._at : end]
        quoted = text[:1] in ("'", '"')
        self._out += ["0" if quoted else " ", *("\n" if c == "\n" else " " for c in text[1:])]
        self._at = min(end, len(self._source))


def _end(source: str, mark: str, start: int) -> int:
    found = source.find(mark, start)
    return len(source) if found < 0 else found


def _string_end(source: str, start: int) -> int:
    position = start + 1
    while position < len(source) and source[position] != source[start]:
        position += 2 if source[position] == "\\" else 1
    return position + 1
