"""Several pictures by one command, each with the next seed."""

import os

import numpy as np
import pytest
from test_cli import FEW, SHALLOW, complaint, pixels

import tfstyle
from tfstyle import Outcome, cli, images
from tfstyle.cli.run import Painting
from tfstyle.cli.variations import names

TEXTURE = ["texture", "--style=style.png", SHALLOW, *FEW]


def test_names_have_as_many_digits():
    assert names("a/wall.png", 2) == ["a/wall-1.png", "a/wall-2.png"]
    assert names("wall.jpg", 10)[:2] == ["wall-01.jpg", "wall-02.jpg"]


def test_variations_are_the_pictures_of_the_next_seeds(folder):
    arguments = [*TEXTURE, "--seed=5", "--output=out.png", "--variations=2"]
    assert cli.main(arguments) == 0
    assert not os.path.exists("out.png")
    for number in (1, 2):
        made = tfstyle.synthesize_texture(
            "style.png",
            seed=4 + number,
            size=(48, 40),
            evaluations=6,
            precision="float32",
            style_layers=["block1_conv1", "block2_conv1"],
        )
        np.testing.assert_array_equal(pixels(f"out-{number}.png"), images.to_pil(made.image))
    written = os.stat("out-1.png").st_mtime_ns
    os.remove("out-2.png")
    assert cli.main(arguments) == 0  # makes what is missing, and nothing else
    assert os.path.exists("out-2.png") and os.stat("out-1.png").st_mtime_ns == written


def test_what_is_done_before_an_interruption_stays(folder, capsys, monkeypatch):
    calls = []

    def interrupted(painting, judge=None):
        calls.append(painting.output)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(painting, judge)

    real = Painting.execute
    monkeypatch.setattr(Painting, "execute", interrupted)
    code = cli.main([*TEXTURE, "--output=out.png", "--variations=3"])
    assert code == Outcome.STOPPED.exit_code
    assert sorted(name for name in os.listdir() if name.startswith("out")) == ["out-1.png"]
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "1 of 3 pictures are made; the same command makes the others"


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ([*TEXTURE, "--checkpoint=run.npz"], "--checkpoint: expected none beside --variations"),
        (
            ["stylize", "--content=content.jpg", "--style=style.png", SHALLOW, *FEW],
            "--variations: expected 1 where the seed changes nothing",
        ),
        ([*TEXTURE, "--seed=2147483647"], "--seed: expected an integer of at least 0"),
    ],
)
def test_what_cannot_vary_is_refused(folder, capsys, arguments, sentence):
    line = complaint([*arguments, "--output=out.png", "--variations=2"], capsys)
    assert sentence in line
