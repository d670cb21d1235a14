"""Which stratum a picture belongs to."""

import pytest

from baas_sampling.strata import UNKNOWN, Strata, pano_id, strata_of


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


def test_districts_are_read_of_a_table_with_other_columns_too() -> None:
    strata = strata_of('\ufeffimage,latitude,district\r\n"a,b.jpg",52.1, West \r\nc.jpg,,\r\n')
    assert [strata.of(name) for name in ("a,b.jpg", "c.jpg", "d.jpg")] == ["West", UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"image,district\na.jpg,{'x' * 200_000}\n", "line 2: field larger than field limit"),
        (f"image,{'x' * 200_000}\n", "line 1: field larger than field limit"),
        ("", "it has no column district and no column image"),
        ("image;district\na.jpg;West\n", "columns are parted by commas"),
        ("image,district\na.jpg,West\na.jpg,Oost\n", "line 3 names a.jpg again"),
        ("image,district\n,West\n", "line 2 names no image"),
    ],
)
def test_a_table_that_tells_no_districts_says_why(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        strata_of(text)
