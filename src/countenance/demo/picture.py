"""One search as a picture: the probe, its candidates, and how many innocent people to expect."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import image as mpimg
from matplotlib import pyplot as plt

from countenance.demo.program import Searched

_SHOWN = 5


def draw(searched: Searched, enrolled: Mapping[int, bytes], gallery_size: int, path: Path) -> None:
    """Draw `searched` into a PNG file. enrolled: one picture (PNG) of each enrolled person."""
    people: dict[int, float] = {}
    for person, similarity in searched.candidates:
        people.setdefault(person, similarity)
    shown = list(people.items())[:_SHOWN]
    figure, axes = plt.subplots(1, _SHOWN + 1, figsize=(11, 3.6), dpi=110)
    for axis in axes:
        axis.axis("off")
    axes[0].imshow(mpimg.imread(io.BytesIO(searched.probe.png)), cmap="gray")
    axes[0].set_title("probe", fontsize=11, color="#0072B2", fontweight="bold")
    for axis, (person, similarity) in zip(axes[1:], shown, strict=False):
        axis.imshow(mpimg.imread(io.BytesIO(enrolled[person])), cmap="gray")
        axis.set_title(f"lead: person {person}\nsimilarity {similarity:.1f}", fontsize=10)
    if not shown:
        axes[1].text(0.5, 0.5, "no candidate", ha="center", va="center", fontsize=12)
    figure.suptitle(
        f"A search among {gallery_size} enrolled faces, similarity 80 or more", x=0.02, ha="left", fontsize=13
    )
    figure.text(
        0.02,
        0.03,
        f"Chance alone is expected to name {searched.expected_false_matches:.2f} innocent faces in such a search "
        "(group served worst).\nA lead is not an identification: two people verify it before anybody acts. "
        "Faces: ORL, AT&T Laboratories Cambridge.",
        fontsize=9,
        color="#444444",
    )
    figure.subplots_adjust(left=0.02, right=0.98, top=0.74, bottom=0.16, wspace=0.15)
    figure.savefig(path)
    plt.close(figure)
