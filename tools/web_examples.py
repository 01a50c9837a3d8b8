"""Writes the pictures that are offered on the page of `tfstyle web`: those of examples/, smaller.

python -m tools.web_examples
"""

import pathlib

from PIL import Image

from tfstyle.web.pictures import EXAMPLES, KINDS

SIDE = 384  # long side in pixels
ROOT = pathlib.Path(__file__).parent.parent / "examples"

if __name__ == "__main__":
    for kind in KINDS:
        (EXAMPLES / kind).mkdir(parents=True, exist_ok=True)
        for path in sorted((ROOT / kind).glob("*.jpg")):
            with Image.open(path) as picture:
                picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
                picture.save(EXAMPLES / kind / path.name, quality=88)
