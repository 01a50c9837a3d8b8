"""Modules of this package run as programs of their own: a fresh process remembers nothing."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments) -> str:
    """Runs this Python with these arguments and returns what it prints.

    Raises:
        RuntimeError: it failed; the message is the end of what it said.
    """
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-1000:]}")
    return done.stdout


def ask(module, *arguments):
    """What a module of this package, run as a program, prints as JSON in its last line."""
    return json.loads(run("-m", f"tools.benchmark.{module}", *arguments).splitlines()[-1])
