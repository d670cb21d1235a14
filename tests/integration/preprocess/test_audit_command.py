"""`baas audit`: what was changed after a run is found, and one image's fate is told in plain words."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from baas_crds.codes import ExitCode
from baas_ledger.chain import body_of, digest_of_body
from baas_ledger.engine import open_ledger, transaction
from baas_ledger.reopen import retry_quarantined
from baas_ledger.runs import latest_run

from .conftest import Ended, command, own_ledger

Baas = Callable[..., Ended]

REWRITE = "UPDATE audit_records SET body = ?, digest = ? WHERE number = ?"


def write_keys(folder: Path, name: str = "audit") -> tuple[Path, Path]:
    key = Ed25519PrivateKey.generate()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, triton: str, photo: bytes) -> Path:
    """A folder with the keys, and with a run of three published, one quarantined and one excluded picture in safe/."""
    folder = tmp_path_factory.mktemp("audited")
    private, _ = write_keys(folder)
    source = folder / "in"
    source.mkdir()
    for number in range(3):
        (source / f"{number}.jpg").write_bytes(photo + bytes(number))
    (source / "empty.jpg").write_bytes(b"")
    (source / "left-out.jpg").write_bytes(photo)
    blur = command("blur", source, folder / "safe", "--exclude", "left*", "--audit-key", private, triton=triton)
    assert subprocess.run(blur, check=False, capture_output=True, timeout=300).returncode == ExitCode.QUARANTINED
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of that folder's destination, at the place that its ledger knows, for one test to tamper with."""
    shutil.copytree(finished / "safe", tmp_path / "kept")
    yield finished / "safe"
    shutil.rmtree(finished / "safe")
    shutil.copytree(tmp_path / "kept", finished / "safe")


def problems(baas: Baas, run: Path, *options: str | Path) -> list[str]:
    ended = baas("audit", "verify", run, "--json", *options)
    found: list[str] = ended.document["problems"]
    assert ended.code == (ExitCode.TAMPERED if found else ExitCode.DONE)
    return found


def test_a_run_that_nobody_touched_is_whole(run: Path, finished: Path, baas: Baas) -> None:
    ended = baas("audit", "verify", run, "--json", "--public-key", finished / "audit.pub")

    assert ended.code == ExitCode.DONE
    assert {name: ended.document[name] for name in ("records", "signed", "images", "outputs", "problems")} == {
        "records": 5,
        "signed": 5,
        "images": 5,
        "outputs": 3,
        "problems": [],
    }
    assert "The chain is whole" in baas("audit", "verify", run).out


def test_one_changed_byte_of_an_output_is_found(run: Path, baas: Baas) -> None:
    data = bytearray((run / "1.jpg").read_bytes())
    data[len(data) // 2] ^= 1
    (run / "1.jpg").write_bytes(data)

    assert problems(baas, run) == ["1.jpg: its output was changed after it was published"]
    assert problems(baas, run, "--no-outputs") == []


def test_a_missing_output_is_found(run: Path, baas: Baas) -> None:
    (run / "2.jpg").unlink()
    assert problems(baas, run) == ["2.jpg: its output is not there any more, or cannot be read"]


def test_a_changed_row_of_the_ledger_is_found(run: Path, baas: Baas) -> None:
    with own_ledger(run) as connection:
        connection.execute("UPDATE images SET masked_share = 0.5 WHERE name = '0.jpg'")
    (problem,) = problems(baas, run)
    assert problem.startswith("0.jpg: the record has masked_share")


def test_an_output_that_was_swapped_together_with_its_row_is_found(run: Path, baas: Baas) -> None:
    with own_ledger(run) as connection:
        connection.execute(
            "UPDATE images SET output_digest = (SELECT input_digest FROM images WHERE name = '1.jpg') "
            "WHERE name = '1.jpg'"
        )
    (problem,) = problems(baas, run)
    assert problem.startswith("1.jpg: the record has output sha256:")


@pytest.mark.parametrize("number", [1, 3])
def test_a_deleted_record_is_named(run: Path, baas: Baas, number: int) -> None:
    with own_ledger(run) as connection:
        connection.execute("DELETE FROM audit_records WHERE number = ?", [number])
    assert problems(baas, run)[0] == f"record {number} is missing: the next one is number {number + 1}"


def test_records_that_were_cut_off_are_noticed_even_with_the_chains_end(run: Path, baas: Baas) -> None:
    with own_ledger(run) as connection:
        connection.execute("DELETE FROM audit_records WHERE number = 5")
    assert problems(baas, run)[0] == "the last records are missing: the chain has 4, and should have 5"

    with own_ledger(run) as connection:
        connection.execute(
            "UPDATE audit_chains SET length = 4, head = (SELECT digest FROM audit_records WHERE number = 4)"
        )
    (problem,) = problems(baas, run)
    assert problem.startswith("the ledger says that ")
    assert problem.endswith(" is published, and no record says so")


def test_a_record_that_was_rewritten_with_its_digest_breaks_the_next(run: Path, baas: Baas) -> None:
    with own_ledger(run) as connection:
        (body,) = connection.execute("SELECT body FROM audit_records WHERE number = 2").fetchone()
        body = body_of({**json.loads(body), "message": "nothing to see"})
        connection.execute(
            "UPDATE audit_records SET body = ?, digest = ? WHERE number = 2", [body, digest_of_body(body)]
        )
    assert problems(baas, run)[0].startswith("record 3 does not follow the one before it")


@pytest.mark.parametrize(
    ("change", "chain", "image"),
    [
        pytest.param(lambda _: "rubbish", "record 5 cannot be read: ", "record 5 cannot be read: ", id="no JSON"),
        pytest.param(
            lambda facts: body_of({name: facts[name] for name in ("run", "number", "previous", "kind", "image", "at")}),
            None,
            "record 5 cannot be read: it lacks 'second_look'",
            id="keys are missing",
        ),
        pytest.param(
            lambda facts: body_of({**facts, "kind": "praised"}),
            "record 5 belongs to another run or place",
            None,
            id="another kind",
        ),
    ],
)
def test_a_record_that_cannot_be_read_is_named(
    run: Path, baas: Baas, change: Callable[[dict[str, object]], str], chain: str | None, image: str | None
) -> None:
    with own_ledger(run) as connection:
        (body,) = connection.execute("SELECT body FROM audit_records WHERE number = 5").fetchone()
        name, body = json.loads(body)["image"], change(json.loads(body))
        digest = digest_of_body(body)
        connection.execute("UPDATE audit_records SET body = ?, digest = ? WHERE number = 5", [body, digest])
        connection.execute("UPDATE audit_chains SET head = ?", [digest])

    found = problems(baas, run)
    expected = [start for start in (chain, image and f"{name}: {image}") if start is not None]
    assert [problem.startswith(start) for problem, start in zip(found, expected, strict=True)] == [True] * len(found)
    assert "BROKEN: " in baas("audit", "verify", run).out
    if image is not None:
        shown, as_json = baas("audit", "show", run, name), baas("audit", "show", run, name, "--json")
        assert shown.code == as_json.code == ExitCode.TAMPERED
        assert "Record 5 cannot be read: it was changed." in shown.out
        assert json.loads(as_json.out)[0]["problem"].startswith("Record 5 cannot be read")


def test_a_chain_that_was_made_anew_lacks_the_signatures(run: Path, finished: Path, baas: Baas) -> None:
    """Whoever can write all of the ledger can make a new chain; not without the key."""
    with own_ledger(run) as connection:
        previous = "sha256:" + "0" * 64
        for number, kept in connection.execute("SELECT number, body FROM audit_records ORDER BY number").fetchall():
            body = body_of({**json.loads(kept), "previous": previous, "software": {}})
            previous = digest_of_body(body)
            connection.execute(REWRITE, [body, previous, number])
        connection.execute("UPDATE audit_chains SET head = ?", [previous])

    assert problems(baas, run) == []
    assert problems(baas, run, "--public-key", finished / "audit.pub") == ["record 1 was not signed with this key"]


def test_another_key_fits_no_record(run: Path, finished: Path, baas: Baas, tmp_path: Path) -> None:
    _, other = write_keys(tmp_path, "other")
    assert problems(baas, run, "--public-key", other) == ["record 1 was not signed with this key"]


def test_a_record_without_a_signature_is_named_when_all_should_have_one(run: Path, finished: Path, baas: Baas) -> None:
    with own_ledger(run) as connection:
        connection.execute("UPDATE audit_records SET signature = NULL WHERE number = 4")
    assert problems(baas, run, "--public-key", finished / "audit.pub") == ["record 4 is not signed"]


def test_what_the_operator_sends_back_without_a_key_is_covered_by_the_next_signature(
    run: Path, finished: Path, baas: Baas, triton: str
) -> None:
    engine = open_ledger(str(run / ".baas" / "ledger.sqlite"))
    with transaction(engine) as connection:
        known = latest_run(connection, str(run))
        assert known is not None
        assert retry_quarantined(connection, known.id) == 1
    engine.dispose()
    key = ("--public-key", finished / "audit.pub")
    assert problems(baas, run, *key) == ["record 6 is not signed, and no signed one follows yet"]

    again = ("blur", finished / "in", run, "--exclude", "left*", "--audit-key", finished / "audit.pem")
    assert baas(*again, triton=triton).code == ExitCode.QUARANTINED
    assert problems(baas, run, *key) == []
    told = baas("audit", "verify", run, "--json", *key).document
    assert (told["records"], told["signed"]) == (7, 6)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"rubbish", "holds no unencrypted private key in PEM"),
        ("another kind", "holds another kind of key than Ed25519"),
    ],
)
def test_a_key_that_is_none_ends_before_anything_is_done(
    content: bytes | str | None, sentence: str, photos: Path, tmp_path: Path, baas: Baas
) -> None:
    file = tmp_path / "key.pem"
    if content == "another kind":
        content = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if isinstance(content, bytes):
        file.write_bytes(content)

    ended = baas("blur", photos, tmp_path / "safe", "--audit-key", file, triton="127.0.0.1:9")

    assert ended.code == ExitCode.CONFIGURATION
    assert sentence in ended.err
    assert not (tmp_path / "safe" / ".baas" / "ledger.sqlite").exists()


def test_a_published_image_is_told_in_plain_words(run: Path, baas: Baas) -> None:
    ended = baas("audit", "show", run, "0.jpg")

    assert ended.code == ExitCode.DONE
    for sentence in (
        "0.jpg is published (run ",
        ", signed: published, at attempt 1 by ",
        "% of the picture:",
        "person, score 0.",
        "Nothing else in it reached what was asked for (licence plate from a score of 0.05 and person from a score of",
        "The finished picture was looked at again ",
        "Read back: outside of the mask nothing differs from the original",
    ):
        assert sentence in ended.out


def test_images_that_were_not_published_say_why(run: Path, baas: Baas) -> None:
    empty = baas("audit", "show", run, "empty.jpg").out
    assert "empty.jpg is not published: it is quarantined" in empty
    assert "quarantined as " in empty
    assert "It matches the exclude pattern left*." in baas("audit", "show", run, "left-out.jpg").out


def test_an_image_that_the_run_does_not_know_is_an_error(run: Path, baas: Baas) -> None:
    ended = baas("audit", "show", run, "nobody.jpg")
    assert (ended.code, "has no image 'nobody.jpg'" in ended.err) == (ExitCode.CONFIGURATION, True)


def test_the_records_of_an_image_are_given_whole_as_json(run: Path, baas: Baas) -> None:
    (record,) = json.loads(baas("audit", "show", run, "1.jpg", "--json").out)
    assert record["kind"] == "published"
    assert record["software"]["version"]
    assert record["recipe"]["method"]
    assert record["outside"].startswith("blake3:")
    assert all(len(one["tile"]) == 4 for one in record["objects"])


def test_a_run_of_another_id_and_a_folder_without_a_run_are_errors(run: Path, baas: Baas, tmp_path: Path) -> None:
    assert "The ledger knows no run nothing." in baas("audit", "verify", run, "--run", "nothing").err
    assert baas("audit", "verify", tmp_path).code == ExitCode.CONFIGURATION
    assert "give its URL with --ledger" in baas("audit", "verify", "https://account.example/safe").err


def test_a_ledger_without_its_records_is_told(run: Path, baas: Baas) -> None:
    with own_ledger(run) as connection:
        connection.execute("DROP TABLE audit_records")
    ended = baas("audit", "verify", run)
    assert ended.code == ExitCode.CONFIGURATION
    assert "was changed by others: no such table: audit_records. Restore it from a backup" in ended.err


def test_a_name_that_no_ledger_can_hold_is_told(run: Path, baas: Baas) -> None:
    ended = baas("audit", "show", run, "\udcff.jpg")
    assert ended.code == ExitCode.CONFIGURATION
    assert "is no UTF-8, and cannot be recorded: give it another name" in ended.err
