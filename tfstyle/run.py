"""What is being done: a run as an iterator over its steps, to be watched, stopped and resumed.

Light to import: TensorFlow is loaded when the plan is asked for, or the first step.
"""

import functools
import os
import time
from typing import Any

import numpy as np

from tfstyle import at_once, device, levels, masks, networks, transport
from tfstyle.checkpoint import Checkpoint, Saver, arrays_of, found, nest_like
from tfstyle.features import check_settings, tiling
from tfstyle.inputs import Inputs, parts_of
from tfstyle.material import COLOR
from tfstyle.outcome import Outcome
from tfstyle.plan import Plan
from tfstyle.settings import JobSettings
from tfstyle.steps import Position, Result, Resumable, Step
from tfstyle.working import WorkingPictures


class Run(Resumable):
    """A run: an iterator over its steps, each a `Step`.

    The first step comes when all is ready, before the first evaluation, or at the place at which a
    run is resumed; the others after every fifth of a second or every evaluation, whichever takes
    longer.

    Args:
        settings: what to do, `tfstyle.settings.StylizeSettings`, `TextureSettings` or
            `InvertSettings`.
        content, style, init: pictures, see `tfstyle.stylize`.
        style_mask, style_region, content_mask: pictures in the place of those in the settings.
        maps: pictures by name, see `tfstyle.synthesize_texture`.
        features, statistic, optimizer: objects in the place of the names in the settings.
        checkpoint: a file that is written every few seconds and at the end.
        resume: a `Checkpoint`, or whether to resume from the file if it is there.
        judged: whether a judge, whose memory counts too, will look at the result.

    Example:
        >>> settings = tfstyle.settings.StylizeSettings(size=64, evaluations=20)
        >>> run = tfstyle.Run(
        ...     settings, "examples/photos/chelsea.jpg", "examples/styles/strokes.jpg"
        ... )
        >>> for step in run:
        ...     if step.evaluations >= 5:
        ...         run.stop()
        >>> run.result.outcome.value
        'stopped'

    Raises:
        ValueError: a picture or setting that cannot be used; the message begins with its name.
    """

    def __init__(
        self,
        settings: JobSettings,
        content: Any = None,
        style: Any = None,
        *,
        init: Any = None,
        style_mask: Any = None,
        style_region: Any = None,
        content_mask: Any = None,
        maps: Any = None,
        features: Any = None,
        statistic: Any = None,
        optimizer: Any = None,
        checkpoint: str | os.PathLike | None = None,
        resume: bool | Checkpoint = False,
        judged: bool = False,
    ):
        super().__init__()
        self.settings: Any = settings
        named = zip(masks.NAMES, (style_mask, style_region, content_mask))
        given = {name: mask for name, mask in named if mask is not None}
        self.inputs = Inputs.load(settings, content, style, init, given, maps)
        self._objects = features, statistic, optimizer
        network = settings.chosen("features") if features is None else features
        check_settings(settings, network)
        self._tiling = tiling(settings, network)
        self._working = WorkingPictures(self.inputs, self._tiling)
        objects = {"init": init, "features": features, "statistic": statistic} | given
        for part in (networks, transport):
            part.check_settings(settings, objects, checkpoint or resume)
        self._check_scales()
        self._saver, self._resume, self.judged = Saver(checkpoint), resume, judged
        self._outcome: Outcome | None = None
        self._at: Any = None  # a `Position` once all is ready
        self._steps = self._run()

    def _check_scales(self):
        """Raises what the plan would raise, without TensorFlow."""
        whole = levels.with_margin(*self.inputs.size, self._tiling)
        work = self.settings.chosen("evaluations"), self.settings.chosen("scales")
        levels.levels(*whole, *work, self._tiling)

    @functools.cached_property
    def device(self):
        """What the run is computed on."""
        return device.find()

    @functools.cached_property
    def engine(self):
        """What computes the steps."""
        from tfstyle import engine

        parts = engine.Parts(*self._objects)
        return engine.get(self.settings, parts, self.device, self.inputs.count)

    @functools.cached_property
    def plan(self) -> Plan:
        """What the run does, and what that costs; raises `ValueError` for too little memory."""
        return self.prepare()

    def prepare(self) -> Plan:
        """Plans the run: nothing that can be known to fail fails later."""
        with device.eagerly():
            workload, inputs = self.engine.workload, self.inputs
            has_regions = any(style.region is not None for style in inputs.styles)
            self.engine.check_masks(
                inputs.style_masks is not None or has_regions, inputs.content_mask is not None
            )
            return Plan.of(self.settings, self.inputs, self.device, workload, self.judged)

    def _interrupted(self):
        self._outcome = Outcome.STOPPED
        super()._interrupted()

    @property
    def evaluations(self) -> int:
        """Those made so far."""
        return self._at.evaluations if self._at else 0

    @property
    def result(self) -> Result:
        """The result as it is now; raises `ValueError` before the first step."""
        at, image = self._begun(), self._whole_image()
        maps = self.inputs.material.separated(image) if self.inputs.material else {}
        return Result(
            image=maps.get(COLOR, image),
            losses=np.concatenate(at.losses or [np.zeros((0, 2), np.float32)]),
            parts=_numbers(at.state.parts),
            evaluations=at.evaluations,
            outcome=self._outcome or Outcome.STOPPED,
            seconds=at.seconds,
            alpha=self.inputs.alpha,
            maps=maps,
        )

    def checkpoint(self) -> Checkpoint:
        """The run as it is now; raises `ValueError` before the first step."""
        at = self._begun()
        return Checkpoint(
            settings=self.settings.as_json(),
            inputs=self._digest,
            precision=self.plan.precision,
            budgets=self.plan.budgets,
            level=at.level,
            strategy=at.strategy,
            before=at.before,
            seconds=at.seconds,
            losses=np.concatenate(at.losses or [np.zeros((0, 2), np.float32)]),
            state=arrays_of(self.engine.packed(at.state)),
        )

    def _begun(self):
        if self._at is None:
            raise ValueError("run: expected one that has made its first step, received a new one")
        return self._at

    @functools.cached_property
    def _digest(self):
        parts = [f"{type(part).__module__}.{type(part).__qualname__}" for part in self._objects]
        return "-".join([self.inputs.digest(), *parts])

    def _save(self):
        if self._at and self._at.resumable:
            super()._save()

    # --- the steps

    def _run(self):
        method = self.settings.chosen("method")
        if method in ("network", "transport"):
            self._at, self._outcome = self._at_once(method), Outcome.DONE
            yield self._step()
            return
        saved = found(self._resume, self.checkpoint_path)
        if saved is not None:
            self._restore(saved)
            yield self._step()
        try:
            for number, planned in enumerate(self.plan.levels):
                is_done = self._at is not None and number < self._at.level
                if is_done or not planned.level.evaluations:  # fewer evaluations than levels
                    continue
                yield from self._level(number)
                if self._outcome:
                    return
        except KeyboardInterrupt:
            if not self.evaluations:
                raise
            self._outcome = Outcome.STOPPED
        else:
            self._outcome = self._ended()

    def _at_once(self, method):
        """The only position of a run whose picture networks make."""
        if method == "transport":
            return at_once.painting(*self._parts, self.inputs)
        targets = self._targets(0, self.plan.levels[0].strategy)
        return at_once.inversion(*self._parts, targets)

    @property
    def _parts(self):
        return self.settings, self.plan, self.engine, self._working

    def _level(self, number):
        """The steps of one level; where memory runs out, again in smaller blocks."""
        from tfstyle.optimizers import base

        strategy = self.plan.levels[number].strategy
        is_entered = self._at is not None and self._at.level == number
        while True:
            try:
                if not is_entered:
                    is_first = self._at is None
                    learned = () if is_first else self.engine.learned(self._at.state)
                    self._enter(number, strategy, self._image(), learned)
                    if is_first:
                        yield self._step()
                yield from self._minimize()
                return
            except base.EXHAUSTED:
                before = strategy if self._at is None else self._at.strategy
                smaller = self.engine.smaller(before, self.plan.levels[number].level)
                if smaller is None:
                    if not self.evaluations:
                        raise
                    self._outcome = Outcome.OUT_OF_MEMORY
                    return
                strategy, is_entered = smaller, False
                if self._at is not None:
                    self._at.release()

    def _enter(self, number, strategy, image, learned):
        """Begins a level: its targets, and the optimiser's first state at that image."""
        level, targets = self.plan.levels[number].level, self._targets(number, strategy, learned)
        optimizer, objective = self.engine.minimizer(strategy)
        start = self.engine.start(image, self._working.content, level)
        state = optimizer.start_for(objective, start, targets)
        begun, old = Position(number, strategy, targets, state), self._at
        if old is not None:
            begun.before, begun.losses = old.before_next(number), old.losses
            begun.seconds = old.seconds
        self._at = begun

    def _targets(self, number, strategy, learned=()):
        """The targets of a level."""
        level, workload = self.plan.levels[number].level, self.engine.workload
        seed = levels.level_seed(self.settings.seed, number)
        grid = workload and workload.grid(strategy.side)
        style_grid = workload and workload.style_grid(self.plan.style_side)
        styles, by_region = self.inputs.styles, self.inputs.style_masks is not None
        beside = self.engine.beside(self._working.content, level)
        return self.engine.targets(
            self.engine.content_targets(self._working.content, level, grid),
            self.engine.styles.kept(styles, level, seed, style_grid, beside, by_region),
            seed,
            learned,
            self.engine.regions.masks(
                level,
                self._working.style_masks,
                parts_of(styles),
                self._working.content_mask,
                self._working.photograph,
            ),
        )

    def _minimize(self):
        """The steps from the present state to the level's last evaluation."""
        at = self._at
        optimizer, objective = self.engine.minimizer(at.strategy)
        limit = self.plan.levels[at.level].level.evaluations - at.before[1]
        if self._is_stopped():
            return
        began = time.perf_counter()
        for chunk in optimizer.chunks(objective, at.state, at.targets, limit):
            at.state = chunk.state
            at.seconds += time.perf_counter() - began
            offset = np.float32([at.before[0], *[0] * (chunk.losses.shape[1] - 1)])
            at.losses = [*at.losses, chunk.losses + offset]
            yield self._step()
            began = time.perf_counter()  # what the caller takes does not count
            if self._is_stopped():
                return
        if self._ended() is Outcome.NOT_FINITE:
            self._outcome = Outcome.NOT_FINITE

    def _is_stopped(self):
        """Whether `stop` was called while there was work left."""
        at, last = self._at, len(self.plan.levels) - 1
        spent = at.before[1] + int(at.state.evaluations)
        is_left = at.level < last or spent < self.plan.levels[last].level.evaluations
        if self.is_stopping and is_left:
            self._outcome = Outcome.STOPPED
        return self._outcome is Outcome.STOPPED

    def _restore(self, saved):
        """Goes to the position of a checkpoint; more evaluations are added to the last level."""
        asked = self.settings.as_json() | {"evaluations": self.settings.chosen("evaluations")}
        saved.check(asked, self._digest, self.plan.precision)
        more = asked["evaluations"] - sum(saved.budgets)
        self.plan = self.plan.with_budgets([*saved.budgets[:-1], saved.budgets[-1] + more])
        level = self.plan.levels[saved.level].level
        blank = np.zeros((1, level.height, level.width, 3 * self.inputs.count), np.float32)
        self._enter(saved.level, saved.strategy, blank, ())
        at = self._at
        at.state = self.engine.unpacked(
            nest_like(self.engine.packed(at.state), saved.state), at.targets
        )
        at.before, at.seconds = saved.before, saved.seconds
        at.losses = [saved.losses] if len(saved.losses) else []

    # --- what is seen of them

    def _step(self):
        at, planned = self._at, self.plan.levels[self._at.level]
        made, spent = at.evaluations, at.before[1] + int(at.state.evaluations)
        return Step(
            level=at.level + 1,
            levels=len(self.plan.levels),
            fraction=1.0 if self._outcome else self.plan.fraction(at.level, spent),
            evaluations=made,
            loss=float(at.state.loss) if made else float("nan"),
            losses=_numbers(at.state.parts) if made else {},
            _shown=functools.partial(self._shown, at.shown, planned.level),
        )

    def _ended(self):
        from tfstyle.optimizers import base

        return base.OUTCOMES[int(self._at.state.status)]

    def _image(self):
        """The image with its margin, as the next level begins with it."""
        if self._at is not None:
            return np.clip(self._at.shown, 0, 1)
        if self.inputs.init is not None:
            return self._working.init
        if self.settings.init == "content":
            return self._working.content
        if self.settings.init == "transport":
            return at_once.transported(*self._parts, self.inputs)[0]
        if self.settings.chosen("method") == "both":
            return at_once.inverted(*self._parts)
        first = self.plan.levels[0].level
        of_noise = self.settings.seed, self.settings.noise
        return self.inputs.noise(first.height, first.width, *of_noise)

    def _whole_image(self):
        shown = self._shown(self._image(), self.plan.levels[-1].level)
        with device.eagerly():
            return self.engine.resized(shown, *self.inputs.size).numpy()

    def _shown(self, image, level):
        """An image as it is to be seen at a level, in the frame of the result."""
        from tfstyle import resampling

        frame = levels.frame(level, *self.inputs.size, self._tiling)

        def inside(picture):
            whole = self.engine.resized(picture, level.height, level.width)
            return resampling.crop(whole, *frame)

        content, has_grey_styles = self._working.content, self._working.has_grey_styles
        with device.eagerly():
            content = None if content is None else inside(content)
            return self.engine.shown(inside(image), content, has_grey_styles).numpy()


def _numbers(tensors):
    return {name: float(value) for name, value in tensors.items()}
