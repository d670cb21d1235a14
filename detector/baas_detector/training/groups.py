"""By which groups of the bias document objects are counted: a category's path, or one attribute's value.

`woman/child` holds all girls of whatever skin, `skin:dark` all persons who were labelled so.
"""

from baas_crds.errors import ConfigurationError
from baas_detector.categories import ATTRIBUTES, UNKNOWN, VALUES, Attribute, Category, read_category


def groups_of(category: Category) -> frozenset[str]:
    """Return the names of all groups that objects of a category belong to."""
    values = {
        group_name(attribute, value)
        for attribute in ATTRIBUTES[category.object_class]
        for value in category.values_of(attribute)
    }
    return frozenset(values) | {str(category.object_class), *category.levels}


def group_name(attribute: Attribute, value: str) -> str:
    """Return how a group of one attribute is written, `age:child`."""
    return f"{attribute}:{value}"


def read_group(name: str, *, source: str) -> str:
    """Return a group's one spelling. Raises `ConfigurationError` for a name that can hold nobody."""
    attribute, colon, value = name.partition(":")
    if not colon:
        category = read_category(name)
        if category is None:
            raise ConfigurationError(
                f"{source}: {name!r} is no group: give a category's path such as woman/child, or age:child"
            )
        return category.path
    if attribute not in list(Attribute):
        raise ConfigurationError(f"{source}: {name!r} begins with no attribute: use {', '.join(Attribute)}")
    known = [one for one in VALUES[Attribute(attribute)] if one != UNKNOWN]
    if value not in known:
        raise ConfigurationError(f"{source}: {name!r} is no group: values of {attribute} are {', '.join(known)}")
    return name
