"""Photographs for `make models`, from two packages of Debian, freely licensed.

python -m tools.model_pictures --output=build/pictures

`apt-get` fetches the packages, and nothing is installed. The pictures are stored small: a training
reads one for every few crops.
"""

import argparse
import pathlib
import subprocess
import tempfile

from PIL import Image

# Folders of photographs, by package.
FOLDERS = {
    "lomiri-wallpapers-16.04": "usr/share/backgrounds",
    "mate-backgrounds": "usr/share/backgrounds/mate/nature",
}
SIDE = 512  # of the shorter side


def fetch(package: str, folder: pathlib.Path) -> pathlib.Path:
    """The files of a package, unpacked below `folder`."""
    subprocess.run(["apt-get", "download", "--quiet", package], cwd=folder, check=True)
    (archive,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "--extract", archive, folder / package], check=True)
    return folder / package


def main(arguments=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True, type=pathlib.Path)
    output = parser.parse_args(arguments).output
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        for package, where in FOLDERS.items():
            pictures = fetch(package, pathlib.Path(scratch)) / where
            for path in sorted(pictures.glob("*.jpg")):
                picture = Image.open(path).convert("RGB")
                part = SIDE / min(picture.size)
                size = tuple(round(part * side) for side in picture.size)
                picture.resize(size, Image.Resampling.LANCZOS).save(output / path.name, quality=92)


if __name__ == "__main__":
    main()
