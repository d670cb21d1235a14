"""What annotators say of an object: a category is a path such as `man/child/light` or `licence_plate/dutch/yellow`.

Persons are told by sex, age and skin, plates by origin and colour, each on any level: `man`, `man/child` and
`man/child/light` are categories, and `unknown` means that the annotator could not tell. Aids may follow behind:
`woman/elder/unknown/wheelchair`. All of it comes from annotators; nothing here or elsewhere guesses it. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product

from baas_crds.errors import ConfigurationError
from baas_detector.contract import DetectedClass, read_class

UNKNOWN = "unknown"
"""The annotator looked and could not tell. No group of people: gaps are not measured to it."""
NO_AID = "none"
"""The value of `Attribute.AID` of persons for whom no aid was named."""


class Attribute(StrEnum):
    """By what objects of one class are told apart, in the order of a path."""

    SEX = "sex"
    AGE = "age"
    SKIN = "skin"
    AID = "aid"
    ORIGIN = "origin"
    COLOUR = "colour"


VALUES = {
    Attribute.SEX: ("man", "woman", UNKNOWN),
    Attribute.AGE: ("child", "adult", "elder", UNKNOWN),
    Attribute.SKIN: ("light", "medium", "dark", UNKNOWN),
    Attribute.AID: ("wheelchair", "mobility_scooter", "walker", "crutches", "cane"),
    Attribute.ORIGIN: ("dutch", "foreign", UNKNOWN),
    Attribute.COLOUR: ("yellow", "others"),
}
_PERSON = (Attribute.SEX, Attribute.AGE, Attribute.SKIN)
_PLATE = (Attribute.ORIGIN, Attribute.COLOUR)
_WITH_COLOUR = "dutch"
"""Only plates of this origin are told apart by colour."""
ATTRIBUTES = {
    DetectedClass.PERSON: (*_PERSON, Attribute.AID),
    DetectedClass.LICENCE_PLATE: _PLATE,
}
"""Which attributes objects of a class may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One category of the tree, as its path says it."""

    object_class: DetectedClass
    values: tuple[str, ...] = ()
    """Sex, age, skin of a person, or origin and colour of a plate; as many as are given, from the first on."""
    aids: tuple[str, ...] = ()
    """Aids that a person uses, sorted."""

    @property
    def path(self) -> str:
        """Its one spelling; `person` and `licence_plate` where nothing more is said."""
        return self.levels[-1]

    @property
    def levels(self) -> tuple[str, ...]:
        """The paths of all categories that it belongs to, the widest first: `man`, `man/child`, `man/child/light`."""
        is_plate = self.object_class is DetectedClass.LICENCE_PLATE
        start = (str(self.object_class),) if is_plate or not self.values else ()
        elements = (*start, *self.values)
        tree = ["/".join(elements[:end]) for end in range(1, len(elements) + 1)]
        return (*tree, *(f"{tree[-1]}/{'/'.join(self.aids[:end])}" for end in range(1, len(self.aids) + 1)))

    def values_of(self, attribute: Attribute) -> tuple[str, ...]:
        """Return what was said about an attribute: one value, several aids, or none when nothing was said.

        Aids are named where there are any: a person whose path names none has `NO_AID`.
        """
        if attribute not in ATTRIBUTES[self.object_class]:
            return ()
        if attribute is Attribute.AID:
            return self.aids or (NO_AID,)
        position = ATTRIBUTES[self.object_class].index(attribute)
        return self.values[position : position + 1]


@cache
def bias_categories() -> tuple[str, ...]:
    """Return the paths of the tree without aids, 63 of persons and 6 of plates, each level before those below it."""
    return tuple(_paths())


def read_category(name: str) -> Category | None:
    """Return what a category's name means; None for one word that means neither persons nor plates, such as `car`.

    Both spellings of licence plate are read; case, blanks and hyphens do not matter; aids may stand anywhere behind the
    first element. Raises `ConfigurationError` for a path that is not in the tree: an object must not drop out of its
    group because of a slip of the pen.
    """
    elements = ["_".join(part.lower().replace("-", " ").replace("_", " ").split()) for part in name.split("/")]
    root = elements[0]
    object_class = read_class(root)
    if object_class is None and root in VALUES[Attribute.SEX]:
        object_class = DetectedClass.PERSON
    if object_class is None:
        if len(elements) == 1:
            return None
        raise ConfigurationError(
            f"The category {name!r} begins with {root!r}; categories of persons begin with person, man, woman or "
            "unknown, those of plates with licence_plate. Correct its name."
        )
    named = elements if root in VALUES[Attribute.SEX] else elements[1:]
    aids = VALUES[Attribute.AID] if object_class is DetectedClass.PERSON else ()
    category = Category(
        object_class=object_class,
        values=tuple(one for one in named if one not in aids),
        aids=tuple(sorted({one for one in named if one in aids})),
    )
    bare = Category(object_class=object_class, values=category.values).path
    if bare not in (*bias_categories(), DetectedClass.PERSON):
        raise ConfigurationError(f"The category {name!r} is not known: {_expectation(object_class)} Correct its name.")
    return category


def _paths() -> Iterator[str]:
    sexes, ages, skins = (VALUES[attribute] for attribute in _PERSON)
    for sex in sexes:
        yield sex
        for age in ages:
            yield f"{sex}/{age}"
            yield from ("/".join(path) for path in product((sex,), (age,), skins))
    plate = DetectedClass.LICENCE_PLATE
    yield plate
    for origin in VALUES[Attribute.ORIGIN]:
        yield f"{plate}/{origin}"
        if origin == _WITH_COLOUR:
            yield from (f"{plate}/{origin}/{colour}" for colour in VALUES[Attribute.COLOUR])


def _expectation(object_class: DetectedClass) -> str:
    def listed(attribute: Attribute) -> str:
        return f"{attribute} ({', '.join(VALUES[attribute])})"

    if object_class is DetectedClass.LICENCE_PLATE:
        return f"behind licence_plate come {listed(Attribute.ORIGIN)} and, for dutch ones, {listed(Attribute.COLOUR)}."
    return (
        f"persons are told by {listed(Attribute.SEX)}, then {listed(Attribute.AGE)}, then {listed(Attribute.SKIN)}, "
        f"then any {listed(Attribute.AID)}; or by `person` alone, with aids behind it."
    )
