"""The README promises two commands: what they name must be what is there."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = [block.strip() for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)]


def test_the_first_two_blocks_are_one_command_each():
    run, test = BLOCKS[:2]
    assert run.count("\n") == test.count("\n") == 0
    assert run.endswith("stylecam run")
    assert "-m pytest" in test


def test_the_main_job_is_set_up_without_torch():
    assert "[" not in BLOCKS[0]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not any(word.startswith("torch") for word in project["dependencies"])
    assert any(word.startswith("torch>") for word in project["optional-dependencies"]["train"])


def test_ci_takes_its_test_command_from_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    assert "README.md" in script
    assert "pip install" not in script
    assert "-m pytest" not in script


def test_every_link_in_the_docs_leads_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_file_that_the_docs_name_exists():
    """Paths in code marks that begin with one of our folders; the log names files of its time."""
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        if page.name == "log.md":
            continue
        for path in re.findall(
            r"`((?:realtime|models|training|tests|docs)/[\w./-]*)`", page.read_text()
        ):
            assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_the_page_on_the_code_names_every_folder():
    page = (ROOT / "docs" / "code.md").read_text()
    figure = (ROOT / "docs" / "pictures" / "rooms.svg").read_text()
    for package in ("realtime", "models", "training"):
        for folder in (ROOT / package).iterdir():
            if (folder / "__init__.py").exists():
                assert f"{folder.name}/" in figure, f"rooms.svg lacks {folder.name}"
                assert f"{package}/{folder.name}" in page, f"code.md lacks {folder.name}"
