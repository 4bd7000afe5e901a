"""Images of every encoding come out in the right colours; what contradicts itself is refused."""

from __future__ import annotations

import random
import struct
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from dvsnet_ros.drives.compressed_header import MAX_COMPRESSED_PIXELS
from dvsnet_ros.drives.image_decoding import ENCODINGS, ImageError, Pixels
from dvsnet_ros.nodes.image_conversion import from_array, to_bgr

BAYER_COLOURS = {  # the colour (index in BGR) at the four pixels of the pattern, row by row
    "bayer_rggb8": (2, 1, 1, 0),
    "bayer_bggr8": (0, 1, 1, 2),
    "bayer_gbrg8": (1, 0, 2, 1),
    "bayer_grbg8": (1, 2, 0, 1),
}
LESS_THAN_WHOLE_COLOUR = ("bayer", "yuv", "uyvy", "yuyv", "nv")


def colourful(height: int = 48, width: int = 64) -> Pixels:
    """Draw a smooth picture, uint8 [H, W, 3] BGR, in which no two channels look alike."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = (60 + 2.5 * x, 200 - 2 * y, 128 + 90 * np.sin((x + 2 * y) / 25))
    return np.stack(waves, axis=-1).clip(16, 235).astype(np.uint8)


def grey(bgr: Pixels) -> Pixels:
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)


def yuv422(bgr: Pixels, order: str) -> Pixels:
    """Encode BT.601 video range by its formula, bytes in the given order of "uyvy" letters."""
    b, g, r = np.moveaxis(bgr.astype(np.float64), -1, 0)
    luma = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    blue = (128 - 0.148 * r - 0.291 * g + 0.439 * b)[:, 0::2]
    red = (128 + 0.439 * r - 0.368 * g - 0.071 * b)[:, 0::2]
    planes = {"u": [blue], "v": [red], "y": [luma[:, 0::2], luma[:, 1::2]]}
    columns = [planes[letter].pop(0) for letter in order]
    interleaved = np.stack(columns, axis=-1).reshape(bgr.shape[0], -1)
    return interleaved.round().clip(0, 255).astype(np.uint8)


def nv(bgr: Pixels, encoding: str) -> Pixels:
    """Encode the luma, and below it the two colours of each 2x2 pixels: U and V, or V and U."""
    height, width = bgr.shape[:2]
    uyvy = yuv422(bgr, "uyvy").reshape(height, width // 2, 4)
    colours = uyvy[:, :, [0, 2] if encoding == "nv12" else [2, 0]].reshape(height, width)
    halved = np.rint((colours[0::2].astype(float) + colours[1::2]) / 2).astype(np.uint8)
    return np.concatenate([uyvy[:, :, [1, 3]].reshape(height, width), halved])


def bayer(bgr: Pixels, encoding: str) -> Pixels:
    mosaic = np.empty(bgr.shape[:2], np.uint8)
    for corner, colour in enumerate(BAYER_COLOURS[encoding]):
        row, column = divmod(corner, 2)
        mosaic[row::2, column::2] = bgr[row::2, column::2, colour]
    return mosaic


def encode(bgr: Pixels, encoding: str) -> Pixels:
    """Encode BGR [H, W, 3] as the rows of bytes, uint8 [H, row bytes], of a raw encoding."""
    height = bgr.shape[0]
    if encoding.endswith("16"):
        plain = encode(bgr, f"{encoding.removesuffix('16')}8")
        return (plain.astype("<u2") * 257).view(np.uint8)
    if encoding.startswith("bayer"):
        return bayer(bgr, encoding)
    if encoding in ("yuv422", "uyvy"):
        return yuv422(bgr, "uyvy")
    if encoding in ("yuv422_yuy2", "yuyv"):
        return yuv422(bgr, "yuyv")
    if encoding.startswith("nv"):
        return nv(bgr, encoding)
    opaque = np.dstack([bgr, np.full(bgr.shape[:2], 77, np.uint8)])
    order = {"rgb8": [2, 1, 0], "bgr8": [0, 1, 2], "rgba8": [2, 1, 0, 3], "bgra8": [0, 1, 2, 3]}
    order |= {"8UC3": order["bgr8"], "8UC4": order["bgra8"]}
    plain = grey(bgr) if encoding in ("mono8", "8UC1") else opaque[..., order[encoding]]
    return np.ascontiguousarray(plain).reshape(height, -1)


def raw(bgr: Pixels, encoding: str, padding: int = 0) -> Image:
    rows = np.pad(encode(bgr, encoding), ((0, 0), (0, padding)), constant_values=201)
    return Image(
        height=bgr.shape[0],
        width=bgr.shape[1],
        encoding=encoding,
        step=rows.shape[1],
        data=rows.tobytes(),
    )


def compressed(
    pixels: NDArray[np.generic], suffix: str = ".png", name: str = ""
) -> CompressedImage:
    return CompressedImage(format=name, data=cv2.imencode(suffix, pixels)[1].tobytes())


def expected(bgr: Pixels, encoding: str) -> Pixels:
    return np.dstack([grey(bgr)] * 3) if encoding in ("mono8", "mono16", "8UC1") else bgr


def check_colours(bgr: Pixels, encoding: str, padding: int, tolerance: float) -> None:
    converted = to_bgr(raw(bgr, encoding, padding))
    assert (converted.dtype, converted.shape) == (np.uint8, bgr.shape)
    difference = np.abs(converted.astype(int) - expected(bgr, encoding))
    if encoding.startswith(LESS_THAN_WHOLE_COLOUR):
        assert difference.mean() < tolerance
    else:
        assert difference.max() == 0


@pytest.mark.parametrize("padding", [0, 1, 7])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_colours_of_every_encoding(encoding: str, padding: int) -> None:
    check_colours(colourful(), encoding, padding, tolerance=1.5)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_colours_of_a_real_frame(encoding: str, shared_data: Path) -> None:
    frame = sorted((shared_data / "data/camvid/drive_15hz").glob("*.jpg"))[0]
    bgr = np.asarray(cv2.imread(str(frame)), np.uint8)
    check_colours(bgr, encoding, padding=4, tolerance=5.0)


@pytest.mark.parametrize("bigendian", [0, 1])
def test_mono16_is_scaled_and_rounded(bigendian: int) -> None:
    words = np.arange(65536, dtype=">u2" if bigendian else "<u2").reshape(256, 256)
    message = Image(
        height=256,
        width=256,
        encoding="mono16",
        is_bigendian=bigendian,
        step=512,
        data=words.tobytes(),
    )
    by_hand = np.rint(words.astype(np.float64) * 255 / 65535).astype(np.uint8)
    assert (to_bgr(message) == by_hand[..., None]).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_compressed(suffix: str) -> None:
    bgr = colourful()
    difference = np.abs(to_bgr(compressed(bgr, suffix)).astype(int) - bgr)
    assert difference.mean() < (3 if suffix == ".jpg" else 1e-9)


def test_compressed_grey_deep_transparent_and_bayer() -> None:
    bgr = colourful()
    shades = np.dstack([grey(bgr)] * 3)
    assert (to_bgr(compressed(grey(bgr))) == shades).all()
    assert (to_bgr(compressed(grey(bgr).astype(np.uint16) * 257)) == shades).all()
    assert (to_bgr(compressed(bgr.astype(np.uint16) * 257)) == bgr).all()
    assert (to_bgr(compressed(np.dstack([bgr, grey(bgr)]))) == bgr).all()
    mosaic = compressed(bayer(bgr, "bayer_gbrg8"), name="bayer_gbrg8; png compressed ")
    assert (to_bgr(mosaic) == to_bgr(raw(bgr, "bayer_gbrg8"))).all()
    deep = bayer(bgr, "bayer_gbrg8").astype(np.uint16) * 257
    mosaic = compressed(deep, name="bayer_gbrg16; png compressed ")
    assert (to_bgr(mosaic) == to_bgr(raw(bgr, "bayer_gbrg8"))).all()


@pytest.mark.parametrize("encoding", ["mono8", "bgr8", "rgb8"])
def test_from_array_comes_back(encoding: str) -> None:
    bgr = colourful()
    pixels = {"mono8": grey(bgr), "bgr8": bgr, "rgb8": bgr[..., ::-1]}[encoding]
    header = Header(frame_id="front")
    header.stamp.sec = 7
    message = from_array(pixels, encoding, header)
    assert message.header == header
    assert (message.height, message.width) == bgr.shape[:2]
    assert (to_bgr(message) == expected(bgr, encoding)).all()


def test_from_array_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="mono8 takes a uint8 array"):
        from_array(colourful(), "mono8", Header())
    with pytest.raises(ValueError, match="not one of mono8"):
        from_array(colourful(), "yuv422", Header())


def changed(message: Image, **fields: int | str | bytes) -> Image:
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def claiming(width: int, height: int) -> bytes:
    """Make a well-formed PNG of a few bytes that claims any size."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IEND", b"")]
    packed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


PNG = bytes(compressed(colourful()).data)
PNG_HUGE_CHUNK = PNG[:33] + b"\xff" + PNG[34:]  # OpenCV 5 would take 4 GB for this one
JPEG = bytes(compressed(colourful(), ".jpg").data)
JPEG_FRAME = JPEG.index(b"\xff\xc0")
HUGE_JPEG = JPEG[: JPEG_FRAME + 5] + b"\xff\xff\xff\xff" + JPEG[JPEG_FRAME + 9 :]


@pytest.mark.parametrize(
    ("message", "kind", "sentence"),
    [
        (changed(raw(colourful(), "bgr8"), encoding="32FC1"), "unknown_encoding", "'32FC1'.*rgb8"),
        (changed(raw(colourful(), "bgr8"), encoding="x" * 999), "unknown_encoding", "x…'"),
        (changed(raw(colourful(), "bgr8"), step=191), "inconsistent_size", "at least 192 bytes"),
        (changed(raw(colourful(), "bgr8"), step=193), "inconsistent_size", "needs 9264 bytes"),
        (changed(raw(colourful(), "rgb8"), data=b"1"), "inconsistent_size", "carries 1$"),
        (changed(raw(colourful(), "rgb8"), height=2**32 - 1), "inconsistent_size", "carries 9216"),
        (changed(raw(colourful(), "mono8"), width=0), "zero_size", "0x48 has no pixels"),
        (Image(encoding="mono8"), "zero_size", "0x0 has no pixels"),
        (raw(colourful(2, 64), "bayer_rggb8"), "inconsistent_size", "at least 3x3"),
        (changed(raw(colourful(), "yuv422"), width=63), "inconsistent_size", "odd width"),
        (changed(raw(colourful(), "nv12"), width=63), "inconsistent_size", "odd width"),
        (changed(raw(colourful(), "nv21"), height=47), "inconsistent_size", "odd height"),
        (changed(raw(colourful(), "nv12"), height=46), "inconsistent_size", "4416 bytes.* 4608"),
        (CompressedImage(format="jpeg"), "undecodable", "no data"),
        (CompressedImage(data=b"GIF89a"), "undecodable", "no whole JPEG or PNG"),
        (CompressedImage(data=JPEG[: len(JPEG) // 2]), "undecodable", "no whole JPEG or PNG"),
        (CompressedImage(data=PNG[:-12]), "undecodable", "no whole JPEG or PNG"),
        (CompressedImage(data=PNG_HUGE_CHUNK), "undecodable", "no whole JPEG or PNG"),
        (CompressedImage(data=HUGE_JPEG), "undecodable", "claims 65535x65535"),
        (CompressedImage(data=claiming(60000, 60000)), "undecodable", "60000x60000 pixels, over"),
        (CompressedImage(data=claiming(5000, 5000)), "undecodable", "more than its 45 bytes"),
        (CompressedImage(data=claiming(0, 4)), "zero_size", "no pixels: its header claims 0x4"),
        (CompressedImage(data=claiming(4, 4)), "undecodable", "can't be decoded"),
    ],
)
def test_refused(message: Image | CompressedImage, kind: str, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence) as refused:
        to_bgr(message)
    assert refused.value.kind == kind


def test_limit_admits_the_largest_cameras() -> None:
    assert MAX_COMPRESSED_PIXELS >= 8192 * 8192


def test_only_image_errors_come_of_mutated_raw_images() -> None:
    dice = random.Random(20)
    outcomes: Counter[str] = Counter()
    bases = [raw(colourful(6, 8), encoding, padding=2) for encoding in ENCODINGS]
    for _ in range(10_000):
        message = mutated_raw(dice.choice(bases), dice)
        try:
            converted = to_bgr(message)
        except ImageError as error:
            outcomes[error.kind] += 1
        else:
            outcomes["converted"] += 1
            assert converted.dtype == np.uint8
            assert converted.shape == (message.height, message.width, 3)
            rows = ENCODINGS[message.encoding].rows(message.height)
            assert message.step * rows == len(message.data)
    assert min(outcomes[k] for k in ("unknown_encoding", "inconsistent_size", "zero_size")) > 50
    assert outcomes["converted"] > 0


def mutated_raw(base: Image, dice: random.Random) -> Image:
    fields = {name: getattr(base, name) for name in ("height", "width", "step", "is_bigendian")}
    for name in dice.sample(sorted(fields), dice.randint(0, 2)):
        most = 255 if name == "is_bigendian" else 2**32 - 1
        near = fields[name] + dice.randint(-3, 3)
        fields[name] = min(max(dice.choice([near, 0, 1, most, dice.randint(0, most)]), 0), most)
    data = bytes(base.data)
    data = dice.choice([data, data, data, data[: dice.randrange(len(data))], data * 2, b""])
    encodings = [base.encoding] * 3 + [
        dice.choice([*ENCODINGS]),
        "",
        "bgr",
        "32FC1",
        "RGB8",
        "\x00",
    ]
    return Image(encoding=dice.choice(encodings), data=data, **fields)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_only_image_errors_come_of_mutated_compressed_images(suffix: str) -> None:
    dice = random.Random(21)
    base = bytes(compressed(colourful(), suffix).data)
    outcomes: Counter[str] = Counter()
    for _ in range(4000):
        try:
            picture = to_bgr(CompressedImage(data=mutated(base, dice)))
        except ImageError as error:
            outcomes[error.kind] += 1
        else:
            outcomes["converted"] += 1
            assert (picture.dtype, picture.ndim, picture.shape[2]) == (np.uint8, 3, 3)
    assert outcomes["undecodable"] > 50
    assert outcomes["converted"] > 0


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed_data = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        position = dice.randrange(dice.choice([24, 300, len(data)]))
        changed_data[position] = dice.randrange(256)
    if dice.random() < 0.2:
        del changed_data[dice.randrange(len(data)) :]
    if dice.random() < 0.2:
        position = dice.randrange(len(data))
        changed_data[position:position] = dice.randbytes(dice.randint(1, 9))
    return bytes(changed_data)


@pytest.mark.skipif(np.__version__.startswith("1."), reason="needs NumPy 2")
def test_a_cv_bridge_for_numpy_1_is_left_alone_under_numpy_2(tmp_path: Path) -> None:
    (tmp_path / "cv_bridge" / "boost").mkdir(parents=True)
    (tmp_path / "cv_bridge" / "__init__.py").write_text("raise SystemExit('it was imported')")
    compiled = tmp_path / "cv_bridge" / "boost" / "cv_bridge_boost.so"
    compiled.write_bytes(b"numpy.core._multiarray_umath")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import dvsnet_ros.drives.image_library"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
