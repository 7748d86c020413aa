"""MongoDB URIs as text, against the driver's own reading of them."""

import pytest
from hypothesis import given
from hypothesis.strategies import characters, text
from pymongo.uri_parser import parse_uri

from catalogdb.errors import InputError
from catalogdb.mongo_uri import has_password, holds_secret, options_of, problem_of, with_options, with_password
from catalogdb.settings import Settings, load_settings


@pytest.mark.parametrize(
    "uri",
    [
        *("mongodb://h", "mongodb://h/", "mongodb://h:1,i:2", "mongodb://h/db?a=b", "mongodb://h?a=b"),
        *("mongodb://u@h/", "mongodb://u:p@h:1/?a=b", "mongodb+srv://u:p@h.example.org/", "mongodb://[::1]:27017/"),
        "mongodb://u:p%40%2F@h1:1,h2:2/db?replicaSet=rs",
    ],
)
def test_good_uris(uri):
    assert problem_of(uri) is None


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        *((uri, "must start") for uri in ("", "h", "http://h", "MONGODB://h")),
        *((f"mongodb://u:{password}@h", "percent-encoded") for password in ("a/b", "a?b", "a@b", "a:b", "a%b", "a%4")),
        *((uri, "no host") for uri in ("mongodb://", "mongodb://u:p@/", "mongodb://h,,i")),
        *((uri, "not a number") for uri in ("mongodb://h:x", "mongodb://u:a/b", "mongodb://[::1]:x")),
        ("mongodb://:p@h", "no user"),
    ],
)
def test_bad_uris(uri, reason):
    assert reason in problem_of(uri)


@pytest.mark.parametrize(
    ("uri", "password", "secret"),
    [
        ("mongodb://h", False, False),
        ("mongodb://u@h", False, False),
        ("mongodb://u:p@h", True, True),
        ("mongodb://h/?tlsCertificateKeyFilePassword=x", False, True),
        ("mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:x", False, True),
        ("", False, False),
    ],
)
def test_what_holds_a_secret(uri, password, secret):
    assert has_password(uri) is password
    assert holds_secret(uri) is secret


@given(text(characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_any_password_reaches_the_driver_as_it_is(password):
    uri = with_password("mongodb://an%40na@h1:1,h2:2/?authSource=x", password)
    assert problem_of(uri) is None
    read = parse_uri(uri)
    assert (read["username"], read["password"]) == ("an@na", password)
    assert read["nodelist"] == [("h1", 1), ("h2", 2)] and read["options"]["authSource"] == "x"


@pytest.mark.parametrize("uri", ["mongodb://h", "mongodb://h/", "mongodb://h/db", "mongodb://h/?w=1", "mongodb://h/?"])
def test_options_are_added_wherever_there_is_place(uri):
    read = parse_uri(with_options(uri, {"tls": "true", "appName": "a b&c+d"}))
    assert read["options"]["tls"] is True and read["options"]["appname"] == "a b&c+d"


def test_options_of_the_uri_stay():
    uri = "mongodb://h/?tlscafile=/mine.pem"
    assert with_options(uri, {"tlsCAFile": "/other.pem"}) == uri
    assert options_of(uri) == {"tlscafile": "/mine.pem"}


# -- settings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("URI", "CONFIG", "PASSWORD_FILE", "TLS_CA_FILE", "TLS_CERTIFICATE_KEY_FILE"):
        monkeypatch.delenv(f"CATALOGDB_{name}", raising=False)


def test_password_and_tls_of_files(tmp_path):
    (tmp_path / "word").write_text("o/p@q\r\n")
    (tmp_path / "a b+c.pem").write_text("")
    settings = load_settings(
        uri="mongodb://u@h/?authSource=x", password_file=tmp_path / "word", tls_ca_file=tmp_path / "a b+c.pem"
    )
    assert options_of(settings.full_uri()) == {
        "authSource": "x",
        "tls": "true",
        "tlsCAFile": str(tmp_path / "a b+c.pem"),
    }
    assert settings.full_uri().startswith("mongodb://u:o%2Fp%40q@h/")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"password_file": "f"}, "none is set"),
        ({"tls_ca_file": "f"}, "none is set"),
        ({"uri": "mongodb://h", "password_file": "f"}, "names no user"),
        ({"uri": "mongodb://u:sesame@h", "password_file": "f"}, "a password already"),
    ],
)
def test_what_does_not_go_together(given, reason):
    with pytest.raises(InputError, match=reason) as caught:
        load_settings(**given)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two\nlines\n", b"\xff\xfe\xff"])
def test_password_file_that_wont_do(tmp_path, content):
    file = tmp_path / "word"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match="word"):
        Settings(uri="mongodb://u@h", password_file=file).full_uri()


@pytest.mark.parametrize("option", ["tls=maybe", "tslCAFile=/x", "tls=true&ssl=false", "tls", "tlsCAFile=/nowhere"])
def test_options_that_the_driver_would_pass_over_are_refused(option):
    with pytest.raises(InputError):
        Settings(uri=f"mongodb://h/?{option}").full_uri()
