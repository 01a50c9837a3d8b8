"""Workers as actors of a Ray cluster, fed by Ray Data."""

import contextlib
import logging
import os

from tfstyle.batch import worker as workers_part


def run(jobs, worker, workers, address):
    """Yields (job, error) as they are finished; `worker` is job -> error."""
    try:
        import ray
        import ray.data
    except ImportError:
        raise ValueError(
            'engine: expected Ray to be installed, received ray: pip install "tfstyle[ray]"'
        ) from None
    if not ray.is_initialized():
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError) as error:
            raise ValueError(
                f"ray_address: expected a cluster that answers, received {address!r}: {error}"
            ) from error
    _quieten(ray.data)
    left = dict(enumerate(jobs))
    rows = [{"number": number, **job._asdict()} for number, job in left.items()]
    # One picture a block: a block is handed on, and counted, only when all of it is finished.
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        _Actor,
        fn_constructor_args=(worker, os.getcwd()),
        concurrency=workers,
        num_cpus=1,
        max_restarts=-1,
        max_task_retries=workers_part.DEATHS - 1,
    )
    for row in done.iter_rows():
        if row["wrong"]:
            raise ValueError(row["wrong"])
        yield left.pop(row["number"]), row["error"] or None
    for job in left.values():
        yield job, workers_part.DIED


def _quieten(data):
    """No bars and remarks of Ray's own; a picture that kills its workers does not end the run."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1


class _Actor:
    """A worker with its own network; a core each, so that there may be as many as cores."""

    def __init__(self, worker, folder):
        # Paths that are not absolute begin where the command was typed, if that is there.
        with contextlib.suppress(OSError):
            os.chdir(folder)
        workers_part.set_up(1)
        self.worker = worker

    def __call__(self, row):
        job = workers_part.Job(row["content"], row["output"], row["command"])
        done = {"number": row["number"], "error": "", "wrong": ""}
        try:
            return done | {"error": self.worker(job) or ""}
        except ValueError as error:
            return done | {"wrong": str(error)}
