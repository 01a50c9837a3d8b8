"""Stylizers by name, and from folders, in the manner of KerasHub."""

import os
from typing import Any, ClassVar

import numpy as np

from tfstyle import presets
from tfstyle.settings import StylizerSettings


class FromPreset:
    """What `tfstyle.Stylizer` has to be made from presets, and to be saved as one.

    Attributes:
        presets: what comes with the package, `{name: description}`.
    """

    presets: ClassVar[dict[str, str]] = presets.PRESETS

    @classmethod
    def from_preset(cls, preset: str | os.PathLike, **changes: Any) -> Any:
        """A stylizer of a style that comes with the package, or that was saved.

        Args:
            preset: a name in `presets`, or a folder that `save_to_preset` wrote.
            changes: settings that are to be others, see `tfstyle.settings.StylizerSettings`.

        Raises:
            ValueError: no such preset, or a setting that cannot be used.

        Example:
            >>> stylizer = tfstyle.Stylizer.from_preset("strokes", max_size=64, evaluations=5)
            >>> stylizer.settings.max_size
            64
        """
        made = presets.load(preset)
        settings = StylizerSettings.of(made.values).replace(**changes)
        regions = {"style_region": made.regions} if made.regions else {}
        return cls(made.styles, settings, **regions)  # type: ignore[call-arg]

    def save_to_preset(self, folder: str | os.PathLike) -> None:
        """Writes the styles, their regions and the settings to a folder, for `from_preset`.

        Styles are kept as an export keeps them: in 8 bits a channel, no longer than 1024 pixels or
        `max_size`. A file of `weights` is not copied, its path is kept.

        Raises:
            ValueError: a network or statistic was given as an object; or the folder cannot be
                written.
        """
        if self._objects:  # type: ignore[attr-defined]
            name = next(iter(self._objects))  # type: ignore[attr-defined]
            raise ValueError(
                f"{name}: expected a name, which a preset can keep, received an object"
            )
        presets.save(folder, self._as_preset())

    def _as_preset(self):
        """Of the turns of a style the first is its picture; styles without a part are gone."""
        own = self.own_styles
        numbers = [number for *_, number in own.facts]
        first = [numbers.index(number) for number in dict.fromkeys(numbers)]
        styles = [own.pictures[place].numpy() for place in first]
        masks = [own.regions[place] for place in first]
        values = presets.changed_values(self.settings) | {"style_blend": own.parts}
        sizes = [own.facts[place][1].asked for place in first]
        values["style_size"] = sizes if any(sizes) else None
        values["style_region"] = None  # it is kept as pictures
        if all(mask is None for mask in masks):
            return presets.Preset(styles, [], values)
        everywhere = [np.full([*x.shape[:3], 1], 255, np.uint8) for x in styles]
        regions = [white if x is None else x.numpy() for white, x in zip(everywhere, masks)]
        return presets.Preset(styles, regions, values)
