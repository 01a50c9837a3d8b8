"""`tfstyle web`: who is let in, what is taken in, and runs that may crash."""

import asyncio
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from web_worker import DEADLY, serving

import tfstyle
from tfstyle import cli, images
from tfstyle.cli.run import typed
from tfstyle.settings import StylizeSettings, TextureSettings
from tfstyle.web import WebSettings, form, worker
from tfstyle.web.pictures import Picture, Pictures

httpx = pytest.importorskip("httpx")
Guard = pytest.importorskip("tfstyle.web.guard").Guard
PlainTextResponse = pytest.importorskip("starlette.responses").PlainTextResponse

EXAMPLE = {"content": "photos-chelsea", "style": ["styles-strokes"]}
OWN = {"host": "127.0.0.1:8080"}


def asked(job="stylize", **settings):
    texts = {name: str(value) for name, value in settings.items()}
    return {"job": job, "settings": texts, **EXAMPLE}


def told(url, until):
    """The runs by their id, as the page is told them, once `until` is true of them."""
    runs = {}
    with httpx.stream("GET", f"{url}/api/events", timeout=30) as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                for run in json.loads(line[6:])["runs"]:
                    old = runs.get(run["id"], {"points": []})["points"][: run["first"]]
                    runs[run["id"]] = run | {"points": old + run["points"]}
                if until(runs):
                    return runs


def is_in(identifier, *states):
    return lambda runs: runs[identifier]["state"] in states


def paint(url, **settings):
    answer = httpx.post(f"{url}/api/runs", json=asked(**settings))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def guarded(host="127.0.0.1", names=(), token=None):
    """(method, path, headers) -> answer of a page behind the guard; it keeps cookies."""
    app = Guard(PlainTextResponse("in"), host, names, token)
    transport = httpx.ASGITransport(app)
    client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")

    def ask(method, path, headers=()):
        return asyncio.run(client.request(method, path, headers=dict(headers)))

    return ask


@pytest.mark.parametrize(
    "headers, code",
    [
        (OWN, 200),
        ({"host": "localhost:9"}, 200),
        ({"host": "[::1]:8080"}, 200),
        ({"host": "evil.example:8080"}, 421),  # a name that was made to point here
        ({"host": "192.168.0.7:8080"}, 421),
        ({"host": ""}, 421),
        ({"host": "["}, 421),
        (OWN | {"origin": "http://127.0.0.1:8080"}, 200),
        (OWN | {"origin": "http://127.0.0.1:3000"}, 403),  # another page of this machine
        (OWN | {"origin": "https://evil.example"}, 403),
        (OWN | {"origin": "null"}, 403),
        (OWN | {"sec-fetch-site": "same-origin"}, 200),
        (OWN | {"sec-fetch-site": "cross-site"}, 403),
        (OWN | {"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_only_the_page_itself_is_let_in(headers, code):
    answer = guarded()("POST", "/api/runs", headers)
    assert answer.status_code == code
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_a_link_from_elsewhere_opens_the_page_and_nothing_else():
    foreign = OWN | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert guarded()("GET", "/", foreign).status_code == 200
    assert guarded()("GET", "/api/events", foreign).status_code == 403
    embedded = OWN | {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert guarded()("GET", "/", embedded).status_code == 403


def test_beyond_this_machine_everybody_shows_the_token():
    page = guarded("0.0.0.0", ("studio.example",), "right")
    assert page("GET", "/", {"host": "studio.example"}).status_code == 401
    assert page("GET", "/", {"host": "other.example"}).status_code == 421
    assert page("GET", "/api/form").json()["error"].startswith("token: ")
    assert page("GET", "/?token=wrong").status_code == 401
    assert page("GET", "/api/form?token=right").status_code == 401  # nowhere else
    assert page("GET", "/api/form", {"authorization": "Bearer right"}).status_code == 200
    entered = page("GET", "/?token=right")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=strict"} <= set(entered.headers["set-cookie"].split("; "))
    assert page("GET", "/api/form").status_code == 200  # by the cookie


def test_the_form_has_every_setting_but_those_that_name_files():
    fields = form.described(WebSettings(max_evaluations=90))
    for job, settings in (("stylize", StylizeSettings), ("texture", TextureSettings)):
        shown = {field["name"]: field for field in fields[job]}
        missing = set(settings.fields()) - set(shown)
        assert missing == {"weights", "init", "style_mask", "style_region"} | (
            {"content_mask"} if job == "stylize" else set()
        )
        assert shown["evaluations"]["range"] == [1, 90]
        assert [name for name in shown if shown[name]["is_first"]] == list(form.FIRST[job])
    assert form.FIRST.keys() == form.JOBS.keys() == fields.keys()


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"settings": {"weights": "/etc/passwd"}}, "weights: expected a setting that is no file"),
        ({"settings": {"init": "/etc/passwd"}}, "init: expected a setting that is no file"),
        ({"settings": {"style_mask": "/etc/passwd"}}, "style_mask: expected a setting that is"),
        ({"settings": {"strenght": "1"}}, "strenght: unknown setting; did you mean strength?"),
        ({"settings": {"strength": "2"}}, "strength: expected a number from 0 to 1, received '2'"),
        ({"settings": {"size": 64}}, "size: expected a setting that is no file, written as a text"),
        ({"settings": {"size": "64x4096"}}, "size: expected at most 2048 on this page"),
        ({"settings": {"evaluations": "3000"}}, "evaluations: expected at most 2000 on this page"),
        ({"settings": []}, "settings: expected an object"),
        ({"job": "export"}, "job: expected one of stylize, texture"),
        ({"style": []}, "style: expected a picture, received none: drop one"),
        ({"style": ["/etc/passwd"]}, "style: expected a picture, received none that is still here"),
        ({"content": None}, "content: expected a picture"),
        ({"masks": {"weights": ["x"]}}, "weights: unknown setting"),
        ({"extension": ".exe"}, "extension: expected one of .png, .jpg, .webp"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(changes, sentence, tmp_path):
    pictures = Pictures(str(tmp_path), "1MB")
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        form.read(asked() | changes, pictures, WebSettings())


def test_a_file_that_is_no_picture_leaves_nothing_behind(tmp_path):
    with serving(tmp_path, max_upload="0.1MB") as url:
        bad = httpx.post(f"{url}/api/pictures?name=a.png", content=b"GIF89a no picture")
        large = httpx.post(f"{url}/api/pictures?name=a.png", content=bytes(100_001))
        chunks = (bytes(60_000) for _ in range(2))  # it does not say how long it is
        long = httpx.post(f"{url}/api/pictures?name=a.png", content=chunks)
        assert (bad.status_code, large.status_code, long.status_code) == (400, 413, 413)
        assert bad.json()["error"].startswith("picture: expected a picture in one of the formats")
        assert os.listdir(tmp_path) == []
        tiny = pathlib.Path(tmp_path.parent, "tiny.png")
        Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(tiny)
        good = httpx.post(f"{url}/api/pictures?name=..%2Fa%20b.png", content=tiny.read_bytes())
        assert good.json() | {"id": ""} == {"id": "", "name": "a b.png", "size": [50, 40]}
        assert httpx.get(f"{url}/api/pictures/{good.json()['id']}").content[:2] == b"\xff\xd8"
        assert httpx.get(f"{url}/page/..%2fapp.py").status_code == 404
        assert httpx.get(f"{url}/api/pictures/..%2f..%2fapp").status_code in (400, 404)


def test_a_run_that_dies_takes_nothing_with_it_and_the_next_one_paints(tmp_path):
    with serving(tmp_path, max_waiting=2) as url:
        dying, second, third = (paint(url, size=32, seed=seed) for seed in (DEADLY, 1, 2))
        runs = told(url, lambda runs: len(runs) == 3 and runs[dying]["state"] == "painting")
        assert [runs[each]["position"] for each in (dying, second, third)] == [None, 1, 2]
        full = httpx.post(f"{url}/api/runs", json=asked())
        assert full.status_code == 503 and "at most 2 that wait" in full.json()["error"]
        assert httpx.post(f"{url}/api/runs/{third}/stop").status_code == 200  # out of the queue
        runs = told(url, is_in(second, "painting"))
        assert runs[dying]["message"].startswith("its process ended by signal 9, perhaps for lack")
        assert runs[dying]["has_live"] and not runs[dying]["has_picture"]
        assert (runs[third]["state"], runs[third]["has_picture"]) == ("stopped", False)
        told(url, lambda runs: runs[second]["evaluations"] > 5)
        assert httpx.post(f"{url}/api/runs/{second}/remove").status_code == 409  # it paints
        httpx.post(f"{url}/api/runs/{second}/stop")
        run = told(url, is_in(second, "stopped"))[second]
        assert run["marks"] == [[0, 1]] and run["can_resume"]
        assert [at for at, _ in run["points"]] == list(range(1, run["evaluations"] + 1))
        download = httpx.get(f"{url}/api/runs/{second}/download")
        assert 'filename="chelsea_strokes.png"' in download.headers["content-disposition"]
        assert httpx.post(f"{url}/api/runs/{second}/remove").status_code == 200
        assert httpx.get(f"{url}/api/runs/{second}/picture").status_code == 404


def test_the_oldest_runs_make_room(tmp_path):
    with serving(tmp_path, max_runs=2) as url:
        for _ in range(3):
            last = paint(url, size=32, evaluations=1)
            runs = told(url, is_in(last, "done"))
        assert len(runs) == 2 and len(list(tmp_path.glob("run-*"))) == 2


class Listener(list):
    """Hears what a worker says, and stops it after some evaluations."""

    def __init__(self, stop_at=10**6):
        super().__init__()
        self.stop_at, self.worker = stop_at, worker.Worker(self)

    def __call__(self, answer):
        self.append(answer)
        if answer.get("evaluations", 0) >= self.stop_at:
            self.worker.run.stop()


def test_a_run_that_is_stopped_and_resumed_is_the_one_that_was_not(tmp_path, monkeypatch):
    monkeypatch.setattr("tfstyle.optimizers.base.CHUNK_SECONDS", 0)
    layers = {"style_layers": "block1_conv1", "content_layers": "block2_conv1"}
    settings = {"size": 48, "evaluations": 12, "precision": "float32", "scales": 1, **layers}
    pictures, drawn = Pictures(str(tmp_path), "1MB"), str(tmp_path / "drawn")
    Image.fromarray(np.uint8([[0, 255]])).resize((64, 64)).save(drawn, "PNG")
    pictures.add(Picture("drawn", "mask.png", drawn, drawn), ())
    answer = asked(**settings) | {"masks": {"style_mask": ["drawn"]}}
    job = form.read(answer, pictures, WebSettings())
    order = {"job": job.as_message(), "extension": ".png", "settings": job.named.as_json()}
    order["typed"] = job.typed(typed)
    for stop_at in (2, 10**6):
        heard = Listener(stop_at)
        heard.worker.paint(folder=str(tmp_path), **order)
    assert heard[-1] == {"outcome": "done", "is_finished": True}
    resumed = images.load(tmp_path / "picture.png")
    whole = tfstyle.stylize(job.content.path, job.styles[0].path, job.settings).image
    assert np.abs(resumed - whole).max() <= 0.5 / 255 + 1e-6
    record = images.read_settings(tmp_path / "picture.png")
    assert record["evaluations"] == 12 and record["settings"]["size"] == 48
    assert record["command"].startswith("tfstyle stylize --content=chelsea.jpg --style=strokes.jpg")
    assert "--size=48" in record["command"] and "--style_mask=mask.png" in record["command"]
    assert record["settings"]["style_mask"] == ["mask.png"] and str(tmp_path) not in str(record)
    assert images.load(tmp_path / "before.jpg").shape == whole.shape


def test_the_command_serves_until_it_is_ended_and_removes_its_files(tmp_path):
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    left = tmp_path / "tfstyle-web-999999999-left"  # of one that was killed
    left.mkdir()
    command = [sys.executable, "-m", "tfstyle", "web", "--port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            url = re.search(r"http://[\d.:]+", process.stderr.readline())[0]
            assert b"<title>tfstyle</title>" in httpx.get(url).content
            (folder,) = tmp_path.glob("tfstyle-web-*")
            assert folder != left and folder.stat().st_mode & 0o777 == 0o700
            watching = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])))
            watching.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert watching.recv(99).startswith(b"HTTP/1.1 200")
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        watching.close()
    assert list(tmp_path.glob("tfstyle-web-*")) == []


def test_the_help_lists_its_flags(capsys):
    assert cli.main(["web", "--helpfull"]) == 0
    listed = re.findall(r"^  --(\w+)", capsys.readouterr().out, flags=re.MULTILINE)
    assert set(listed) == {"verbose", *WebSettings.fields()}


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--host=256.0.0.1"], "--port: expected a free one at an address of this machine"),
        (["--token_file=short"], "--token_file: expected at least 16 letters"),
        (["--token_file=none"], "--token_file: expected a file that can be read"),
        (["--max_upload=4"], "expected a size such as 8GB or 512MB"),
    ],
)
def test_a_wrong_flag_is_one_sentence(arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("short").write_text("abc")
    assert cli.main(["web", *arguments]) == 2
    assert sentence in capsys.readouterr().err
