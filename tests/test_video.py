"""Films: all frames at their times, the sound as it was, and colours that do not flicker."""

import fractions

import numpy as np
import pytest

from tfstyle import video
from tfstyle.networks import applied, trained

av = pytest.importorskip("av")
RNG = np.random.default_rng(1)


def film(path, frames):
    """Writes a film of those frames, 12 a second, with a tone."""
    with av.open(str(path), "w") as target:
        drawn = target.add_stream("libx264", rate=12, options={"crf": "1"})
        drawn.width, drawn.height, drawn.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
        sound = target.add_stream("aac", rate=16000, layout="mono")
        for frame in frames:
            target.mux(drawn.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        wave = np.float32(0.3 * np.sin(np.arange(16000) / 5))[None]
        for number in range(0, 15 * 1024, 1024):
            block = wave[:, number : number + 1024]
            tone = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            tone.sample_rate, tone.pts = 16000, number
            tone.time_base = fractions.Fraction(1, 16000)
            target.mux(sound.encode(tone))
        target.mux(drawn.encode(None))
        target.mux(sound.encode(None))


def packets(path):
    with av.open(str(path)) as source:
        return [bytes(packet) for packet in source.demux(source.streams.audio[0]) if packet.size]


def times(path):
    with av.open(str(path)) as source:
        return [frame.time for frame in source.decode(source.streams.video[0])]


def test_frames_keep_their_times_and_the_sound_stays(tmp_path):
    frames = [np.full((48, 64, 3), 10 * number, np.uint8) for number in range(12)]
    film(tmp_path / "before.mp4", frames)
    output = str(tmp_path / "after.mp4")
    negative = lambda pictures: (1 - picture for picture in pictures)  # noqa: E731
    assert video.painted(str(tmp_path / "before.mp4"), output, negative) == 12
    assert times(output) == pytest.approx(times(tmp_path / "before.mp4"), abs=1e-3)
    assert packets(output) == packets(tmp_path / "before.mp4") and packets(output)
    with av.open(output) as source:
        made = [each.to_ndarray(format="rgb24") for each in source.decode(video=0)]
    for before, after in zip(frames, made):
        assert np.abs(255 - before.astype(float) - after).max() < 6
    with pytest.raises(ValueError, match="^content=.*expected a film"):
        (tmp_path / "text.mp4").write_text("no film")
        video.painted(str(tmp_path / "text.mp4"), output, negative)


def test_what_rests_does_not_flicker_where_something_moves():
    network = trained.build("style")
    shapes = [weight.shape for weight in network.get_weights()]
    network.set_weights([np.float32(RNG.normal(0, 0.1, shape)) for shape in shapes])
    applier = applied.Applier(trained.Trained(network, {"kind": "style"}, {}))
    still = np.float32(RNG.random((1, 32, 320, 3)))
    frames = [still.copy() for _ in range(4)]
    for number, frame in enumerate(frames):
        frame[:, :, :100] = 0.2 * number  # far from most of what rests
    alone = video.flicker(frames, map(applier.painted, frames))
    steady = video.flicker(frames, applier.frames(frames))
    assert steady < 0.6 * alone


def test_flicker_is_that_of_pixels_at_rest():
    before = [np.zeros((1, 2, 2, 3), np.float32) for _ in range(2)]
    after = [np.zeros((1, 2, 2, 3), np.float32), np.full((1, 2, 2, 3), 0.5, np.float32)]
    before[1][0, 0, 0], after[1][0, 0, 0] = 1, 9  # it moves
    assert video.flicker(before, after) == pytest.approx(0.5)
