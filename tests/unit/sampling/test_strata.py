"""Which stratum a picture belongs to."""

import pytest

from baas_sampling.strata import UNKNOWN, Strata, pano_id


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("TMX7316010203-001984_pano_0000_000301.jpg", "TMX7316010203-001984_pano_0000_000301"),
        ("store/west/TMX7316010203-001984_pano_0000_000301.png", "TMX7316010203-001984_pano_0000_000301"),
        (
            "2021/01/26/TMX7316010203-001984/pano_0000_000301/equirectangular/panorama_8000.jpg",
            "TMX7316010203-001984_pano_0000_000301",
        ),
        ("360geo/recording_2025-09-04_06-44-53_01489/panorama_8000.jpg", "recording_2025-09-04_06-44-53_01489"),
        ("west/street.1.jpg", "street.1"),
        ("no_suffix", "no_suffix"),
    ],
)
def test_a_panoramas_id_follows_from_its_name(name: str, expected: str) -> None:
    assert pano_id(name) == expected


def test_a_picture_is_known_by_its_name_by_its_file_or_by_its_panorama() -> None:
    strata = Strata(known={"west/a.jpg": "West", "b.jpg": "Noord", "TMX1-2_pano_0000_000003": "Oost", "c.jpg": None})
    names = ("west/a.jpg", "any/b.jpg", "2021/TMX1-2/pano_0000_000003/full.jpg", "c.jpg", "a.jpg")
    assert [strata.of(name) for name in names] == ["West", "Noord", "Oost", UNKNOWN, UNKNOWN]
