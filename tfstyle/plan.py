"""What a run will do and what that costs, known before it starts."""

from tfstyle import checks, cost, features, schedule

LAYERS = ("layer", "content_layers", "style_layers")


class Plan:
    """Levels and network of a run.

    Args:
        values: its flags.
        size: height and width of the result.
    """

    def __init__(self, values, size):
        self.height, self.width = size
        self.levels = schedule.levels(
            *schedule.with_margin(*size), values["evaluations"], values["scales"]
        )
        self.network = values["features"]
        self.architecture = features.FEATURES[self.network]
        self.precision = values["precision"]
        for name in LAYERS:
            if name in values:
                checks.layer_names(name, values[name])
                features.check_layers(self.network, values[name], name)
        self.style_layers = values.get("style_layers", ())
        content_layers = values["content_layers"] if values.get("content_weight") else []
        self.layers = [*content_layers, *values.get("layer", ()), *self.style_layers]

    def pixels(self):
        """The measure of progress: an evaluation at twice the size takes four times as long."""
        return sum(level.evaluations * level.height * level.width for level in self.levels)

    def memory(self, precision):
        last = self.levels[-1]
        return cost.memory_bytes(self.architecture, self.layers, last.height, last.width, precision)

    def check_memory(self):
        needed = self.memory(self.precision)
        if needed > cost.available_memory():
            raise ValueError(
                f"size: {self.width}x{self.height} needs about {needed / 1e9:.0f} GB of memory, "
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
        count = len(self.levels)
        scales = f"{self.width}x{self.height}, {count} scale{'s' if count > 1 else ''}"
        return (
            f"{device.name()}, {precision} | {self.network} | {scales} | "
            f"about {self.memory(precision) / 1e9:.1f} GB, {device.seconds(work, precision):.0f} s"
        )
