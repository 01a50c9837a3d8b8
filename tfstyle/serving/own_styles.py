"""The styles that a stylizer was made with, as variables that go with it."""

from collections.abc import Sequence

import tensorflow as tf

from tfstyle import device, palette
from tfstyle.inputs import Style, parts_of
from tfstyle.styles import Example, mask_at, style_at

KEPT_SIDE = 1024  # pixels: style pictures up to this are kept as they are


class OwnStyles(tf.Module):
    """Style pictures in 8 bits, and where in them the style is.

    Args:
        styles: in each of their turns.

    Attributes:
        facts: of each picture: its part in the strength, its scale, the number of its style.
        parts: of the styles in the strength.
        are_grey: whether no style has a colour.
        have_regions: whether one counts in a part of its picture only.
    """

    def __init__(self, styles: Sequence[Style]):
        super().__init__(name="styles")
        stored = [style.stored(KEPT_SIDE) for style in styles]
        self.pictures, self.regions = (
            [None if x is None else tf.Variable(x, trainable=False) for x in column]
            for column in zip(*stored)
        )
        self.facts = [(style.part, style.scale, style.number) for style in styles]
        self.parts = parts_of(styles)
        self.have_regions = any(region is not None for region in self.regions)
        with device.eagerly():
            self.are_grey = all(bool(palette.is_grey(style.picture)) for style in styles)

    def examples(self, level, size) -> list[Example]:
        """The styles at a level of a result of that height and width."""
        examples = []
        for picture, region, (part, scale, number) in zip(self.pictures, self.regions, self.facts):
            unit = tf.cast(picture, tf.float32) / 255
            picture = style_at(unit, scale.beside(tf.reduce_max(size)), level)
            mask = None if region is None else tf.cast(region, tf.float32) / 255
            examples.append(Example(picture, part, mask_at(mask, picture), number))
        return examples
