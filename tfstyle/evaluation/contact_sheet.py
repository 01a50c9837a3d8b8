"""Sheets of labelled pictures."""

import textwrap

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfstyle import images

GAP, FONT_SIZE, LINE = 8, 13, 17  # pixels
PAPER, INK = (255, 255, 255), (20, 20, 20)


def draw(rows):
    """Draws rows of pictures with their captions below.

    Args:
        rows: lists of (image `[1, H, W, 3]` in [0, 1], caption); columns are as wide as their
            widest picture, and captions are wrapped.

    Returns:
        The sheet, float32 `[1, H, W, 3]` in [0, 1].
    """
    font = ImageFont.load_default(FONT_SIZE)
    columns = range(max(map(len, rows)))
    widths = [max(row[n][0].shape[2] for row in rows if n < len(row)) for n in columns]
    lefts = np.cumsum([GAP, *(width + GAP for width in widths)])
    lines = [[_wrap(row[n][1], widths[n], font) for n in range(len(row))] for row in rows]
    heights = [
        max(image.shape[1] + LINE * len(text) for (image, _), text in zip(row, texts))
        for row, texts in zip(rows, lines)
    ]
    tops = np.cumsum([GAP, *(height + GAP for height in heights)])
    paper = Image.new("RGB", (int(lefts[-1]), int(tops[-1])), PAPER)
    pen = ImageDraw.Draw(paper)
    for row, texts, top in zip(rows, lines, tops):
        for (image, _), text, left in zip(row, texts, lefts):
            paper.paste(images.to_pil(image), (int(left), int(top)))
            below = int(top) + image.shape[1]
            for number, line in enumerate(text):
                pen.text((int(left), below + LINE * number), line, INK, font)
    return np.asarray(paper, np.float32)[np.newaxis] / 255


def strip(pictures, height, width):
    """Pictures side by side, all equally high, as large as the height and width allow."""
    ratios = [picture.shape[2] / picture.shape[1] for picture in pictures]
    height = min(height, int(width / sum(ratios)))
    scaled = [images.resize(p, height, int(height * ratio)) for p, ratio in zip(pictures, ratios)]
    return np.concatenate(scaled, axis=2)


def _wrap(caption, width, font):
    lines = []
    for part in caption.split("\n"):
        characters = int(width * len(part) / max(1, font.getlength(part)))
        lines += textwrap.wrap(part, max(1, characters))
    return lines
