"""Boxes on the sphere, and the rectangle of an equirectangular picture that covers one.

Yaw and pitch are those of the picture, in degrees: yaw 0 is its centre column and grows to the right, pitch 0 is the
horizon and grows upwards.
"""

from math import asin, atan2, cos, degrees, hypot, radians, sin, tan

from baas_preprocess.facts import Box


def covering(yaw: float, pitch: float, width: float, height: float, *, width_px: int, height_px: int) -> Box:
    """Return the rectangle of a picture of the whole sphere that covers a box on the sphere; `right` may wrap.

    The box has its centre at `yaw` (any) and `pitch` (-90..90), and is `width` (above 0, up to 360) by `height` (above
    0, up to 180) degrees large. Turn the sphere until that centre is at yaw 0 and pitch 0: the box is all that lies
    within half its width in yaw and half its height in pitch. What a flat view with these opening angles shows lies in
    it. Some tools do not turn the sphere, but add the halves to yaw and pitch: their box is covered, too.
    """
    left, span = _columns(yaw, pitch, width, height)
    highest, lowest = _rows(pitch, width, height)
    top, bottom = ((90 - angle) * height_px / 180 for angle in (highest, lowest))
    if span >= 360:
        return Box(0.0, top, float(width_px), bottom)
    start = (left % 360) * width_px / 360 % width_px  # the first remainder may round up to 360
    return Box(start, top, start + span * width_px / 360, bottom)


def _columns(yaw: float, pitch: float, width: float, height: float) -> tuple[float, float]:
    """Return where the box begins, in degrees from the picture's left edge, and how far it goes; 360 if to a pole.

    A direction at yaw a and pitch p of the turned sphere has, turned back by the centre's pitch P, the yaw
    atan2(sin a, cos a cos P - tan p sin P) from the centre. While the box holds no pole, that grows with a, and with p
    on the side of the pole that is nearer, so that it is largest in a corner.
    """
    half_width, half_height, distance = width / 2, height / 2, abs(pitch)
    if distance + half_height >= 90 or half_width >= 180:
        return 0.0, 360.0
    across, up, turn = radians(half_width), radians(half_height), radians(distance)
    corner = degrees(atan2(sin(across), cos(across) * cos(turn) - tan(up) * sin(turn)))
    half = max(corner, half_width)
    return 180 + yaw - half, 2 * half


def _rows(pitch: float, width: float, height: float) -> tuple[float, float]:
    """Return the highest and the lowest pitch of the box, in degrees.

    Turned back by the centre's pitch P, the sine of the pitch is cos p cos a sin P + sin p cos P. On the upper half of
    the sphere it is largest at a = 0, where the pitch is p + P, and least at the largest a, where it is a wave in p.
    """
    if pitch < 0:
        highest, lowest = _rows(-pitch, width, height)
        return -lowest, -highest
    half_height = height / 2
    even, odd = cos(radians(width / 2)) * sin(radians(pitch)), cos(radians(pitch))
    trough = degrees(atan2(odd, even)) - 180
    lowest_at = radians(half_height)
    least = -hypot(even, odd) if trough >= -half_height else even * cos(lowest_at) - odd * sin(lowest_at)
    return min(pitch + half_height, 90.0), degrees(asin(max(least, -1.0)))
