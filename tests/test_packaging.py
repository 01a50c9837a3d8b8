"""The package: what is in its wheel, and what an index of packages shows of it."""

import configparser
import email
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parent.parent
KEPT = ("tfstyle", "setup.py", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built in a copy so that nothing is left in the clone."""
    folder = tmp_path_factory.mktemp("package")
    for name in KEPT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir=wheels", "."], cwd=folder, check=True)
    (path,) = (folder / "wheels").iterdir()
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_wheel_holds_all_that_the_package_needs(wheel):
    needed = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tfstyle").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    own = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert own == needed
    assert {"tfstyle/py.typed", "tfstyle/features/data/vgg19_compact.npz"} <= own


def test_links_of_the_long_description_are_absolute_and_lead_to_files(metadata):
    text = metadata.get_payload(decode=True).decode("utf-8")
    links = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r'(?:src|href)="([^"]+)', text)
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    url = config["metadata"]["url"]
    own = [link.removeprefix(url) for link in links if link.startswith(url)]
    assert [link for link in links if not re.match(r"https://|#", link)] == []
    assert len(own) >= 9
    files = [re.sub(r"^/(raw|blob)/main/|#.*", "", link) for link in own]
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_classifiers_are_those_of_the_workflow(metadata):
    found = re.findall(r"Python :: (3\.\d+)", "\n".join(metadata.get_all("Classifier")))
    workflow = (ROOT / ".github/workflows/tests.yml").read_text("utf-8")
    (matrix,) = re.findall(r"python: \[(.+)\]", workflow)
    assert found == re.findall(r"3\.\d+", matrix)
    assert metadata["Requires-Python"] == f">={found[0]}"


def test_oldest_versions_are_those_that_setup_allows(metadata):
    needed = [x for x in metadata.get_all("Requires-Dist") if "extra ==" not in x]
    least = dict(re.fullmatch(r"([\w-]+)(?:>=([\d.]+))?", each).groups() for each in needed)
    oldest = dict(re.findall(r"^([\w-]+)==([\d.]+)$", (ROOT / ".ci/oldest.txt").read_text(), re.M))
    assert oldest.keys() == least.keys()
    assert [
        name for name, version in least.items() if not oldest[name].startswith(version or "")
    ] == []


def test_version_is_that_of_the_citation_and_the_changelog(metadata):
    version = metadata["Version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\n## {version} (" in (ROOT / "CHANGELOG.md").read_text("utf-8")
