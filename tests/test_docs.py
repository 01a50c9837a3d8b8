"""The documentation: its commands parse, its links lead somewhere, and nothing is left over."""

import pathlib
import re
import shlex

import pytest

from tfstyle import cli, statistics
from tfstyle.cli import batch, compare, export, options, runner
from tools import run_docs

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKING = [*PAGES, *(ROOT / "tfstyle").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
SHOWN = sorted({command for page in PAGES for command, _ in run_docs.commands(page.read_text())})
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def links(page):
    """Files that a page links to or shows."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)', text)
    return {(page.parent / link).resolve() for link in found if "://" not in link}


@pytest.mark.parametrize("command", [shown for shown in SHOWN if shown.startswith("tfstyle ")])
def test_every_command_passes_all_checks(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(runner.Run, "execute", lambda run, judge=None: 0)
    monkeypatch.setattr(compare, "_finish", lambda *arguments: None)
    monkeypatch.setattr(export, "_export", lambda values: 0)
    monkeypatch.setattr(batch, "_paint", lambda *arguments: 0)
    assert cli.main(shlex.split(command)[1:]) == 0


def test_every_page_of_the_documentation_is_run():
    assert {ROOT / page for page in run_docs.PAGES} | {ROOT / "CONTRIBUTING.md"} == set(PAGES)


@every_page
def test_flags_in_the_text_exist(page):
    text = page.read_text("utf-8")
    of_tools = re.findall(r"^(?:python|saved_model_cli) .*", text, flags=re.MULTILINE)
    known = {*options.HELP, "help", *re.findall(r"--(\w+)", " ".join(of_tools))}
    for code in re.findall(r"`(--[^`]+)`", text):
        for flag in shlex.split(code):
            name, equals, value = flag.removeprefix("--").partition("=")
            assert name in known, flag
            if equals and name in options.HELP:
                options.read(name, value)


@every_page
def test_links_lead_to_files(page):
    assert [link for link in links(page) if not link.exists()] == []


def test_every_picture_is_linked():
    linked = set().union(*map(links, LINKING))
    folder = ROOT / "docs/images"
    kept = [*folder.glob("*.*"), *folder.glob("*/sheet.jpg"), *folder.glob("*/comparison.csv")]
    assert [path for path in kept if path not in linked] == []


@every_page
def test_the_command_of_every_picture_is_on_its_page(page):
    text = page.read_text("utf-8")
    made = {
        ROOT / name
        for name in re.findall(r"^\S.* --(?:output|figure|plot)=(\S+)", text, flags=re.MULTILINE)
    }
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)", text) + re.findall(r'<img src="([^"]+)', text)
    shown = [(page.parent / name).resolve() for name in shown]
    of_commands = [path for path in shown if ROOT / "docs/images" in path.parents]
    assert [path for path in of_commands if not {path, path.parent} & made] == []


def test_every_statistic_is_described():
    text = (ROOT / "docs/compare.md").read_text("utf-8")
    assert [name for name in statistics.STATISTICS if f"| `{name}` |" not in text] == []
