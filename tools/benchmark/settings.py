"""What the flags say, and which networks can run with it."""

from typing import NamedTuple

from tfstyle import features


class Settings(NamedTuple):
    """The settings of all sections; `sizes` is `None` where each takes its own."""

    sizes: tuple[int, ...] | None
    networks: tuple[str, ...]
    weights: str | None
    rounds: int
    evaluations: int

    def weights_of(self, name) -> str | None:
        """Where a network's weights come from: "bundled", a file, or `None`: random ones."""
        bundled = features.table(name).weights == "bundled"
        return "bundled" if bundled else self.weights

    def trained(self) -> list[str]:
        """The networks with trained weights; says so if there are others."""
        for name in self.networks:
            if not self.weights_of(name):
                print(f"Left out, as it has no trained weights (--weights=FILE): {name}")
        return [name for name in self.networks if self.weights_of(name)]
