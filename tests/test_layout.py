"""The rules of the layout that no type checker sees."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FORBIDDEN = {
    "models": {"realtime", "training"},
    "realtime": {"training"},
    "training": {"realtime"},
}
SOURCES = sorted(p for package in FORBIDDEN for p in (ROOT / package).rglob("*.py"))
LONGEST_FILE = 300
LONGEST_FUNCTION = 60


def imported(path):
    """The top-level names that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield (node.module or "").split(".")[0]


def imported_at_start(path):
    tree = ast.parse(path.read_text())
    tree.body = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    for node in tree.body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        yield from (str(name).split(".")[0] for name in names)


def test_there_are_sources_to_check():
    assert len(SOURCES) > 50


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        wrong = FORBIDDEN[package] & set(imported(path))
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_the_live_half_never_needs_torch_to_start():
    for path in (ROOT / "realtime").rglob("*.py"):
        assert "torch" not in imported_at_start(path), path


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_fit_their_measure(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            body = node.lineno if node.decorator_list else start
            length = (node.end_lineno or body) - body + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        # The help shows a line of every command, so it loads the other half's, which are light.
        (("--help",), ("torch",)),
        (("styles",), ("torch", "training")),
        (("run", "--source", "demo", "--sink", "null", "--frames", "3"), ("torch", "training")),
    ],
    ids=["help", "styles", "run"],
)
def test_the_live_half_starts_without_the_other(arguments, absent):
    program = (
        "import sys\n"
        "from realtime.cli import main\n"
        f"sys.argv = ['stylecam', *{list(arguments)!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        f"loaded = [name for name in {list(absent)!r} if name in sys.modules]\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
