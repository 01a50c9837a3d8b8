"""What a batch is made of: folders, lists and patterns, and the report of it."""

import csv
import os
import pathlib

import numpy as np
from PIL import Image

from tfstyle import cli

FEW = ["--size=40", "--evaluations=2", "--precision=float32", "--style_layers=block1_conv1"]
FEW += ["--content_layers=block2_conv1"]


def test_a_folder_keeps_its_tree_and_the_report_tells_of_every_picture(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    os.makedirs("photos/sea/out")
    rng = np.random.default_rng(0)
    for name in ("style", "photos/a", "photos/b", "photos/c"):
        Image.fromarray(rng.integers(0, 256, (40, 32, 3), np.uint8)).save(f"{name}.png")
    os.mkdir("photos/.trash")
    for name in ("photos/sea/a.PNG", "photos/sea/out/old.png", "photos/.trash/c.png"):
        os.link("photos/c.png", name)
    pathlib.Path("photos/sea/bad.jpg").write_text("not a picture")
    pathlib.Path("photos/notes.md").write_text("no picture")
    pathlib.Path("list.txt").write_text("photos/sea\n\nphotos/[ab].png\n")
    report = ["--report=report.csv"]
    words = ["batch", "photos", "style.png", "-o", "photos/sea/out", *FEW, *report]
    assert cli.main(words) == 1
    made = {str(path.relative_to("photos/sea/out")) for path in paths("photos/sea/out")}
    assert made == {"a.png", "b.png", "c.png", "old.png", "sea/a.png"}
    rows = table("report.csv")
    assert [row["content"] for row in rows] == sorted(row["content"] for row in rows)
    told = {row["content"]: (row["outcome"], row["evaluations"]) for row in rows}
    names = ("photos/a.png", "photos/b.png", "photos/c.png", "photos/sea/a.PNG")
    assert told == dict.fromkeys(names, ("done", "2")) | {"photos/sea/bad.jpg": ("failed", "")}
    (bad,) = (row for row in rows if row["error"])
    assert bad["output"] == "photos/sea/out/sea/bad.png" and bad["error"].startswith("expected")
    assert all(float(row["seconds"]) > 0 for row in rows if row is not bad)

    os.remove("photos/sea/bad.jpg")
    capsys.readouterr()
    assert cli.main(words) == 0
    assert capsys.readouterr().err == "all 4 pictures are done already\n"
    assert table("report.csv") == [row for row in rows if row is not bad]

    listed = ["batch", "list.txt", "style.png", "-o", "out", *FEW]
    os.remove("photos/sea/a.PNG")
    os.rename("photos/sea/out/old.png", "photos/sea/new.png")
    os.rename("photos/sea/out", "elsewhere")
    assert cli.main(listed) == 0
    assert sorted(os.listdir("out")) == ["a.png", "b.png", "new.png"]


def paths(folder):
    return [path for path in pathlib.Path(folder).rglob("*") if path.is_file()]


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
