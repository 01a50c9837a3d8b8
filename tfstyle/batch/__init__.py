"""Many pictures in one style: the same settings, one worker function, several engines.

Light to import: TensorFlow and Ray are loaded when a picture is painted.
"""

import functools
import os

from tfstyle import checks
from tfstyle.batch import local, on_ray
from tfstyle.batch.worker import paint

ENGINES = ("local", "ray")
# Those that carry the settings, by which a finished picture is known.
EXTENSIONS = (".png", ".jpg", ".webp", ".tiff")


def outputs(contents, output_dir, extension=".png") -> list[str]:
    """The file that is made of each picture: in that folder, with its name and that extension.

    Raises:
        ValueError: two pictures would become the same file.
    """
    checks.choice("extension", extension, EXTENSIONS)
    sources = {}
    for content in contents:
        name = os.path.splitext(os.path.basename(content))[0] + extension
        if name in sources:
            raise ValueError(
                f"content: expected pictures of different names, received {sources[name]} and "
                f"{content}, which would both become {os.path.join(output_dir, name)}"
            )
        sources[name] = content
    return [os.path.join(output_dir, name) for name in sources]


def run(jobs, settings, engine="local", workers=1, ray_address=None):
    """Paints pictures.

    Args:
        jobs: list of `tfstyle.batch.worker.Job`, with different outputs.
        settings: arguments of `tfstyle.stylize`, except for the content, the same for all.
        engine: "local", processes of this machine; or "ray", actors of a cluster.
        workers: how many pictures are painted at a time; each worker has its own network.
        ray_address: of the cluster; `None` takes the one that this process is part of, or starts
            one on this machine.

    Yields:
        (job, error) as the pictures are finished; error is `None`, or a sentence for a picture
        that could not be made.

    Raises:
        ValueError: an argument is not as described, or a setting that is wrong for all pictures.
    """
    checks.choice("engine", engine, ENGINES)
    checks.integer("workers", workers, 1)
    worker = functools.partial(paint, settings)
    workers = min(workers, len(jobs))
    if engine == "ray":
        return on_ray.run(jobs, worker, workers, ray_address)
    return local.run(jobs, worker, workers)
