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
    assert test.endswith("pytest")


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
