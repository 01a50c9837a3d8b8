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
        self.budget = cost.budget(values["memory"])
        self.optimizer = values["optimizer"] or getattr(
            values.get("statistic"), "optimizer", "lbfgs"
        )
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

    def check_memory(self):
        """Raises `ValueError` where not even small blocks fit into the memory."""
        self._load(self.precision).ways(self.levels, self.budget)

    def announcement(self):
        """Device, network, sizes, memory and time to be expected."""
        from tfstyle import device

        precision = device.precision(self.precision)
        load = self._load(precision)
        ways = load.ways(self.levels, self.budget)
        sizes = [(level.height, level.width, way) for level, way in zip(self.levels, ways)]
        flops = [load.flops(*size) for size in sizes]
        work = sum(level.evaluations * each for level, each in zip(self.levels, flops))
        memory = max(load.memory(*size) for size in sizes)
        count, side = len(self.levels), ways[-1].side
        scales = f"{self.width}x{self.height}, {count} scale{'s' if count > 1 else ''}"
        blocks = f", the last in blocks of {side}" if side else ""
        return (
            f"{device.name()}, {precision} | {self.network} | {scales}{blocks} | "
            f"about {memory / 1e9:.1f} GB, {device.seconds(work, precision):.0f} s"
        )

    def _load(self, precision):
        parts = self.architecture, tuple(self.layers), tuple(self.style_layers)
        return cost.Load(*parts, precision, self.optimizer)
