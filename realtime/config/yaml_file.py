"""Reads a config file: YAML to Config, with the line number of every mistake."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from models.errors import UsageError
from realtime.config.schema import Config, Section, problems, shown

LARGEST = 1_000_000
"""Largest file in bytes; a real config is a thousandth of that."""


def load_config(path: Path) -> Config:
    """The Config in the YAML file at `path`; keys that it leaves out keep their defaults.

    Raises UsageError with one line for every mistake: file, line, key, what is wrong.
    """
    node = _compose(path)
    if node is None:
        return Config()
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{path}:1: not a config file; expected keys and values, like `source:`")
    lines: dict[str, int] = {}
    mistakes: list[tuple[int, str]] = []
    data = _Reader(lines, mistakes).mapping(node, "")
    config = Config()
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        mistakes += [(_line(key, lines), f"{key}: {reason}") for key, reason in problems(error)]
    if mistakes:
        raise UsageError("\n".join(f"{path}:{line}: {text}" for line, text in sorted(mistakes)))
    return config


def _compose(path: Path) -> yaml.Node | None:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise UsageError(f"{path}: cannot be read (a device or a pipe, not a file)")
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: too large for a config file")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such config file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text file in UTF-8") from None
    try:
        # An alias could repeat without end what it refers to.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise UsageError(f"{path}: aliases (*name) are not supported; write the value out")
        return yaml.compose(text, yaml.SafeLoader)
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply for a config file") from None
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"{path}:{where}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None


def _line(key: str, lines: dict[str, int]) -> int:
    """The line of a dotted key, or of the nearest key that encloses it."""
    while key not in lines and "." in key:
        key = key.rpartition(".")[0]
    return lines.get(key, 1)


class _Reader:
    """Turns nodes into plain values; records each key's line, and keys that are given twice."""

    def __init__(self, lines: dict[str, int], mistakes: list[tuple[int, str]]) -> None:
        self._lines = lines
        self._mistakes = mistakes
        self._scalars = yaml.constructor.SafeConstructor()

    def mapping(self, node: yaml.MappingNode, prefix: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value, line in self._entries(node):
            dotted = f"{prefix}{key}"
            if key in values:
                first = self._lines[dotted]
                self._mistakes.append(
                    (line, f"{dotted}: duplicate key, first given in line {first}")
                )
                continue
            self._lines[dotted] = line
            # A section whose keys are all commented out is null in YAML; it counts as empty.
            empty_section = not prefix and _is_null(value) and _is_section(key)
            if empty_section:
                values[key] = {}
            elif self._is_valid(value, dotted):
                values[key] = self._value(value, dotted)
        return values

    def _entries(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node, int]]:
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line + 1

    def _value(self, node: yaml.Node, dotted: str) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, f"{dotted}.")
        if isinstance(node, yaml.SequenceNode):
            values = []
            for index, item in enumerate(node.value):
                place = f"{dotted}.{index}"
                self._lines[place] = item.start_mark.line + 1
                if self._is_valid(item, place):
                    values.append(self._value(item, place))
            return values
        return self._scalars.construct_object(node)

    def _is_valid(self, node: yaml.Node, dotted: str) -> bool:
        """Whether a scalar is valid (2024-99-99 is no date); if not, record a mistake."""
        if not isinstance(node, yaml.ScalarNode):
            return True
        try:
            self._scalars.construct_object(node)
        except Exception as error:  # a tag (`!!bool foo`) may raise anything
            said = getattr(error, "problem", None)
            reason = said or (str(error) if isinstance(error, ValueError) else "not a valid value")
            line = node.start_mark.line + 1
            self._mistakes.append((line, f"{dotted}: {reason}, not {shown(node.value)}"))
            return False
        return True


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _is_section(key: str) -> bool:
    field = Config.model_fields.get(key)
    return field is not None and isinstance(field.default, Section)
