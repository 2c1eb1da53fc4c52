"""A web server of pictures: every address is a JPEG of its own, made from a few hundred.

python -m benchmarks._site FOLDER ADDRESS LATENCY_S: prints its port, then serves until it is
ended. /17-5.jpg is picture 17 with the number 5 in a comment: another file that looks the same.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIZE = (1200, 900)
SHAPES = 250


def make_scenes(folder: Path, n: int) -> None:
    """n JPEGs of about 130 kB, each of its own things before its own ground."""
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_scene, [folder / f"{i}.jpg" for i in range(n)], range(n), chunksize=8))


def _scene(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ground = Image.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8))
    made = ground.resize(SIZE, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(made)
    at, size = rng.uniform(0, SIZE, (SHAPES, 2)), rng.uniform(12, 100, (SHAPES, 2))
    colour = rng.integers(0, 256, (SHAPES, 3)).tolist()
    for i in range(SHAPES):
        shape = draw.ellipse if i % 2 else draw.rectangle
        shape((*at[i], *(at[i] + size[i])), fill=tuple(colour[i]))
    grain = Image.effect_noise(SIZE, 24).convert("RGB")
    Image.blend(made, grain, 0.12).save(path, quality=75)


def numbered(jpeg: bytes, number: int) -> bytes:
    """The same picture as another file: the number stands in a comment."""
    comment = b"%012d" % number
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


async def _answer(
    pictures: list[bytes],
    latency_s: float,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b" ", 2)[1].strip(b"/").removesuffix(b".jpg")
            which, number = map(int, name.split(b"-"))
            body = numbered(pictures[which % len(pictures)], number)
            await asyncio.sleep(latency_s)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                % len(body)
            )
            writer.write(body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        writer.close()


async def _serve(folder: Path, address: str, latency_s: float) -> None:
    names = sorted(folder.glob("*.jpg"), key=lambda path: int(path.stem))
    pictures = [path.read_bytes() for path in names]
    server = await asyncio.start_server(
        lambda reader, writer: _answer(pictures, latency_s, reader, writer), address, 0, backlog=500
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
