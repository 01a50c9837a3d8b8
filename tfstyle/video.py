"""Films, frame by frame, with their sound; needs PyAV (`pip install tfstyle[video]`)."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tfstyle import images

EXTENSIONS = (".mp4", ".mov", ".mkv", ".webm", ".m4v")
CODEC, PIXELS = "libx264", "yuv420p"
QUALITY = "18"  # of x264: nearly without visible loss
STILL = 2 / 255  # a pixel that changes by less from frame to frame has not changed
Frames = Iterator[np.ndarray]


def is_film(path: Any) -> bool:
    """Whether a path has the name of a film."""
    return isinstance(path, (str, os.PathLike)) and os.fspath(path).lower().endswith(EXTENSIONS)


def painted(path: str, output: str, paint: Callable[[Frames], Iterable[np.ndarray]]) -> int:
    """Writes a film of which all frames are painted; its sound is copied as it is.

    Frames keep their times; odd sides lose a row or a column, which the format does not have.

    Args:
        path: of the film.
        output: a name with one of `EXTENSIONS`, not that of the film.
        paint: from frames `[1, H, W, 3]` in [0, 1] to as many of the same size.

    Returns:
        The number of frames.

    Raises:
        ValueError: no film, PyAV is missing, or the file cannot be written.
    """
    av = _library()
    images.check_writable(output, f"output={output}")
    path, output = images.expanded(path), images.expanded(output)
    extension = os.path.splitext(output)[1]
    try:
        with av.open(path) as source, images.temporary(output) as beside:
            named = beside + extension  # by which the container is known
            try:
                with av.open(named, "w") as target:
                    count = _copied(av, source, target, paint)
                os.replace(named, output)
            finally:
                if os.path.exists(named):
                    os.remove(named)
    except av.error.FFmpegError as error:
        raise ValueError(f"content={path}: expected a film, received what fails: {error}") from None
    return count


def _library():
    try:
        import av
    except ImportError:
        raise ValueError(
            "content: expected PyAV, which films need, received a film without it: pip install av"
        ) from None
    return av


def _copied(av, source, target, paint) -> int:
    """Decodes, paints and encodes all frames; packets of sound go by as they come."""
    if not source.streams.video:
        raise ValueError("content: expected a film, received one without pictures")
    seen, heard = source.streams.video[0], source.streams.audio[:1]
    drawn = target.add_stream(CODEC, rate=seen.average_rate or 25, options={"crf": QUALITY})
    drawn.width, drawn.height = seen.width // 2 * 2, seen.height // 2 * 2
    drawn.pix_fmt, drawn.codec_context.time_base = PIXELS, seen.time_base
    sounding = target.add_stream_from_template(heard[0]) if heard else None
    times: list[Any] = []

    def frames():
        for packet in source.demux(seen, *heard):
            if packet.stream is seen:
                for frame in packet.decode():
                    times.append((frame.pts, frame.time_base))
                    pixels = frame.to_ndarray(format="rgb24")[: drawn.height, : drawn.width]
                    yield np.float32(pixels[None]) / 255
            elif packet.dts is not None:
                packet.stream = sounding
                target.mux(packet)

    count = 0
    for picture in paint(frames()):
        frame = av.VideoFrame.from_ndarray(images.quantized(picture, 8), format="rgb24")
        frame.pts, frame.time_base = times[count]
        target.mux(drawn.encode(frame))
        count += 1
    target.mux(drawn.encode(None))
    return count


def flicker(before: Iterable[np.ndarray], after: Iterable[np.ndarray]) -> float:
    """Root mean square change from frame to frame where nothing moves.

    Args:
        before: frames `[1, H, W, 3]` in [0, 1] of a film.
        after: the same frames, painted.

    Returns:
        The warping error where the motion is none, over all pairs of frames; 0 without any.
    """
    squares, still, last = 0.0, 0, None
    for seen, made in zip(before, after):
        if last is not None:
            rests = np.abs(seen - last[0]).max(axis=-1) < STILL
            squares += float(np.square(made - last[1])[rests].sum())
            still += 3 * int(rests.sum())
        last = seen, made
    return (squares / still) ** 0.5 if still else 0.0
