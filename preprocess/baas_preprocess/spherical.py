"""Boxes on the sphere, and the rectangle of an equirectangular picture that covers one.

Yaw and pitch are those of the picture, in degrees: yaw 0 is its centre column and grows to the right, pitch 0 is the
horizon and grows upwards.
"""

from math import asin, atan2, cos, degrees, hypot, radians, sin, tan

from baas_preprocess.facts import Box


def covering(yaw: float, pitch: float, width: float, height: float, *, width_px: int, height_px: int) -> Box:
    """Return the smallest rectangle of a whole 360°x180° picture that covers a box on the sphere; `right` may wrap.

    The box is centred at `yaw` (any) and `pitch` (-90..90) and is `width` (up to 360) by `height` (up to 180) degrees
    large, by any of the meanings that tools give to that. The largest is this: turn the sphere until the box's centre
    lies at yaw 0 and pitch 0; then the box is what lies within half its width in yaw and half its height in pitch. A
    window of a flat view with these opening angles lies within it. The rectangle covers the box, too, that one gets by
    adding these halves to yaw and pitch without turning.
    """
    left, span = _columns(yaw, abs(pitch), width, height)
    highest, lowest = _rows(pitch, width, height)
    per_degree = width_px / 360
    start = (left % 360) * per_degree % width_px  # the product may round up to the width
    top, bottom = ((90 - angle) * height_px / 180 for angle in (highest, lowest))
    return Box(0.0, top, float(width_px), bottom) if span >= 360 else Box(start, top, start + span * per_degree, bottom)


def _columns(yaw: float, distance: float, width: float, height: float) -> tuple[float, float]:
    """The box's left edge in degrees from the picture's, and how many degrees it goes on. `distance`: |pitch|.

    For a box turned down from its pole by less than it is high, any meridian meets it. Else a meridian that leaves the
    box's centre line at the local angle a meets its edge nearest to the pole last, at tan b, and the farther the larger
    a is: atan2(sin a, cos a cos(pitch) - tan b sin(pitch)), from turning the direction (1, tan a, tan b) by the pitch.
    """
    half_width, half_height = width / 2, height / 2
    if distance + half_height >= 90 or half_width >= 180:
        return 0.0, 360.0
    across, up, turn = radians(half_width), radians(half_height), radians(distance)
    turned = degrees(atan2(sin(across), cos(across) * cos(turn) - tan(up) * sin(turn)))
    half = max(turned, half_width)
    return 180 + yaw - half, 2 * half


def _rows(pitch: float, width: float, height: float) -> tuple[float, float]:
    """The highest and the lowest pitch of the box, in degrees."""
    if pitch < 0:
        highest, lowest = _rows(-pitch, width, height)
        return -lowest, -highest
    half_height = min(height / 2, 90.0)
    # The sine of the pitch is cos p cos y sin(pitch) + sin p cos(pitch) at the local yaw y and pitch p. It is least at
    # the side farthest from the centre line, where it is a wave in p.
    even, odd = cos(radians(min(width / 2, 180.0))) * sin(radians(pitch)), cos(radians(pitch))
    trough = degrees(atan2(odd, even)) - 180
    down = radians(half_height)
    least = -hypot(even, odd) if trough >= -half_height else even * cos(down) - odd * sin(down)
    return min(pitch + half_height, 90.0), degrees(asin(max(-1.0, min(1.0, least))))
