"""What a run will do and what that costs, known before it starts."""

from tfstyle import cost, features


class Plan:
    """Levels and network of a run; `values` are its flags."""

    def __init__(self, values, levels):
        self.levels = levels
        self.network = values["features"]
        self.architecture = features.FEATURES[self.network]
        self.precision = values["precision"]
        self.style_layers = values["style_layers"]
        content_layers = values["content_layers"] if values.get("content_weight") else []
        self.layers = [*content_layers, *self.style_layers]
        features.check_layers(self.network, values.get("content_layers", ()), "content_layers")
        features.check_layers(self.network, self.style_layers, "style_layers")

    def pixels(self):
        """The measure of progress: an evaluation at twice the size takes four times as long."""
        return sum(level.evaluations * level.height * level.width for level in self.levels)

    def memory(self, precision):
        last = self.levels[-1]
        return cost.memory_bytes(self.architecture, self.layers, last.height, last.width, precision)

    def check_memory(self):
        last, needed = self.levels[-1], self.memory(self.precision)
        if needed > cost.available_memory():
            raise ValueError(
                f"size: {last.width}x{last.height} needs about {needed / 1e9:.0f} GB of memory, "
                f"{cost.available_memory() / 1e9:.0f} GB are there; try a smaller one"
            )

    def announcement(self):
        """Device, network, sizes, memory and time to be expected."""
        from tfstyle import device

        precision = device.precision(self.precision)
        work = sum(
            level.evaluations
            * cost.evaluation_flops(
                self.architecture, self.layers, self.style_layers, level.height, level.width
            )
            for level in self.levels
        )
        sizes = " > ".join(f"{level.width}x{level.height}" for level in self.levels)
        return (
            f"{device.name()}, {precision} | {self.network} | {sizes} | "
            f"about {self.memory(precision) / 1e9:.1f} GB, {device.seconds(work, precision):.0f} s"
        )
