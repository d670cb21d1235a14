"""The street's cross-section in metres, from the left facade to the right one, as every module sees it."""

LEFT_FACADE = -10.5
LEFT_KERB = -6.6
LEFT_LANE_EDGE = -4.3
LANE_DIVIDE = -0.9
RIGHT_LANE_EDGE = 2.7
RIGHT_KERB = 5.0
RIGHT_FACADE = 8.8
END_M = 95.0
"""The street is closed by houses this far ahead and behind."""
