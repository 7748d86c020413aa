"""The pages say what the code does: reference pages are current, commands explained, links and examples good."""

import importlib.util
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from catalogdb.cli.app import app
from catalogdb.jobs import JobFile
from catalogdb.schema import collections, views

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _generator():
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "docs" / "reference" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "docs" / "reference"))  # as Python does for a script
    spec.loader.exec_module(module)
    del sys.path[0]
    return module


generate = _generator()
COMMANDS = dict(generate.walk_commands(typer.main.get_command(app)))


def page_id(path):
    return str(path.relative_to(ROOT))


def anchors(path):
    text = CODE.sub("", path.read_text())
    return {generate._anchor(title) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("name", generate.PAGES)
def test_reference_page_is_what_the_code_says(name):
    committed = (ROOT / "docs" / "reference" / name).read_text()
    assert committed == generate.PAGES[name](), "stale: run `python docs/reference/generate.py`"


@pytest.mark.parametrize("path", generate.document_types(), ids=lambda path: path.name)
def test_document_types_are_what_the_schemas_say(path):
    assert path.read_text() == generate.document_types()[path], "stale: run `python docs/reference/generate.py`"


@pytest.mark.parametrize("name", COMMANDS)
def test_command_has_help_and_an_example_of_itself(name):
    command = COMMANDS[name]
    assert len(generate.help_of(command).split()) >= 2
    example = generate.example_of(command)
    assert example, f"{name} shows no example"
    assert name in example


@pytest.mark.parametrize("name", COMMANDS)
def test_options_of_a_command_are_explained(name):
    unexplained = [option.name for option in COMMANDS[name].params if not option.help]
    assert unexplained == []


def test_reference_names_every_collection_field_view_and_job_key():
    schemas, cli = generate.schemas_page(), generate.cli_page()
    for schema in collections().values():
        assert f"\n## {schema.collection}\n" in schemas
        assert all(f"| `{field}`" in schemas for field in schema.fields)
    assert all(f"\n## {view}\n" in schemas for view in views())
    assert all(f"| `{key}`" in cli for key in JobFile.model_fields)


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_links_lead_somewhere(path):
    for link in LINK.findall(CODE.sub("", path.read_text())):
        if "://" in link:
            continue
        target, _, fragment = link.partition("#")
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), f"{link}: no such file"
        if fragment:
            assert fragment in anchors(found), f"{link}: no such heading"


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_no_program_is_shown_the_password_as_an_argument(path):
    given = [line for line in path.read_text().splitlines() if "$(catalogdb db uri)" in line]
    assert all("echo " in line for line in given), "process lists show it: a file, or `catalogdb db shell`"


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_commands_shown_exist_with_their_options(path):
    for language, block in CODE.findall(path.read_text()):
        if language not in ("", "bash", "sh"):
            continue
        for line in block.splitlines():
            if line.startswith("catalogdb "):
                _check_command_line(line)


def _check_command_line(line):
    words = shlex.split(line.split("  #")[0])
    while len(words) > 1 and words[1] in ("--database", "--uri"):
        del words[1:3]
    name = next((" ".join(words[:size]) for size in (4, 3, 2) if " ".join(words[:size]) in COMMANDS), None)
    assert name, f"{line}: no such command"
    known = {"--help", *(text for option in COMMANDS[name].params for text in [*option.opts, *option.secondary_opts])}
    assert {word.split("=")[0] for word in words if word.startswith("-")} <= known, line


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_job_files_shown_are_valid(path):
    for language, block in CODE.findall(path.read_text()):
        document = yaml.safe_load(block) if language == "yaml" else None
        if isinstance(document, dict) and {"name", "catalog"} <= set(document):
            assert JobFile.model_validate(document).name == document["name"]


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_python_shown_compiles(path):
    for language, block in CODE.findall(path.read_text()):
        if language == "python":
            compile(block, page_id(path), "exec")


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    found = (path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md"))
    pages = [page for page in found if str(page) not in ("README.md", "index.md")]
    assert [str(page) for page in pages if f"({page})" not in index] == []


def test_citation_names_the_version_and_licence_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
