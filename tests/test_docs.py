"""The documentation: its commands parse, its links lead somewhere, and nothing is left over."""

import importlib
import pathlib
import re
import shlex
import shutil

import pytest
from test_cli_words import meaning
from test_layering import LEVEL

from tfstyle import cli, material, statistics
from tfstyle.batch import BatchSettings
from tfstyle.cli import apply, batch, compare, export, frame, options, serve, train, web
from tfstyle.cli.run import Painting
from tfstyle.server import ServeSettings
from tfstyle.settings import (
    ApplySettings,
    FrameSettings,
    InvertSettings,
    StylizerSettings,
    StylizeSettings,
    TextureSettings,
    TrainSettings,
)
from tfstyle.web import WebSettings
from tools import run_docs

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKING = [*PAGES, *(ROOT / "tfstyle").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
SHOWN = sorted({command for page in PAGES for command, _ in run_docs.commands(page.read_text())})
SERVING = "python -m export."
# Those whose fields are the flags of a command.
CLASSES = (StylizeSettings, TextureSettings, InvertSettings, StylizerSettings, BatchSettings)
CLASSES += (FrameSettings, frame.Files, TrainSettings, train.Model, ApplySettings, apply.Pictures)
CLASSES += (options.Messages, options.Content, options.Style, options.Maps, options.Output)
CLASSES += (batch.Contents, compare.Compared, compare.ComparedSettings, WebSettings)
CLASSES += (export.Exported, export.Model, ServeSettings)
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def links(page):
    """Files that a page links to or shows."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)', text)
    return {(page.parent / link).resolve() for link in found if "://" not in link}


@pytest.mark.parametrize("command", [shown for shown in SHOWN if shown.startswith("tfstyle ")])
def test_every_command_passes_all_checks(command, monkeypatch, tmp_path):
    # Not in the clone itself, where a user's own pictures may be.
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for folder in ("demo", "docs/images/style_weight", "docs/images/one_pass"):  # made before
        (tmp_path / folder).mkdir(parents=True)
    shutil.copytree(ROOT / "docs/images/control", tmp_path / "docs/images/control")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Painting, "execute", lambda painting, judge=None: 0)
    monkeypatch.setattr(frame, "_paint", lambda *arguments: 0)
    monkeypatch.setattr(compare, "_finish", lambda *arguments: None)
    monkeypatch.setattr(export, "_export", lambda *arguments: 0)
    monkeypatch.setattr(train, "_train", lambda *arguments: 0)
    monkeypatch.setattr(apply, "_apply", lambda *arguments: 0)
    monkeypatch.setattr(apply, "_film", lambda *arguments: 0)
    monkeypatch.setattr(batch, "_paint", lambda *arguments: 0)
    monkeypatch.setattr(web, "_serve", lambda settings: None)
    monkeypatch.setattr(serve, "_serve", lambda settings: None)
    assert cli.main(shlex.split(command)[1:]) == 0


@pytest.mark.parametrize("command", [each for each in SHOWN if each.startswith(SERVING)])
def test_every_command_around_a_model_parses(command):
    name, *arguments = shlex.split(command.removeprefix(SERVING))
    importlib.import_module(f"export.{name}").parser().parse_args(arguments)


def test_every_page_of_the_documentation_is_run():
    not_run = {ROOT / "README.md", ROOT / "CONTRIBUTING.md"}
    not_run |= {ROOT / f"docs/{name}.md" for name in ("index", "how_it_works", "papers")}
    assert {ROOT / page for page in run_docs.PAGES} | not_run == set(PAGES)


def is_read(settings, name, value):
    try:
        options.read(settings, name, value)
    except ValueError:
        return False
    return True


@every_page
def test_flags_in_the_text_exist(page):
    text = page.read_text("utf-8")
    of_tools = re.findall(r"^(?:python|saved_model_cli) .*", text, flags=re.MULTILINE)
    of_servers = [
        importlib.import_module(f"export.{name}").parser().format_help()
        for name in set(re.findall(rf"^{SERVING}(\w+)", text, flags=re.MULTILINE))
    ]
    known = {"help", "helpfull", "completion"}.union(*(settings.fields() for settings in CLASSES))
    known.update(re.findall(r"--(\w+)", " ".join(of_tools + of_servers)))
    for code in re.findall(r"`(--[^`]+)`", text):
        for flag in shlex.split(code):
            name, equals, value = flag.removeprefix("--").partition("=")
            assert name in known, flag
            owners = [settings for settings in CLASSES if name in settings.fields()]
            if equals and owners:
                assert any(is_read(settings, name, value) for settings in owners), flag


@every_page
def test_links_lead_to_files(page):
    assert [link for link in links(page) if not link.exists()] == []


def test_every_picture_is_linked():
    linked = set().union(*map(links, LINKING))
    folder = ROOT / "docs/images"
    kept = [*folder.glob("*.*"), *folder.glob("*/sheet.jpg"), *folder.glob("*/comparison.csv")]
    assert [path for path in kept if path not in linked] == []


def written(text):
    """Files and folders that the commands of a page write, and what its Python saves."""
    lines = [command for command, _ in run_docs.commands(text) if "\n" not in command]
    flag = r" (?:-o |--(?:output|output_dir|checkpoint|figure|plot|animation)=)(\S+)"
    names = [name for line in lines for name in re.findall(flag, line)]
    for line in lines:
        if maps := re.findall(r" --maps=(\S+)", line):
            output = re.findall(r" --output=(\S+)", line)[0]
            names += material.outputs(output, material.named(maps[0].split(",")))
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return names + re.findall(r', "(docs/images/\S+)"\)', "".join(blocks))


def test_commands_of_the_readme_write_where_git_keeps_nothing():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    names = written((ROOT / "README.md").read_text("utf-8"))
    assert [name for name in names if f"/{name.split('/')[0]}/" not in ignored] == []


def test_commands_of_the_readme_are_those_that_make_its_pictures(monkeypatch):
    def flags(command):
        arguments = shlex.split(command.replace("demo/", "docs/images/"))[1:]
        return meaning(arguments, monkeypatch) if command.startswith("tfstyle ") else command

    of_docs = [
        flags(command)
        for page in run_docs.PAGES
        for command, is_run in run_docs.commands((ROOT / page).read_text("utf-8"))
        if is_run
    ]
    text = (ROOT / "README.md").read_text("utf-8")
    own = [command for command, is_run in run_docs.commands(text) if is_run]
    assert len(own) >= 3
    assert [command for command in own if flags(command) not in of_docs] == []


@every_page
def test_the_command_of_every_picture_is_on_its_page(page):
    text = page.read_text("utf-8")
    # The README and the first page show some of the gallery, to which they lead.
    leading = page.name in ("README.md", "index.md")
    commands = (ROOT / "docs/gallery.md").read_text("utf-8") if leading else text
    made = {ROOT / name for name in written(commands)}
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)", text) + re.findall(r'<img src="([^"]+)', text)
    shown = [(page.parent / name).resolve() for name in shown]
    of_commands = [path for path in shown if ROOT / "docs/images" in path.parents]
    assert [path for path in of_commands if not {path, path.parent} & made] == []


def test_the_table_of_modules_is_that_of_the_tree():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("## Where things are")[2].partition("\n## ")[0]
    cells = re.findall(r"^\|([^|]*)\|", table, flags=re.MULTILINE)
    listed = re.findall(r"`([^`]+)`", "".join(cells))
    modules = [name for name in listed if name.startswith("tfstyle/")]
    others = [name for name in listed if name not in modules]
    package = ROOT / "tfstyle"
    there = {f"tfstyle/{path.name}" for path in package.glob("*.py")} - {"tfstyle/__init__.py"}
    there |= {f"tfstyle/{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert sorted(modules) == sorted(there)
    levels = [LEVEL[pathlib.Path(name).stem] for name in modules]
    assert levels == sorted(levels)
    assert sorted(others) == ["docs/", "export/", "tests/", "tools/"]


def test_every_statistic_is_described():
    text = (ROOT / "docs/compare.md").read_text("utf-8")
    assert [name for name in statistics.STATISTICS if f"| `{name}` |" not in text] == []
