import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas_preprocess.container import xmp
from baas_preprocess.container.refusals import Malformed
from tests.unit.preprocess import files

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"), include_characters="\r\n\t<&>'\""),
    min_size=1,
    max_size=xmp.MAX_VALUE_CHARS,
).filter(lambda text: bool(text.strip()))


def rewritten(packet: bytes) -> xmp.Packet:
    return xmp.read(xmp.coded(xmp.read(packet).properties))


def test_attributes_stay_attributes_and_elements_stay_elements() -> None:
    packet = files.xmp(
        'GPano:ProjectionType="equirectangular"', elements="<GPano:PoseHeadingDegrees>303.14</GPano:PoseHeadingDegrees>"
    )
    coded = xmp.coded(xmp.read(packet).properties)
    assert b'GPano:ProjectionType="equirectangular"' in coded
    assert b"<GPano:PoseHeadingDegrees>303.14</GPano:PoseHeadingDegrees>" in coded
    assert rewritten(packet).panorama == {"ProjectionType": "equirectangular", "PoseHeadingDegrees": "303.14"}


@pytest.mark.parametrize("name", ["DateTime", "DateTimeOriginal", "DateTimeDigitized"])
def test_times_stay_under_each_name_that_programs_write(name: str) -> None:
    packet = files.xmp(f'exif:{name}="2024-10-12T15:01:26"', namespaces='xmlns:exif="http://ns.adobe.com/exif/1.0/"')
    [stays] = rewritten(packet).properties
    assert (stays.name, stays.value) == (name, "2024-10-12T15:01:26")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("GPSLatitude", "52,21.70N"), ("GPSLongitude", "4,53.12E"), ("GPSAltitude", "433/10"), ("GPSStatus", "A")),
        *(("GPSMapDatum", "WGS-84"), ("GPSTimeStamp", "2024-10-12T15:01:26.5Z"), ("ExposureBiasValue", "-1/3")),
        *(("GPSVersionID", "2.2.0.0"), ("DateTimeOriginal", "2024-10-12T15:01:26+02:00"), ("GPSImgDirectionRef", "T")),
    ],
)
def test_numbers_and_times_stay_in_the_forms_that_programs_write(name: str, value: str) -> None:
    packet = files.xmp(f'exif:{name}="{value}"', namespaces='xmlns:exif="http://ns.adobe.com/exif/1.0/"')
    assert [(each.name, each.value) for each in rewritten(packet).properties] == [(name, value)]


def test_another_prefix_is_the_same_property() -> None:
    namespace = f'xmlns:p="{xmp.GPANO}"'
    assert xmp.read(files.xmp('p:PosePitchDegrees="1.5"', namespaces=namespace)).panorama == {"PosePitchDegrees": "1.5"}


@given(make=TEXTS, model=TEXTS)
def test_any_text_is_written_so_that_it_reads_the_same(make: str, model: str) -> None:
    properties = tuple(
        xmp.Property(namespace="http://ns.adobe.com/tiff/1.0/", name=name, value=value, is_attribute=is_attribute)
        for name, value, is_attribute in (("Make", make, True), ("Model", model, False))
    )
    assert xmp.read(xmp.coded(properties)).properties == properties


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(
            {"properties": 'dc:creator="Ann"', "namespaces": 'xmlns:dc="http://purl.org/dc/elements/1.1/"'},
            id="creator",
        ),
        pytest.param({"properties": 'GPano:Invented="1"'}, id="an unknown property of a known namespace"),
        pytest.param({"properties": 'GPano:StitchingSoftware="Ann\'s"'}, id="software"),
        pytest.param({"properties": 'GPano:PoseHeadingDegrees="Ann lives here"'}, id="a text in place of a number"),
        pytest.param({"properties": 'GPano:PoseHeadingDegrees="12 Ann"'}, id="a text behind a number"),
        pytest.param({"properties": 'GPano:ProjectionType="Ann"'}, id="a word that the standard does not know"),
        pytest.param({"properties": f'GPano:PoseHeadingDegrees="{"1" * 65}"'}, id="a long number"),
        pytest.param(
            {"properties": f'tiff:Make="{"x" * 65}"', "namespaces": 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'},
            id="a long text",
        ),
        pytest.param(
            {"properties": "", "elements": "<GPano:PoseHeadingDegrees><b>1</b></GPano:PoseHeadingDegrees>"},
            id="a structure",
        ),
    ],
)
def test_what_is_not_on_the_list_goes(rest: dict[str, str]) -> None:
    packet = files.xmp(**rest)
    assert xmp.read(packet).properties == ()
    assert xmp.kinds(xmp.read(packet)) == ["XMP", "other XMP properties"]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', id="an entity"),
        pytest.param(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', id="a document type"),
        pytest.param(b"<a>", id="an open element"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'<?xml version="1.0" encoding="made-up"?><a/>', id="an unknown encoding"),
        pytest.param(b'<?xml version="1.0" encoding="utf-7"?><a/>', id="an encoding with letters for brackets"),
        pytest.param(b"<a>" + b" " * 1_000_000 + b"</a>", id="a long packet"),
    ],
)
def test_what_is_no_plain_xml_is_malformed(packet: bytes) -> None:
    with pytest.raises(Malformed):
        xmp.read(packet)


@pytest.mark.parametrize(
    ("packet", "hidden"),
    [
        (files.xmp('GPano:ProjectionType="equirectangular"'), []),
        (files.xmp("", namespaces='xmlns:g="http://ns.adobe.com/xap/1.0/g/img/"'), ["XMP thumbnail"]),
        (
            files.xmp("", namespaces='xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'),
            ["depth map in XMP (GDepth)"],
        ),
        (files.xmp('GPano:ProjectionType="/9j/4AAQSkZJRg"'), ["picture in XMP"]),
        (b"not xml /9j/4AAQSkZJRg", ["picture in XMP"]),
    ],
)
def test_hidden_pictures_are_found(packet: bytes, hidden: list[str]) -> None:
    assert xmp.hidden(packet) == hidden
