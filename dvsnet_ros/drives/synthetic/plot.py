"""Building in street coordinates: along the street, beside it, and up."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array, Centreline
from dvsnet_ros.drives.synthetic.mesh import Mesh, heading_matrix

Corner = tuple[float, float, float]


@dataclass(frozen=True)
class Side:
    """One side of the street.

    Points are (station, lateral, height); here the lateral counts from the street's middle
    outwards, so that both sides are built alike.

    Attributes:
        line: the street.
        sign: 1 for the right side, -1 for the left one.
    """

    line: Centreline
    sign: int

    def point(self, corner: Corner) -> Array:
        """A point in the world."""
        station, lateral, height = corner
        return self.line.place(station, self.sign * lateral, height)

    def quad(self, *corners: Corner) -> Array:
        """A quad [4, 3] in the world, its corners counter-clockwise as on the right side."""
        station, lateral, height = np.transpose(corners)
        quad = self.line.place(station, self.sign * lateral, height)
        return quad if self.sign > 0 else quad[[1, 0, 3, 2]]

    def front(self, start: float, end: float, lateral: float, low: float, high: float) -> Array:
        """An upright quad along the street that is seen from the street."""
        return self.quad(
            (end, lateral, low), (start, lateral, low), (start, lateral, high), (end, lateral, high)
        )

    def across(self, station: float, inner: float, outer: float, low: float, high: float) -> Array:
        """An upright quad across the street that is seen by who comes along it."""
        return self.quad(
            (station, inner, low), (station, outer, low), (station, outer, high),
            (station, inner, high),
        )  # fmt: skip

    def level(self, start: float, end: float, inner: float, outer: float, height: float) -> Array:
        """A level quad that is seen from above."""
        return self.quad(
            (start, outer, height), (end, outer, height), (end, inner, height),
            (start, inner, height),
        )  # fmt: skip

    def stand(self, mesh: Mesh, corner: Corner, turn: float = 0.0) -> Mesh:
        """A mesh (x ahead, y to the left) standing beside the street.

        On the left side it is turned about, so that it shows the street the same flank.
        """
        about = 0.0 if self.sign > 0 else np.pi
        heading = float(self.line.heading_at(corner[0])) + turn + about
        return mesh.moved(heading_matrix(heading), self.point(corner))
