"""Imports go one way, and looking at the library is cheap."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
LEVELS = (
    ("colour", "containers", "messages", "native_log"),
    ("pictures",),
    ("caches", "checked", "images", "outcome", "registry"),
    ("settings",),
    ("presets",),
    (
        "device",
        "levels",
        "masks",
        "material",
        "palette",
        "progress",
        "pyramid",
        "resampling",
        "rotations",
    ),
    ("features", "inputs", "optimizers", "statistics"),
    ("discriminator", "targets"),
    ("losses", "regions"),
    ("blocks",),
    ("networks", "styles", "workload"),
    ("transport",),
    ("plan", "checkpoint", "engine", "steps", "working"),
    ("at_once",),
    ("random_field", "run", "training"),
    ("animation", "api", "output", "provenance", "video"),
    ("batch", "evaluation", "keras", "serving", "web"),
    ("server",),
    ("cli",),
    ("__main__",),
)
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}
FILES = sorted(
    path for top in ("tfstyle", "tools", "export") for path in (ROOT / top).rglob("*.py")
)

PROGRAMS = [f"export.{name}" for name in ("client_rest", "client_grpc", "load_test")]
# The process that listens.
SERVED = ["tfstyle.server.worker", "tfstyle.server.replicas"]


def imported(path):
    """Dotted names that a file imports, also inside functions; `from a import b` is a.b."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts == ("tfstyle", "__init__"):
        return
    for name in imported(path):
        top, *rest = name.split(".")
        if top in ("tools", "export"):
            assert parts[0] == top, f"imports {name}"
        if top == "tfstyle" and parts[0] == "export":
            assert rest[0] == "server", f"imports {name}: what is around a model knows its server"
        if top == "tfstyle" == parts[0] and name != "tfstyle.__version__":
            assert rest and rest[0] in LEVEL, f"imports {name}: the package root"
            same = rest[0] == parts[1]
            assert same or LEVEL[rest[0]] < LEVEL[parts[1]], f"imports {name}: not below it"


def test_every_module_has_a_level():
    known = {"__init__", *LEVEL}
    assert {path.stem for path in (ROOT / "tfstyle").iterdir() if _is_module(path)} <= known


def _is_module(path):
    return path.suffix == ".py" or (path / "__init__.py").is_file()


@pytest.mark.parametrize("module", ["tfstyle", "tfstyle.api", "tfstyle.cli", *SERVED, *PROGRAMS])
def test_importing_is_light(module):
    code = f"import sys, {module}; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_graphs_are_made_without_autograph():
    """It rewrites Python for seconds before a run begins, and the library needs none of that."""
    for path in (ROOT / "tfstyle").rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        graphs = {node for node in nodes if ast.unparse(node) == "tf.function"}
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        told = {call.func for call in calls if "autograph=False" in map(ast.unparse, call.keywords)}
        assert {node for node in graphs if isinstance(node, ast.Attribute)} <= told, path
