import pytest

from dvsnet_ros.core.regions import Region, RegionGrid


def test_the_originals_grid() -> None:
    grid = RegionGrid(1024, 2048, overlap=64)
    assert [(r.y, r.x, r.height, r.width) for r in grid.regions] == [
        (0, 0, 576, 1088),
        (0, 960, 576, 1088),
        (448, 0, 576, 1088),
        (448, 960, 576, 1088),
    ]


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
@pytest.mark.parametrize("columns", [1, 2, 4])
@pytest.mark.parametrize(("height", "width"), [(360, 480), (375, 1242), (641, 333)])
@pytest.mark.parametrize("overlap", [0, 8, 32])
def test_regions_cover_the_frame(
    rows: int, columns: int, height: int, width: int, overlap: int
) -> None:
    grid = RegionGrid(height, width, rows, columns, overlap)
    assert len(grid.regions) == rows * columns
    covered = [[False] * width for _ in range(height)]
    for region in grid.regions:
        assert (region.height, region.width) == (grid.region_height, grid.region_width)
        assert region.y >= 0
        assert region.x >= 0
        assert region.y + region.height <= height
        assert region.x + region.width <= width
        for row in covered[region.slices[0]]:
            row[region.slices[1]] = [True] * region.width
    assert all(all(row) for row in covered)


def test_a_region_in_a_frame_of_another_size_is_rounded_to_pixels() -> None:
    region = Region(1, 2, y=5, x=7, height=6, width=5)
    assert region.scaled(2.0, 0.25) == Region(1, 2, y=10, x=2, height=12, width=1)
    assert region.scaled(1.3, 1.7) == Region(1, 2, y=6, x=12, height=8, width=8)


def test_neighbours_stay_neighbours_at_another_size() -> None:
    regions = [region.scaled(0.7, 1.3) for region in RegionGrid(48, 57, 3, 3, 0).regions]
    for one, other in ((0, 1), (4, 5), (7, 8)):
        assert regions[one].slices[1].stop == regions[other].slices[1].start
    for one, other in ((0, 3), (4, 7), (2, 5)):
        assert regions[one].slices[0].stop == regions[other].slices[0].start


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((360, 480, 2, 2, 12), "8 or 16"),
        ((360, 480, 2, 2, -8), "divisible by 8, for instance 0 or 8"),
        ((360, 480, 2, 2, 184), "at most 176"),
        ((360, 480, 0, 2, 8), "at least 1"),
        ((640, 360, 2, 2, 184), "at most 176, or a width of at least 368"),
        ((360, 480, 40, 2, 0), "at most 22 rows or a height of at least 640"),
        ((0, 0, 2, 2, 8), "16 pixels"),
    ],
)
def test_what_cannot_work_is_refused(arguments: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        RegionGrid(*arguments)


@pytest.mark.parametrize(("rows", "overlap", "fits"), [(2, 184, 368), (3, 248, 372), (4, 280, 374)])
def test_the_advice_of_a_refusal_works(rows: int, overlap: int, fits: int) -> None:
    for height in (360, fits - 1):
        with pytest.raises(ValueError, match=f"or a height of at least {fits}$"):
            RegionGrid(height, 640, rows, 2, overlap)
    RegionGrid(fits, 640, rows, 2, overlap)
    RegionGrid(360, 480, 2, 2, 176)
