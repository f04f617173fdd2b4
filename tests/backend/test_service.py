"""What all services share, by the real client against a server on this machine that misbehaves in every way."""

import inspect
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

pytest.importorskip("urllib3", reason="needs the extra services")

from asrfair.backend import retrying
from asrfair.backend.base import Outcome, Request
from asrfair.backend.credentials import HIDDEN, hidden, read_key, refuse_key_options
from asrfair.backend.exchange import check_url
from asrfair.backend.retrying import Pace, next_wait_s, retry_after_s
from asrfair.backend.service import CHANGES_NOTHING, Service
from asrfair.backend.wire import encoded, word_at
from asrfair.errors import AsrfairError, BackendError, CardError
from tests.backend.servers import ANSWERS, KEY, VARIABLE, Asked, Provider, Say, options, request, serve

CLASSES = {"openai": "OpenAIBackend", "deepgram": "DeepgramBackend", "google": "GoogleBackend", "azure": "AzureBackend"}
Opener = Callable[..., Service]


def backend_type(name: str) -> type[Any]:
    return getattr(import_module(f"asrfair.backend.{name}"), CLASSES[name])


every = pytest.mark.parametrize("name", list(CLASSES))
"""For what a provider's module has a part in."""


@pytest.fixture
def name() -> str:
    return "openai"


@pytest.fixture
def provider(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv(VARIABLE, KEY)
    with serve(ANSWERS[name]) as running:
        yield running


@pytest.fixture
def opened(name: str, provider: Provider) -> Iterator[Opener]:
    made = []

    def opener(**more: Any) -> Service:
        made.append(backend_type(name)(**{**options(name, provider.url), "timeout_s": 5.0, **more}))
        return made[-1]

    yield opener
    for backend in made:
        backend.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits for real; the clock runs by what was waited."""
    waited: list[float] = []
    monkeypatch.setattr(retrying, "clock", lambda: sum(waited))

    def pause(seconds: float, stop: threading.Event) -> None:
        if stop.is_set():
            raise retrying.StoppedError
        if seconds > 0:
            waited.append(seconds)

    monkeypatch.setattr(retrying, "pause", pause)
    return waited


def reason(outcome: Outcome) -> str:
    assert outcome.hypothesis is None
    return str(outcome.failure)


# What goes well


@every
def test_every_request_gets_its_own_answer_in_order(opened: Opener) -> None:
    outcomes = opened(concurrency=3).transcribe([request(number) for number in range(10, 22)])
    assert [outcome.hypothesis for outcome in outcomes] == [f"w{number}" for number in range(10, 22)]
    assert all(outcome.seconds is not None and 0 < outcome.seconds < 5 for outcome in outcomes)


def test_slow_answers_are_waited_for_together_and_no_more_than_allowed(opened: Opener, provider: Provider) -> None:
    provider.instead = [Say(wait_s=0.1)] * 6
    outcomes = opened(concurrency=3).transcribe([request(number) for number in range(6)])
    assert [outcome.hypothesis for outcome in outcomes] == [f"w{number}" for number in range(6)]
    assert provider.most_at_once == 3


@every
@pytest.mark.parametrize("audio", ["wav", "flac"])
def test_what_is_sent_is_the_waveform_and_nothing_that_names_it(opened: Opener, provider: Provider, audio: str) -> None:
    samples = np.random.default_rng(3).integers(-32768, 32767, 800).astype(np.float32) / 32768
    opened(audio=audio, sample_rate=8_000).transcribe([Request("secret-speaker", "noise", "en-US", 8_000, samples)])
    (asked,) = provider.asked
    found, rate = asked.samples
    assert rate == 8_000
    assert np.array_equal(found, (samples * 32768).astype(np.int16))
    assert b"secret-speaker" not in asked.body
    assert "secret-speaker" not in str(asked.headers) + asked.path + str(asked.query)


def test_connections_are_kept(opened: Opener, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = opened(concurrency=1)
    backend.transcribe([request(number) for number in range(4)])
    pools = backend._exchange._pool.pools
    (pool,) = [pools[key] for key in pools.keys()]  # noqa: SIM118
    assert pool.num_connections == 1
    assert pool.num_requests == 4


def test_no_requests_no_calls(opened: Opener, provider: Provider) -> None:
    assert opened().transcribe([]) == []
    assert provider.asked == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (Request("a", "clean", "en", 16_000, None), "found no audio"),
        (request(1, rate=8_000), "found audio at 8000 Hz; expected 16000 Hz"),
        (request(1, samples=0), "found no samples"),
        (Request("a", "clean", "en", 16_000, np.array([np.nan], dtype=np.float32)), "not finite"),
    ],
)
def test_what_cannot_be_sent_fails_alone(opened: Opener, provider: Provider, bad: Request, said: str) -> None:
    first, second = opened().transcribe([bad, request(2)])
    assert said in reason(first)
    assert second.hypothesis == "w2"
    assert len(provider.asked) == 1


# What passes


@every
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_failure_is_asked_again(opened: Opener, provider: Provider, waits: list[float], status: int) -> None:
    provider.instead = [Say(status, {"error": {"message": "later"}})] * 2
    (outcome,) = opened().transcribe([request(5)])
    assert outcome.hypothesis == "w5"
    assert len(provider.asked) == 3
    assert len({asked.audio for asked in provider.asked}) == 1
    assert len(waits) == 2
    assert 0 < waits[0] <= 1
    assert waits[1] <= 2


@pytest.mark.parametrize("trouble", [Say(drop=True), Say(200, "{", promise=50)])
def test_a_dropped_connection_is_asked_again(
    opened: Opener, provider: Provider, waits: list[float], trouble: Say
) -> None:
    provider.instead = [trouble]
    assert opened().transcribe([request(5)])[0].hypothesis == "w5"
    assert len(provider.asked) == 2


@pytest.mark.parametrize("trouble", [Say(wait_s=0.3, body="{}"), Say(200, "x" * 500, drip_s=0.01)])
def test_a_slow_answer_is_not_waited_for(opened: Opener, provider: Provider, waits: list[float], trouble: Say) -> None:
    provider.instead = [trouble]
    assert opened(timeout_s=0.15).transcribe([request(5)])[0].hypothesis == "w5"
    provider.instead = [trouble] * 2
    assert "within 0.15 s (given up after 2 tries)" in reason(
        opened(timeout_s=0.15, tries=2).transcribe([request(5)])[0]
    )


def test_retry_after_is_a_least_wait_for_everyone(opened: Opener, provider: Provider, waits: list[float]) -> None:
    provider.instead = [Say(429, "slow down", (("Retry-After", "7"),))]
    backend = opened(concurrency=1)
    assert [one.hypothesis for one in backend.transcribe([request(5), request(6)])] == ["w5", "w6"]
    assert 7 <= waits[0] <= 8
    assert sum(waits) <= 8


def test_one_that_is_asked_to_wait_holds_the_next(opened: Opener, provider: Provider, waits: list[float]) -> None:
    provider.instead = [Say(429, "slow down", (("Retry-After", "7"),))]
    outcomes = opened(concurrency=1, tries=1).transcribe([request(5), request(6)])
    assert [outcome.hypothesis for outcome in outcomes] == [None, "w6"]
    assert waits == [7]


def test_a_wait_that_is_too_long_is_not_waited(opened: Opener, provider: Provider, waits: list[float]) -> None:
    provider.always = Say(503, "", (("Retry-After", "4000"),))
    assert "given up after 1 try, asked to wait 4000 s" in reason(opened(total_s=600).transcribe([request(5)])[0])
    assert waits == []


def test_tries_and_time_end(opened: Opener, provider: Provider, waits: list[float]) -> None:
    provider.always = Say(500, "broken")
    assert reason(opened(tries=3).transcribe([request(5)])[0]).endswith("500: broken (given up after 3 tries)")
    assert len(provider.asked) == 3
    assert "500: broken" in reason(opened(tries=1000, total_s=20).transcribe([request(5)])[0])
    assert sum(waits) < 25


def test_an_outage_costs_the_utterances_it_hits(opened: Opener, provider: Provider, waits: list[float]) -> None:
    provider.always = lambda asked: Say(503, "down") if asked.word in ("w3", "w4") else None  # type: ignore[return-value]
    outcomes = opened(tries=2).transcribe([request(number) for number in range(8)])
    assert [outcome.hypothesis for outcome in outcomes] == [
        None if number in (3, 4) else f"w{number}" for number in range(8)
    ]


def test_a_long_outage_ends_the_run(opened: Opener, provider: Provider, waits: list[float]) -> None:
    backend = opened(tries=2, give_up_after=4, concurrency=1)
    backend.transcribe([request(1)])
    provider.always = Say(503, "down")
    assert all(outcome.failure for outcome in backend.transcribe([request(number) for number in range(3)]))
    with pytest.raises(BackendError, match=r"503: down.*given up after 4 failures in a row .*start the same run again"):
        backend.transcribe([request(number) for number in range(3)])
    assert len(provider.asked) == 1 + 4 * 2


def test_an_answer_ends_the_row(opened: Opener, provider: Provider, waits: list[float]) -> None:
    backend = opened(tries=1, give_up_after=2, concurrency=1)
    provider.instead = [Say(503), None, Say(503), None, Say(200, "not JSON")]
    outcomes = backend.transcribe([request(number) for number in range(6)])
    assert [outcome.failure is None for outcome in outcomes] == [False, True, False, True, False, True]


@every
def test_nobody_there(name: str, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    backend = backend_type(name)(**options(name, "http://127.0.0.1:1"), tries=2)
    assert reason(backend.transcribe([request(1)])[0]) == (
        f"{name}: the service cannot be reached (given up after 2 tries)"
    )


# What does not pass


@every
@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_refused_utterance_fails_alone(opened: Opener, provider: Provider, status: int) -> None:
    provider.always = lambda asked: Say(status, {"error": {"message": "too short"}}) if asked.word == "w1" else None  # type: ignore[return-value]
    outcomes = opened(concurrency=1, give_up_after=2).transcribe([request(number) for number in (0, 1, 1, 1, 2)])
    assert [outcome.failure for outcome in outcomes].count(None) == 2
    assert reason(outcomes[1]).endswith(f": {status}: too short")
    assert len(provider.asked) == 5


def test_a_service_that_refuses_all_ends_the_run(opened: Opener, provider: Provider) -> None:
    provider.always = Say(400, {"error": {"message": "no such language"}})
    with pytest.raises(BackendError, match="400: no such language; given up after 3 failures in a row"):
        opened(give_up_after=3).transcribe([request(number) for number in range(9)])


@every
@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_wrong_credentials_and_no_such_thing_end_the_run_at_once(
    opened: Opener, provider: Provider, status: int
) -> None:
    provider.always = Say(status, {"error": {"message": f"not with {KEY}"}})
    with pytest.raises(BackendError, match=f"{status}") as found:
        opened(concurrency=1).transcribe([request(number) for number in range(9)])
    assert len(provider.asked) == 1
    assert KEY[3:] not in str(found.value)


def test_those_that_wait_stop_when_one_cannot_go_on(opened: Opener, provider: Provider) -> None:
    provider.instead = [Say(503, "", (("Retry-After", "30"),), wait_s=0.1), Say(403, "no", wait_s=0.2)]
    started = time.monotonic()
    with pytest.raises(BackendError, match="403: no"):
        opened(concurrency=2).transcribe([request(number) for number in range(3)])
    assert time.monotonic() - started < 5
    assert len(provider.asked) == 2


def test_the_key_goes_nowhere_else(opened: Opener, provider: Provider, name: str) -> None:
    with serve(ANSWERS[name]) as other:
        provider.always = Say(307, "", (("Location", f"{other.url}/v1/listen"),))
        with pytest.raises(BackendError, match="307: the service sends elsewhere"):
            opened().transcribe([request(1)])
        assert other.asked == []


def test_proxies_of_the_environment_are_not_used(
    opened: Opener, provider: Provider, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(ANSWERS[name]) as proxy:
        for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url)
        assert opened().transcribe([request(1)])[0].hypothesis == "w1"
        assert proxy.asked == []


# Answers that are none


@every
@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "null", "7", "{}", '{"text": null}', '{"text": 5}', b"\xff\xfe", "[" * 100_000, '{"a": NaN}'],
)
def test_an_answer_without_a_transcript_is_a_failure(opened: Opener, provider: Provider, body: object) -> None:
    provider.instead = [Say(200, body), Say(200, body)]
    backend = opened(concurrency=1)
    if body == "":
        provider.instead = [Say(200, b""), Say(200, b" ")]
    outcomes = backend.transcribe([request(1), request(2), request(3)])
    assert all("found" in reason(outcome) for outcome in outcomes[:2])
    assert outcomes[2].hypothesis == "w3"
    assert len(provider.asked) == 3


def test_an_answer_that_never_ends_is_cut(
    opened: Opener, provider: Provider, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asrfair.backend.exchange.LARGEST_REPLY", 1000)
    provider.always = Say(200, "x" * 100_000)
    assert "longer than 1000 bytes" in reason(opened(tries=1).transcribe([request(1)])[0])


# Keys


@every
@pytest.mark.parametrize("echo", [KEY, KEY[:12] + "******", f"Bearer {KEY} (Authorization)", "masked…" + KEY[-9:]])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
def test_a_key_that_is_echoed_is_hidden(
    opened: Opener, provider: Provider, waits: list[float], status: int, echo: str
) -> None:
    said = "x" * 170 + echo
    provider.always = Say(status, {"error": {"message": said}, "text": said} if status != 200 else said)
    try:
        shown = reason(opened(tries=1).transcribe([request(1)])[0])
    except BackendError as error:
        shown = str(error)
    pieces = {KEY[start : start + 6] for start in range(len(KEY) - 5)}
    assert not [piece for piece in pieces if piece in shown]


@every
def test_a_key_in_a_transcript_is_no_transcript(opened: Opener, provider: Provider, name: str) -> None:
    right = ANSWERS[name]
    provider.always = lambda asked: Say(200, str(right(asked)).replace(asked.word, KEY).replace("'", '"'))
    assert "found the key in the answer" in reason(opened().transcribe([request(1)])[0])


@every
def test_identity_and_representation_hold_no_key(opened: Opener, name: str) -> None:
    backend = opened()
    shown = repr(backend) + repr(vars(backend)) + repr(backend._credential) + str(backend.identity())
    assert KEY not in shown
    assert VARIABLE not in str(backend.identity())
    assert backend.identity()["audio"] == "wav, 16 bits, 16000 Hz"


@every
def test_identity_tells_what_changes_answers_and_nothing_else(opened: Opener, name: str) -> None:
    plain = opened().identity()
    for option, value in {"tries": 9, "concurrency": 2, "timeout_s": 1.0, "price_per_minute": 0.1}.items():
        assert option in CHANGES_NOTHING
        assert opened(**{option: value}).identity() == plain
    for option, value in {"language": "cy-GB", "sample_rate": 8_000, "audio": "flac", "model": "other"}.items():
        assert opened(**{option: value}).identity() != plain


@every
def test_every_option_is_told_or_changes_nothing(name: str) -> None:
    """Whoever adds an option decides whether answers depend on it."""
    known = {
        "model", "version", "language", "punctuate", "smart_format", "base_url", "sample_rate", "audio", "prompt",
        "temperature", "details", "endpoint", "project", "location", "alternatives",
    }  # fmt: skip
    assert set(inspect.signature(backend_type(name)).parameters) <= known | CHANGES_NOTHING


@every
def test_no_key_no_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(BackendError, match=f"{name}: found no key; expected it in .* variable {VARIABLE}"):
        backend_type(name)(**options(name, "http://127.0.0.1:1"))
    monkeypatch.setenv(VARIABLE, "two words")
    with pytest.raises(BackendError, match="characters that no header can hold"):
        backend_type(name)(**options(name, "http://127.0.0.1:1"))
    with pytest.raises(CardError, match="found something that is no variable's name") as found:
        backend_type(name)(**{**options(name, "http://127.0.0.1:1"), "key_variable": KEY})
    assert KEY[3:] not in str(found.value)


@every
def test_a_key_in_an_option_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    with pytest.raises(CardError, match=f"'model': found the key of {VARIABLE} in it") as found:
        backend_type(name)(**{**options(name, "http://127.0.0.1:1"), "model": f"x{KEY}"})
    assert KEY not in str(found.value)


@pytest.mark.parametrize(
    "option", ["api_key", "key", "apikey", "API_KEY", "access_token", "secret", "aws_secret_access_key", "password"]
)
def test_an_option_that_is_a_key_is_refused(option: str) -> None:
    with pytest.raises(CardError, match=f"found the option '{option}'; expected no key in a plan"):
        refuse_key_options({"model": 1, option: KEY}, {"model", "key_variable"}, where="backend 'openai'")
    refuse_key_options(["key_variable", "keyboard", "monkey"], ["key_variable"], where="backend 'openai'")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.example.org", "found no address"),
        ("ftp://example.org", "found no address"),
        ("https://", "found no address"),
        ("https://example.org:port/", "found no address"),
        ("https://example.org/v1 x", "found no address"),
        (f"https://user:{KEY}@example.org", "found a user, a query or a fragment in the address of example.org"),
        (f"https://example.org/?key={KEY}", "found a user, a query or a fragment"),
        ("http://example.org", "would send the key unencrypted"),
    ],
)
def test_addresses_that_leak_or_are_none_are_refused(url: str, said: str) -> None:
    with pytest.raises(CardError, match=said) as found:
        check_url(url, carries_key=True, where="openai", option="base_url")
    assert KEY not in str(found.value)


def test_an_address_without_a_key_may_be_plain() -> None:
    assert check_url("http://example.org/v1/", carries_key=False, where="x", option="y") == "http://example.org/v1"
    assert check_url("http://[::1]:80/v1", carries_key=True, where="x", option="y") == "http://[::1]:80/v1"


def test_a_short_stand_in_for_a_key_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "EMPTY")
    key = read_key(VARIABLE, where="openai", header="X")
    assert key.hide("EMPTY") == "EMPTY"
    assert not key.is_in("an EMPTY room")
    assert hidden("a0123456789b", "0123456789") == f"a{HIDDEN}b"


# Options, estimates, parts


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("sample_rate", 0),
        ("timeout_s", 0.0),
        ("tries", 0),
        ("total_s", -1.0),
        ("requests_per_minute", 0.0),
        ("concurrency", 0),
        ("concurrency", 65),
        ("give_up_after", 0),
        ("price_per_minute", -0.1),
    ],
)
def test_options_out_of_range(opened: Opener, name: str, option: str, value: float) -> None:
    with pytest.raises(CardError, match=f"{name}: found {option} {value}; expected"):
        opened(**{option: value})


@every
def test_estimate(opened: Opener, name: str) -> None:
    assert opened().estimate(90, 3) == (
        f"{name}: 3 requests with 1.5 min of audio: cost unknown (give the option price_per_minute); "
        "time unknown before the first answers"
    )
    assert opened(price_per_minute=0.006, requests_per_minute=50).estimate(36_000, 6_000) == (
        f"{name}: 6,000 requests with 10.0 h of audio: about 3.60 at 0.006 per minute, before what the service rounds "
        "up; at least 2.0 h at 50 requests per minute"
    )


def test_requests_per_minute(opened: Opener, provider: Provider, waits: list[float]) -> None:
    opened(requests_per_minute=30, concurrency=1).transcribe([request(number) for number in range(5)])
    assert sum(waits) == pytest.approx(8)
    assert len(provider.asked) == 5


def test_a_pace_is_kept_by_all_threads() -> None:
    pace, taken, stop = Pace(60 / 0.02), [], threading.Event()

    def take() -> None:
        for _ in range(3):
            pace.take(stop)
            taken.append(retrying.clock())

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The sixth has waited for five others.
    assert max(taken) - min(taken) >= 0.1 - 0.01


def test_waits_grow_and_are_spread() -> None:
    for tried, step in [(1, 1), (2, 2), (3, 4), (7, 60), (500, 60)]:
        found = [next_wait_s(tried, None) for _ in range(400)]
        assert max(found) <= step
        assert np.mean(found) == pytest.approx(step / 2, rel=0.2)
    assert all(30 <= next_wait_s(1, 30.0) <= 31 for _ in range(50))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 40),
        ("²", None),
    ],
)
def test_retry_after(text: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "wall_clock", lambda: 60.0)
    assert retry_after_s({"retry-AFTER": text}) == seconds


def test_words_with_impossible_details_keep_their_text() -> None:
    word = word_at("a", 2.0, 1.0, 1.5)
    assert (word.text, word.start_s, word.end_s, word.confidence) == ("a", None, None, None)
    word = word_at("a", -1, float("nan"), True)
    assert (word.start_s, word.end_s, word.confidence) == (None, None, None)


def test_a_wav_file_is_what_soundfile_reads() -> None:
    import io

    import soundfile

    samples = np.array([0.5, -1.0, 0.25], dtype=np.float32)
    for kind in ("wav", "flac"):
        found, rate = soundfile.read(io.BytesIO(encoded(samples, 22_050, kind)), dtype="float32")
        assert rate == 22_050
        assert np.array_equal(found, samples)


@every
def test_without_urllib3(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    monkeypatch.setitem(sys.modules, "urllib3", None)
    with pytest.raises(BackendError, match=r'install it with pip install "asrfair\[services\]"'):
        backend_type(name)(**options(name, "http://127.0.0.1:1"))


def test_importing_costs_no_heavy_package() -> None:
    modules = ", ".join(f"asrfair.backend.{name}" for name in CLASSES)
    code = f"import sys, {modules}; print([m for m in ('urllib3', 'google.auth', 'soundfile') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_errors_are_one_line(opened: Opener, provider: Provider) -> None:
    provider.always = Say(403, "two\nlines\x1b[31m and \u202e more")
    with pytest.raises(AsrfairError) as found:
        opened().transcribe([request(1)])
    assert str(found.value).isprintable()


@every
def test_the_fixture_sees_a_wrong_key(opened: Opener, provider: Provider) -> None:
    provider.key = "another"
    with pytest.raises(BackendError, match=f"401: the service refuses the key \\({VARIABLE}\\)"):
        opened().transcribe([request(1)])


def test_provider_answers_are_told_from_the_audio() -> None:
    waveform = encoded(request(7).samples, 16_000, "wav")  # type: ignore[arg-type]
    assert Asked("/", {}, {"content-type": "audio/wav"}, waveform, []).word == "w7"
