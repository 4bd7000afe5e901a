import pytest

from dvsnet_ros.core.regions import RegionGrid


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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((360, 480, 2, 2, 12), "8 or 16"),
        ((360, 480, 2, 2, -8), "divisible by 8"),
        ((360, 480, 2, 2, 184), "at most 176"),
        ((360, 480, 0, 2, 8), "at least 1"),
        ((360, 480, 40, 2, 0), "at most 22 rows"),
        ((0, 0, 2, 2, 8), "16 pixels"),
    ],
)
def test_what_cannot_work_is_refused(arguments: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        RegionGrid(*arguments)


def test_the_advice_of_a_refusal_works() -> None:
    with pytest.raises(ValueError, match="at least 368") as refusal:
        RegionGrid(360, 480, 2, 2, 184)
    assert "height" in str(refusal.value)
    RegionGrid(368, 480, 2, 2, 184)
    RegionGrid(360, 480, 2, 2, 176)
