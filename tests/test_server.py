"""`tfstyle serve` around the processes of a model, which only pretend: routes, limits, ends."""

import asyncio
import collections
import concurrent.futures
import contextlib
import http.client
import importlib.util
import json
import os
import re

import pytest
from serve_pretending import FACTS, Pretending
from servers import TOKEN, needs_grpc, seconds, serving, wait_for

from export import load_test
from tfstyle import cli

for module in ("starlette", "uvicorn", "prometheus_client"):
    pytest.importorskip(module, reason="needs the server: pip install tfstyle[serve]")

from tfstyle.server import pool as pools  # noqa: E402
from tfstyle.server import refused  # noqa: E402

PREDICT = "/v1/models/tfstyle:predict"
OPEN = {"/healthz", "/readyz", "/openapi.json"}
LIMITS = ["--max_request=1MB", "--body_timeout=0.5", "--timeout=1.5", "--max_waiting=1"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    for version in (1, 2):
        (folder / str(version)).mkdir()
        (folder / str(version) / "saved_model.pb").touch()
    return folder


@pytest.fixture(scope="module")
def server(model):
    with serving(model, ["tests/serve_pretending.py"], model, *LIMITS) as server:
        yield server


@pytest.fixture
def together():
    """Starts functions at the same time; their results are there later."""
    with concurrent.futures.ThreadPoolExecutor() as threads:
        yield threads.submit


def metric(server, name):
    text = server.fetch("/metrics")[2].decode()
    return sum(float(value) for value in re.findall(rf"^{name} (\S+)$", text, re.M))


def is_ready(server):
    return server.ask(path="/readyz", token="")[0] == 200


def request(**what):
    return json.dumps(what).encode()


def asking(server, *more):
    arguments = [f"--url={server.url}", f"--token={TOKEN}", "--max_request_mb=1"]
    return load_test.Asking(load_test.parser().parse_args([*arguments, *more]))


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--host=0.0.0.0"], "--host: expected a token"),
        (["--model=nowhere"], "--model: expected a directory that holds 1/saved_model.pb"),
        (["--port={taken}"], "--port: expected a free one"),
        (["--token_file=nowhere"], "--token_file: expected a file that can be read"),
        ([f"--token_file={os.devnull}"], "--token_file: expected a token, "),
        (["--max_request=0"], "--max_request=0: expected a size such as"),
        ([], "--model: expected one that TensorFlow loads"),
    ],
)
def test_what_cannot_be_served(server, model, arguments, sentence, monkeypatch, capsys):
    monkeypatch.delenv("TFSTYLE_TOKEN", raising=False)
    arguments = [each.format(taken=server.root.rpartition(":")[2]) for each in arguments]
    assert cli.main(["serve", f"--model={model}", "--port=0", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_what_is_not_installed_is_named(model, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["serve", f"--model={model}"]) == 1
    assert capsys.readouterr().err.endswith('missing: pip install "tfstyle[serve]"\n')


def test_health_readiness_and_status(server):
    assert server.ask(path="/healthz", token="")[::2] == (200, {"status": "alive"})
    assert server.ask(path="/readyz", token="")[::2] == (200, {"status": "ready"})
    status, _, content = server.ask(path="/v1/models/tfstyle")
    (version,) = content["model_version_status"]
    assert (status, version["version"], version["state"]) == (200, "2", "AVAILABLE")
    assert version["status"] == {"error_code": "OK", "error_message": ""}


def test_the_description_is_that_of_the_routes(server):
    description = server.ask(path="/openapi.json", token="")[2]
    paths = description["paths"]
    told = server.ask(path="/", token="")[2]["error"]
    assert told == f"expected one of {', '.join(paths)}, received /"
    assert {"/stylize", "/texture"} < paths.keys()
    for path, methods in paths.items():
        ((method, described),) = methods.items()
        body = None if method == "get" else b"{}"
        codes = {server.fetch(path, body)[0], server.fetch(path, body, token="")[0]}
        assert codes <= {int(code) for code in described["responses"]}, path
        assert (401 in codes) == (path not in OPEN) == ("security" not in described)
        assert server.fetch(path, b"{}", method="DELETE")[0] == 405
    numbers = {each["name"]: each for each in paths["/stylize"]["post"]["parameters"]}
    assert numbers.keys() == {"num_steps", "seed", "max_size"}
    assert numbers["num_steps"]["schema"]["default"] == 70
    bodies = paths[PREDICT]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert {each["title"] for each in bodies} == FACTS["signatures"].keys()
    with contextlib.suppress(ImportError):
        importlib.import_module("openapi_spec_validator").validate(description)


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_who_has_not_the_token_gets_nothing(server, token):
    for path, body in {PREDICT: b"{}", "/stylize": b"x", "/metrics": None}.items():
        status, headers, content = server.ask(body, path, token=token)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "token" in content["error"]


def test_pictures_by_their_bytes(server):
    numbers = {"num_steps": 70, "seed": 0, "max_size": 512}
    for query, accept, changed, form in (
        ("", "*/*", {}, "image/png"),
        ("?num_steps=5&max_size=64", "image/jpeg", {"num_steps": 5, "max_size": 64}, "image/jpeg"),
        ("?seed=3", "image/png, image/jpeg", {"seed": 3}, "image/png"),
    ):
        accepted = {"Accept": accept}
        _, headers, content = server.ask(b"picture", f"/stylize{query}", headers=accepted)
        assert headers["Content-Type"] == form
        expected = {"signature": "stylize", "numbers": numbers | changed, "form": form}
        assert content == [7, expected]
    content = server.ask(path="/texture?height=64&width=96")[2]
    assert content[1]["numbers"] == {"height": 64, "width": 96, "seed": 0}


@pytest.mark.parametrize(
    "path, sentence",
    [
        ("/stylize?steps=5", "query: expected num_steps or seed or max_size, received 'steps'"),
        ("/stylize?num_steps=x", "num_steps: expected an integer of at least 0, received 'x'"),
        ("/stylize?seed=-1", "seed: expected an integer of at least 0, received '-1'"),
        ("/stylize?max_size=9", "max_size: expected an integer of at least 32, received '9'"),
        ("/texture?height=64", "width: expected a number in the query, received nothing"),
    ],
)
def test_numbers_that_no_route_takes(server, path, sentence):
    body = None if path.startswith("/texture") else b"picture"
    assert server.ask(body, path)[::2] == (400, {"error": sentence})


def test_each_request_has_an_id_and_a_line(server):
    given = server.fetch("/healthz", headers={"X-Request-ID": "mine-1.a:b"})[1]["X-Request-ID"]
    made = server.fetch("/healthz", headers={"X-Request-ID": 'a" b'})[1]["X-Request-ID"]
    other = server.fetch("/no%0Aid=x")[1]["X-Request-ID"]
    assert given == "mine-1.a:b" and re.fullmatch("[0-9a-f]{32}", made) and other != made
    wait_for(lambda: other in server.log.read_text())
    for name, what in ((given, "/healthz"), (made, "/healthz"), (other, r"/no\nid=x")):
        (line,) = [each for each in server.log.read_text().splitlines() if f"id={name} " in each]
        code = 404 if name == other else 200
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z id=.*", line)
        assert f'client=127.0.0.1 request="GET {what}" code={code} seconds=0.' in line


def test_numbers_for_prometheus(server):
    name = r'tfstyle_requests_total{code="404",route="other"}'
    before = metric(server, name)
    assert server.fetch("/nowhere")[0] == server.fetch("/neither")[0] == 404
    assert metric(server, name) == before + 2
    count = r'tfstyle_request_seconds_count{route="/healthz"}'
    before = metric(server, count)
    server.fetch("/healthz")
    assert metric(server, count) == before + 1
    assert metric(server, "tfstyle_places") == 2


def test_large_and_slow_requests(server):
    for status, body in (asking(server).large(), asking(server).chunked()):
        assert status == 413 and "at most 1000000 bytes" in json.loads(body)["error"]
    status, body = asking(server).slow()
    assert status == 408 and "expected the whole request in 0.5 s" in json.loads(body)["error"]


def test_a_full_server_says_so_and_a_long_computation_too(server, together):
    long = together(server.ask, {"seconds": 3})
    wait_for(lambda: metric(server, "tfstyle_places_taken") == 1)
    waiting = together(server.ask, {"seconds": 0})
    wait_for(lambda: not is_ready(server))
    assert seconds(lambda: server.ask(path="/healthz", token="")) < 0.5
    status, headers, content = server.ask(b"{}")
    assert (status, headers["Retry-After"]) == (503, "1") and "asked later" in content["error"]
    for each in (long, waiting):
        sentence = "expected to answer in 1.5 s, which was not enough"
        assert each.result()[::2] == (504, {"error": sentence})
    assert metric(server, "tfstyle_places_taken") == 1  # it cannot be stopped
    wait_for(lambda: server.ask({"seconds": 0})[0] == 200)
    assert metric(server, "tfstyle_places_taken") == 0


def test_a_client_that_leaves_gives_its_place_back(server, together):
    long = together(server.ask, {"seconds": 1.2})
    wait_for(lambda: metric(server, "tfstyle_places_taken") == 1)
    leaving = http.client.HTTPConnection(server.root.partition("//")[2])
    with contextlib.closing(leaving):
        leaving.request("POST", PREDICT, b"{}", {"Authorization": f"Bearer {TOKEN}"})
        wait_for(lambda: not is_ready(server))
    wait_for(lambda: is_ready(server))
    assert not long.done() and long.result()[0] == 200
    wait_for(lambda: "code=499" in server.log.read_text())


def test_a_fault_is_told_to_the_log_alone(server):
    status, _, content = server.ask({"fail": True})
    assert (status, content["error"]) == (500, "failed with KeyError, see the log")
    assert "Traceback of a test" in server.log.read_text()


def test_the_end_of_a_process_is_told_and_another_is_started(server, together):
    before = metric(server, "tfstyle_restarts")
    ended = together(server.ask, {"seconds": 0.5, "end": True})
    wait_for(lambda: metric(server, "tfstyle_places_taken") == 1)
    waiting = together(server.ask, {})
    for each in (ended, waiting):
        status, headers, content = each.result()
        assert (status, headers["Retry-After"]) == (503, "1")
        assert content["error"].startswith("expected to be asked later: the model's process has")
    assert server.ask(path="/readyz")[::2] == server.ask({})[::2] == (status, content)
    assert server.ask(path="/healthz")[0] == 200
    wait_for(lambda: is_ready(server))
    assert server.ask({})[0] == 200 and metric(server, "tfstyle_restarts") == before + 1


@needs_grpc
def test_calls_by_grpc(server, together):
    assert server.predict(request()) == b'{"outputs": 1}'
    assert server.refusal(request(), token="wrong")[0] == "UNAUTHENTICATED"
    assert server.refusal(request(fail=True)) == ("INTERNAL", "failed with KeyError, see the log")
    assert server.refusal(b" " * 1_000_001)[0] == "RESOURCE_EXHAUSTED"
    calls = [together(server.refusal, request(seconds=1.8)) for _ in range(2)]
    wait_for(lambda: not is_ready(server))
    assert server.refusal(request())[0] == "UNAVAILABLE"
    for call in calls:
        assert call.result()[0] == "DEADLINE_EXCEEDED"
    wait_for(lambda: metric(server, "tfstyle_places_taken") == 0)
    leaving = together(server.refusal, request(seconds=0.8), timeout=0.2)
    assert leaving.result()[0] == "DEADLINE_EXCEEDED"  # its own
    assert metric(server, "tfstyle_places_taken") == 1
    wait_for(lambda: metric(server, "tfstyle_places_taken") == 0)
    assert server.refusal(request(end=True))[0] == "UNAVAILABLE"
    wait_for(lambda: is_ready(server))
    what = ' client=127.0.0.1 request="Predict" '
    lines = [line for line in server.log.read_text().splitlines() if what in line]
    codes = collections.Counter(re.findall(r"code=(\d+)", " ".join(lines)))
    assert codes == {"200": 1, "401": 1, "500": 1, "503": 2, "504": 2, "499": 1}


def test_a_process_that_cannot_be_started_is_tried_again(monkeypatch):
    monkeypatch.setattr(pools, "PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr("serve_pretending.START_S", 0)
    starts = iter([Pretending(None), ValueError(), ValueError(), Pretending(None)])

    def start():
        made = next(starts)
        if isinstance(made, ValueError):
            raise made
        return made

    async def asked():
        async with pools.Pool(start, 1, 1, 0) as pool:
            with pytest.raises(refused.Refused), pool.place() as place:
                await pool.answer(place, "json", request(end=True))
            while not pool.restarts:
                await asyncio.sleep(0.01)
            with pool.place() as place:
                return await pool.answer(place, "json", request())

    assert asyncio.run(asked()).code == 200


def test_the_log_of_the_server_has_no_traceback_of_its_own(server):
    """After all that was asked above."""
    text = server.log.read_text().replace("Traceback of a test", "")
    assert "Traceback" not in text and "failed\n" not in text
