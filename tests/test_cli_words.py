"""Short commands: words for flags, help on two levels, what is said, and what shells complete."""

import re
import shlex
import subprocess
import types

import pytest
from test_cli import FEW, complaint, size

from tfstyle import cli, images
from tfstyle.cli import completion, options
from tfstyle.progress import Bar


def meaning(arguments, monkeypatch):
    """The command that is called, and the flags that it finds."""
    found = []

    def parse(command, classes, given):
        found.append((command, real(command, classes, given)))
        return None  # as where the help was asked for: nothing is done

    real = options.parse
    with monkeypatch.context() as patch:
        patch.setattr(options, "parse", parse)
        assert cli.main(arguments) == 0
    return found[0]


@pytest.mark.parametrize(
    "short, long",
    [
        ("p.jpg s.jpg -o out.png", "stylize --content=p.jpg --style=s.jpg --output=out.png"),
        ("-o out.png p.jpg s.jpg", "stylize --content=p.jpg --style=s.jpg --output=out.png"),
        ("--style s.jpg p.jpg -o o.png", "stylize --content=p.jpg --style=s.jpg --output=o.png"),
        (
            "stylize p.jpg s.jpg t.jpg --style-blend 1,2 -o o.png",
            "stylize --content=p.jpg --style=s.jpg,t.jpg --style_blend=1,2 --output=o.png",
        ),
        (
            "texture s.jpg 'a, b.png' -o o.png",
            "texture --style='s.jpg,\"a, b.png\"' --output=o.png",
        ),
        ("texture s.jpg,t.jpg -o o.png", "texture --style=s.jpg,t.jpg --output=o.png"),
        (
            "batch p.jpg q.jpg s.jpg -o out --keep-exif=camera",
            "batch --content=p.jpg,q.jpg --style=s.jpg --output_dir=out --keep_exif=camera",
        ),
        (
            "batch --style=s.jpg,t.jpg p.jpg q.jpg -o out",
            "batch --content=p.jpg,q.jpg --style=s.jpg,t.jpg --output_dir=out",
        ),
        ("compare s.jpg -o out", "compare --style=s.jpg --output=out"),
        ("compare p.jpg s.jpg -o out", "compare --content=p.jpg --style=s.jpg --output=out"),
        ("export s.jpg -o model", "export --style=s.jpg --output=model"),
        ("frame s.jpg -o o.png", "frame --style=s.jpg --output=o.png"),
        ("invert p.jpg -o o.png --no-resume", "invert --content=p.jpg --output=o.png --noresume"),
        ("invert -o o.png -- -p.jpg", "invert --content=-p.jpg --output=o.png"),
        (  # what looks like a flag but is a value stays as it is
            "invert p.jpg -o -my-picture.png",
            "invert --content=p.jpg --output=-my-picture.png",
        ),
    ],
)
def test_words_stand_for_flags(folder, monkeypatch, short, long):
    assert meaning(shlex.split(short), monkeypatch) == meaning(shlex.split(long), monkeypatch)


def test_the_shortest_command_paints_and_says_one_line(folder, capsys):
    few = [*(flag.replace("_layers", "-layers") for flag in FEW), "--content-layers=block1_conv1"]
    assert cli.main(["content.jpg", "style.png", "-o", "short.png", *few]) == 0
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert re.fullmatch(r"short\.png: done, 48x40 pixels in \d+\.\d s", line)
    assert captured.out == ""
    command = images.read_settings("short.png")["command"]
    assert command.startswith("tfstyle stylize --content=content.jpg --style=style.png ")
    assert size("short.png") == (48, 40)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ("textur style.png", "received 'textur'; did you mean texture?"),
        ("content.jpg none.png -o out.png", "tfstyle stylize: --style=none.png: file not found"),
        (
            "content.jpg",
            "--style: expected one or several different files, received nothing; usage",
        ),
        ("content.jpg", "usage: tfstyle stylize CONTENT STYLE... -o OUTPUT"),
        ("invert content.jpg b.jpg", "expected CONTENT only, received 'b.jpg' too"),
        ("texture a.jpg a.jpg -o o.png", "--style=a.jpg,a.jpg: expected one or several different"),
        ("frame a.jpg -o o.png --swweps=3", "flag 'swweps'; did you mean sweeps?"),
        ("a.jpg b.jpg -o o.png --stlye-weight=3", "'stlye-weight'; did you mean style_weight?"),
        (
            "compare style.png -o out --statistics=mean,gramm",
            "out of gram, mean, mean_covariance",
        ),
        ("compare style.png -o out --statistics=mean,gramm", "; did you mean gram?"),
        ("--completion=tcsh", "--completion: expected one of bash, zsh, fish, received 'tcsh'"),
    ],
)
def test_mistakes(folder, capsys, arguments, expected):
    assert expected in complaint(shlex.split(arguments), capsys)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_the_short_help_is_short_and_its_example_is_a_command(folder, command, capsys, monkeypatch):
    example = shlex.split(f"{command} {cli.COMMANDS[command].example}")
    assert meaning(example, monkeypatch)[0] == command
    texts = {}
    for columns in (60, 130):
        monkeypatch.setenv("COLUMNS", str(columns))
        for level in ("--help", "--helpfull"):
            assert cli.main([command, level]) == 0
            texts[level] = capsys.readouterr().out
            widest = max(map(len, texts[level].splitlines()))
            assert widest <= columns or widest == len(f"  tfstyle {shlex.join(example)}")
            assert columns - 30 < widest
    assert len(texts["--help"].splitlines()) < 30
    flags = {level: set(re.findall(r"^  --(\w+)", text, re.M)) for level, text in texts.items()}
    assert {"verbose"} < flags["--help"] < flags["--helpfull"]
    assert ("method" in flags["--help"]) == (command in ("stylize", "batch", "export", "compare"))
    for spelling in ("--help-all", "--help_all"):
        assert cli.main([command, spelling]) == 0
        assert capsys.readouterr().out == texts["--helpfull"]


def test_bash_completes_commands_flags_and_values(folder, capsys):
    assert cli.main(["--completion", "bash"]) == 0
    tries = """
try() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _tfstyle 2>/dev/null  # compopt complains where nothing is being typed
    echo "${COMPREPLY[*]}"
}
try tfstyle te
try tfstyle texture --ti
try tfstyle texture --tile = x
try tfstyle photo.jpg painting.jpg --color ""
try tfstyle invert photo.jpg --style
"""
    script = capsys.readouterr().out + tries
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    expected = ["texture", "--tile=", "x xy", "style keep match luminance", ""]
    assert done.stdout.splitlines() == expected and done.stderr == ""


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_every_shell_is_told_of_every_flag(shell, capsys, monkeypatch):
    assert cli.main([f"--completion={shell}"]) == 0
    script = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert cli.main([command, f"--completion={shell}"]) == 0
        section = capsys.readouterr().out
        assert section in script
        assert cli.main([command, "--helpfull"]) == 0
        flags = re.findall(r"^  --(\w+)", capsys.readouterr().out, re.M)
        assert [flag for flag in flags if not re.search(rf"\b{flag}\b", section)] == []


def test_the_bar_tells_the_time_left_only_where_it_is_known(capsys):
    def step(fraction):
        return types.SimpleNamespace(fraction=fraction, loss=1.0, evaluations=3)

    with Bar(enabled=True, runs=2) as bar:
        bar.show(step(0.0))
        bar.show(step(0.01))
        early = capsys.readouterr().err
        bar._bar.mininterval = 0  # or it would be drawn ten times a second at most
        bar.show(step(0.5))
        later = capsys.readouterr().err
        bar.end_run()
        bar.show(step(0.5))
    assert "starting" in early and "left" not in early and "?" not in early
    assert " 25%" in later and " left, picture 1 of 2, 3 evaluations, loss 1" in later
    assert " 75%" in capsys.readouterr().err
