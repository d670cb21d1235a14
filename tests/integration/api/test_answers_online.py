"""A picture in, a safe picture out: both forms, and all that is refused."""

import base64
import io
import json
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

import httpx
import numpy as np
import pytest
from PIL import Image

from baas_preprocess.detect import TritonDetector
from baas_preprocess.settings import read_settings
from baas_preprocess.way import Safe, make_safe
from tests.unit.preprocess.pictures import jpeg, png

from .endpoints import Endpoint, form


@pytest.fixture(scope="module")
def safe(photo: bytes, triton: str) -> Safe:
    """What the pipeline makes of the photo."""
    with TritonDetector(triton) as detector:
        return make_safe(photo, read_settings({}).recipe, detector)


def parts_of(answer: httpx.Response) -> dict[str, EmailMessage]:
    """The parts of an answered form by their names."""
    whole = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode() + answer.content
    parsed = BytesParser(policy=HTTP).parsebytes(whole)
    assert not parsed.defects
    return {str(part.get_param("name", header="content-disposition")): part for part in parsed.iter_parts()}


def nobody(width: int = 320, height: int = 240) -> bytes:
    return jpeg(np.full((height, width, 3), 90, np.uint8))


def test_the_answer_is_bit_by_bit_what_the_pipeline_makes(client: httpx.Client, photo: bytes, safe: Safe) -> None:
    answer = client.post("/blur/", files={"picture": ("a.jpg", photo, "image/jpeg")})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.content == safe.data
    assert safe.regions
    assert answer.content != photo
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["baas-persons"]) + int(answer.headers["baas-licence-plates"]) == len(safe.regions)
    assert answer.headers["baas-recipe"] == read_settings({}).recipe.digest


def test_who_accepts_a_form_gets_picture_and_metadata(client: httpx.Client, photo: bytes, safe: Safe) -> None:
    answer = client.post("/blur/", files={"picture": photo}, headers={"Accept": "multipart/form-data"})
    parts = parts_of(answer)
    assert set(parts) == {"image", "metadata"}
    assert parts["image"].get_content_type() == "image/jpeg"
    assert parts["image"].get_payload(decode=True) == safe.data
    assert parts["metadata"].get_content_type() == "application/json"
    metadata = json.loads(parts["metadata"].get_content())
    assert metadata == {
        "blurring_id": answer.headers["baas-blurring-id"],
        "service_name": "blurring-as-a-service",
        "annotations": [],
    }


def test_boxes_are_told_on_request(client: httpx.Client, photo: bytes, safe: Safe) -> None:
    parts = parts_of(client.post("/blur/?boxes=1", files={"picture": photo}))
    told = json.loads(parts["metadata"].get_content())["annotations"]
    assert len(told) == len(safe.regions)
    for one, region in zip(told, safe.regions, strict=True):
        left, top, right, bottom = one["shape"]
        assert 0 <= left <= region.box.left
        assert 0 <= top <= region.box.top
        assert right >= min(region.box.right, 405)
        assert bottom >= min(region.box.bottom, 540)
        tags = {tag["key"]: tag["value"] for tag in one["semantics"]}
        assert tags["blurred"] == region.object_class
        assert float(tags[f"detection_confidence[blurred={region.object_class}]"]) == pytest.approx(
            region.score, abs=1e-3
        )


def test_the_earlier_services_form_answers_picture_and_counts(client: httpx.Client, photo: bytes, safe: Safe) -> None:
    answer = client.post("/score", json={"data": base64.b64encode(photo).decode(), "user_id": "u-77", "more": 1})
    assert answer.status_code == 200
    document = answer.json()
    assert base64.b64decode(document["annotated_image"], validate=True) == safe.data
    assert document["metadata"]["persons_count"] + document["metadata"]["licence_plates_count"] == len(safe.regions)


def test_a_picture_without_anybody_is_answered(client: httpx.Client) -> None:
    picture = nobody()
    answer = client.post("/blur/", files={"picture": picture})
    assert (answer.status_code, answer.headers["baas-persons"]) == (200, "0")
    document = client.post("/score", json={"data": base64.b64encode(picture).decode()}).json()
    assert document["metadata"] == {"persons_count": 0, "licence_plates_count": 0}
    assert base64.b64decode(document["annotated_image"]) == answer.content


def test_a_large_picture_is_answered_though_no_file_can_be_written(client: httpx.Client) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), np.uint8)
    picture = jpeg(noise, quality=95)
    assert len(picture) > 1_500_000  # more than the library holds in memory by itself
    answer = client.post("/blur/", files={"picture": picture})
    assert answer.status_code == 200


def huge_size() -> bytes:
    """A small file that says that it has 65500x65500 pixels."""
    data = bytearray(nobody())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (65_500).to_bytes(2, "big") * 2
    return bytes(data)


def gif() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, "gif")
    return written.getvalue()


BAD = {
    "cut off": (nobody()[:-200], "Truncated"),
    "a PNG": (png(np.zeros((8, 8, 3), np.uint8)), "Unsupported"),
    "a GIF": (gif(), "NotAnImage"),
    "text": (b"This is no picture.", "NotAnImage"),
    "nothing": (b"", "Empty"),
    "too many pixels": (huge_size(), "TooLarge"),
}


@pytest.mark.parametrize(("picture", "reason"), BAD.values(), ids=BAD)
def test_what_cannot_be_made_safe_is_refused_with_the_reason_of_quarantine(
    client: httpx.Client, picture: bytes, reason: str
) -> None:
    answer = client.post("/blur/", files={"picture": picture})
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert answer.json()["error"].endswith(".")
    other = client.post("/score", json={"data": base64.b64encode(picture).decode()})
    assert (other.status_code, other.json()) == (422, answer.json())


FORM = {"content-type": "multipart/form-data; boundary=xxx"}


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "says"),
    [
        ("/blur/", form(b"", name="image"), FORM, 400, "one file called `picture`"),
        ("/blur/", form(nobody())[: -len("--xxx--\r\n")] + form(nobody()), FORM, 400, "Maximum number of files is 1"),
        ("/blur/", form(nobody())[:-200], FORM, 400, "one file called `picture`"),
        (
            "/blur/",
            b'--xxx\r\nContent-Disposition: form-data; name="picture"\r\n\r\na\r\n--xxx--',
            FORM,
            400,
            "one file",
        ),
        ("/blur/", b"no form", FORM, 400, "The form cannot be read"),
        ("/blur/", form(b""), {"content-type": "multipart/form-data"}, 400, "Missing boundary"),
        ("/blur/", nobody(), {"content-type": "image/jpeg"}, 415, "curl -F picture=@pano.jpg"),
        ("/blur/?keep=1", form(nobody()), FORM, 400, "keeps nothing"),
        ("/blur/?keep=2", form(nobody()), FORM, 400, "keep: Input should be a valid boolean"),
        ("/score", b'{"data": "abc$"}', {"content-type": "application/json"}, 400, "data is no base64"),
        ("/score", b'{"data": "/9j/\\n4AAQ"}', {"content-type": "application/json"}, 400, "without line ends"),
        ("/score", b'{"data": 3}', {"content-type": "application/json"}, 400, "data: Input should be a valid string"),
        ("/score", b"{}", {"content-type": "application/json"}, 400, "data: Field required"),
        ("/score", b'{"data": "', {"content-type": "application/json"}, 400, "Invalid JSON"),
        ("/score", b"[" * 100_000, {"content-type": "application/json"}, 400, "Invalid JSON"),
        ("/score", b"{}", {"content-type": "text/plain"}, 415, "application/json"),
        ("/elsewhere", b"", {}, 404, "Not Found"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    client: httpx.Client, path: str, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    answer = client.post(path, content=body, headers=headers)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/blur", "/score/"])
def test_nobody_is_led_elsewhere_with_a_picture(client: httpx.Client, path: str) -> None:
    answer = client.post(path, content=b"x", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_a_route_says_which_methods_it_has(client: httpx.Client) -> None:
    answer = client.get("/score")
    assert (answer.status_code, answer.headers["allow"], answer.json()["reason"]) == (405, "POST", "MethodNotAllowed")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong-token-0123456789"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
    ],
)
@pytest.mark.parametrize("path", ["/blur/?keep=nonsense", "/score"])
def test_nobody_is_answered_without_a_token_not_even_what_is_wrong(
    endpoint: Endpoint, headers: dict[str, str], path: str
) -> None:
    answer = httpx.post(endpoint.url + path, headers=headers, content=b"x")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["reason"] == "Unauthorized"


def test_no_name_and_no_user_is_in_the_log_and_each_answer_is_one_line(
    endpoint: Endpoint, client: httpx.Client, photo: bytes
) -> None:
    before = len(endpoint.answers())
    answer = client.post("/blur/?boxes=1", files={"picture": ("my-street-77.jpg", photo)})
    client.post("/score", json={"data": "wrong", "user_id": "u-77-secret"})
    client.post("/my-street-77.jpg")
    httpx.get(endpoint.url + "/healthz")
    first, second, third = endpoint.answers()[before:]
    assert first["blurring_id"] == answer.headers["baas-blurring-id"]
    assert (first["route"], first["status"], first["bytes"]) == ("/blur/", 200, len(photo))
    assert first["seconds"] > 0
    assert first["persons"] == int(answer.headers["baas-persons"])
    assert (second["route"], second["status"], second["reason"]) == ("/score", 400, "WrongRequest")
    assert (third["route"], third["status"]) == ("unmatched", 404)
    everything = json.dumps(endpoint.lines) + "".join(endpoint.errors)
    assert "77" not in everything.replace(first["blurring_id"], "") or "my-street" not in everything
    assert "my-street" not in everything
    assert "secret" not in everything
    assert endpoint.errors == []


def test_metrics_count_what_was_answered(endpoint: Endpoint, client: httpx.Client, photo: bytes) -> None:
    blurred = 'baas_api_pictures_total{baas_outcome="blurred"'
    refused = 'baas_api_pictures_total{baas_outcome="refused",baas_reason="Truncated"}'
    persons = 'baas_api_objects_total{baas_class="person"}'
    steps = 'baas_step_duration_seconds_count{baas_step="redact"}'
    before = [endpoint.metric(line) for line in (blurred, refused, persons, steps)]
    answer = client.post("/blur/", files={"picture": photo})
    client.post("/blur/", files={"picture": photo[:-100]})
    after = [endpoint.metric(line) for line in (blurred, refused, persons, steps)]
    grown = [now - then for now, then in zip(after, before, strict=True)]
    assert grown[:3] == [1, 1, int(answer.headers["baas-persons"])]
    assert grown[3] >= 1
    assert endpoint.metric("http_server_active_requests") == 0
    assert endpoint.metric('http_server_request_duration_seconds_count{http_request_method="POST",') > 0


def test_it_lives_is_ready_and_describes_itself(endpoint: Endpoint) -> None:
    assert httpx.get(endpoint.url + "/healthz").json() == {"status": "alive"}
    ready = httpx.get(endpoint.url + "/readyz").json()
    assert ready["status"] == "ready"
    assert ready["model"].startswith("sha256:")
    assert httpx.get(endpoint.url + "/docs").status_code == 200
    document = httpx.get(endpoint.url + "/openapi.json").json()
    assert set(document["paths"]) == {"/healthz", "/readyz", "/blur/", "/score"}
    for path in ("/blur/", "/score"):
        assert document["paths"][path]["post"]["security"] == [{"HTTPBearer": []}]
        assert {"200", "400", "401", "413", "422", "429", "503", "504"} <= set(
            document["paths"][path]["post"]["responses"]
        )
