"""What the site needs beside Sphinx' own extensions.

Formulas are MathML, which browsers draw by themselves: the pages load no script and no font for
them. Functions that list settings in their help are shown without those in the first line.
"""

import inspect
import pathlib

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from pygments.lexers.special import TextLexer
from sphinx.util.inspect import stringify_signature

FIRST = "docs/index.html"


def setup(app):
    """Sphinx calls this."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.add_lexer("skip", TextLexer)  # the mark of commands that `make docs` does not run
    app.connect("autodoc-process-signature", _own_arguments)
    app.connect("build-finished", _first_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator, node):
    translator.body.append(convert(node.astext()))
    raise SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
    raise SkipNode


def _own_arguments(app, what, name, thing, options, arguments, returns):
    function = thing.__init__ if what == "class" else thing
    original = getattr(function, "__wrapped__", None)  # see `tfstyle.settings.base.keywords`
    if original is None:
        return None
    signature = inspect.signature(original)
    if what == "class":
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    return stringify_signature(signature, show_annotation=False), None


def _first_page(app, error):
    """The page at the root, which leads on to the first one."""
    if error is None and app.builder.format == "html":
        page = f'<!doctype html><meta http-equiv="refresh" content="0; url={FIRST}">'
        page += f'<title>tfstyle</title><a href="{FIRST}">tfstyle</a>\n'
        (pathlib.Path(app.outdir) / "index.html").write_text(page, "utf-8")
