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
LONG_FILE = 400
LONG_FUNCTION = 60
MOST_FILES = 12

LAYERS = {
    "models": [
        "errors",
        "default_style",
        "system",
        "picture_formats",
        "pictures",
        "exposure",
        "grain",
        "preparation",
        "steadiness",
        "generator",
        "card",
        "onnx",
        "catalogue",
        "user_styles",
        "blend",
    ],
    "realtime": [
        "frames",
        "control",
        "config",
        "sources",
        "sinks",
        "inference",
        "convert",
        "pipeline",
        "service",
        "api",
        "build",
        "bench",
        "doctor",
        "message_stream",
        "commands",
        "cli",
    ],
    "training": [
        "runtime",
        "config",
        "losses",
        "data",
        "optimise",
        "evaluation",
        "reporting",
        "loop",
        "export",
        "experiments",
        "commands",
    ],
}
"""The rooms of each package, from the ground up: none imports from one that stands after it."""


def imported(path):
    """The dotted names of the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                beside = ROOT / full.replace(".", "/")
                is_module = beside.is_dir() or beside.with_suffix(".py").is_file()
                yield full if is_module else node.module


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
        wrong = FORBIDDEN[package] & {name.split(".")[0] for name in imported(path)}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def room(module):
    """The room of a dotted module name: "pipeline" for realtime.pipeline.capture."""
    return module.split(".")[1]


@pytest.mark.parametrize("package", LAYERS)
def test_no_import_runs_against_the_layers(package):
    layers = LAYERS[package]
    for path in sorted((ROOT / package).rglob("*.py")):
        place = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        if room(place) in ("__init__", "__main__"):
            continue
        own = layers.index(room(place))
        for name in imported(path):
            if name.startswith(f"{package}."):
                assert layers.index(room(name)) <= own, f"{place} imports {name}"


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_folder_holds_more_than_a_dozen_files(package):
    for folder in {path.parent for path in SOURCES if path.is_relative_to(ROOT / package)}:
        files = sorted(folder.glob("*.py"))
        assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} holds {len(files)} files"


def test_the_live_half_never_needs_torch_to_start():
    for path in (ROOT / "realtime").rglob("*.py"):
        assert "torch" not in imported_at_start(path), path


def long_parts(path):
    """A line for the file, if it is long, and for each long function in it."""
    text = path.read_text()
    name = path.relative_to(ROOT)
    if (lines := len(text.splitlines())) > LONG_FILE:
        yield f"{name} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONG_FUNCTION:
                yield f"{name}: {node.name} has {length} lines"


def test_long_files_and_functions_are_named(capsys):
    """Only a warning: a long story is better than one that is cut in two to fit a cap."""
    found = [line for path in SOURCES for line in long_parts(path)]
    with capsys.disabled():
        for line in found:
            print(f"\nwarning: {line}", end="")


@pytest.mark.e2e
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


def test_no_two_test_files_share_a_name():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
