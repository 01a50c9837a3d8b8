"""The site: `make site`. Sources are the pages as they lie in the repository, links and all."""

import configparser
import pathlib
import sys

ROOT = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]
sys.path.append(str(ROOT / "tools"))

import tfstyle  # noqa: E402

_config = configparser.ConfigParser()
_config.read(ROOT / "setup.cfg", "utf-8")

project, author = "tfstyle", "tfstyle developers"
version = release = tfstyle.__version__
copyright = f"2026, {author}"

# The source folder is the repository's root: so links between pages are those of the repository.
root_doc = "docs/index"
include_patterns = [
    *("docs/*.md", "docs/*.rst", "examples/*.md", "examples/*.ipynb", "export/README.md"),
    *(
        "tfstyle/*/data/README.md",
        "tfstyle/*/data/*/README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "README.md",
    ),
]
exclude_patterns = [".venv", "build", "site", "demo"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "site_builder",
]

myst_enable_extensions = ["dollarmath", "html_image", "colon_fence"]
myst_heading_anchors = 4
myst_fence_as_directive = {"math"}
nb_execution_mode = "off"  # it is stored with its pictures, and a test runs it anew
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings tell more: shapes and ranges
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_rtype, napoleon_use_ivar = False, True
napoleon_custom_sections = [("Settings", "params_style")]
highlight_language = "text"  # of commands
default_role = "code"  # single backticks are code, in docstrings as in Markdown

html_theme = "furo"
html_title = f"tfstyle {version}"
html_math_renderer = "mathml"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_theme_options = {
    "source_repository": _config["metadata"]["url"],
    "source_branch": "main",
    "source_directory": "",
}
