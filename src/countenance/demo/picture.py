"""One search as a picture: the probe, its candidates, and how many innocent people to expect."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import image as mpimg
from matplotlib import pyplot as plt

from countenance.demo.program import Searched

_SHOWN = 5


def draw(
    searched: Searched,
    enrolled: Mapping[tuple[int, int], bytes],
    chance: Callable[[float], float],
    path: Path,
) -> None:
    """Draw `searched` into a PNG file.

    enrolled: the enrolled pictures (PNG) by person and number. chance: similarity -> how many of the enrolled faces
    are expected to reach it by chance.
    """
    shown = searched.candidates[:_SHOWN]
    figure, axes = plt.subplots(1, _SHOWN + 1, figsize=(11, 3.8), dpi=110)
    for axis in axes:
        axis.axis("off")
    axes[0].imshow(mpimg.imread(io.BytesIO(searched.probe.png)), cmap="gray")
    axes[0].set_title("probe", fontsize=11, color="#0072B2", fontweight="bold")
    for axis, (person, number, similarity) in zip(axes[1:], shown, strict=False):
        axis.imshow(mpimg.imread(io.BytesIO(enrolled[person, number])), cmap="gray")
        axis.set_title(
            f"lead: person {person}\nsimilarity {similarity:.1f}\nby chance {chance(similarity):.1g}", fontsize=9
        )
    if not shown:
        axes[1].text(0.5, 0.5, "no candidate", ha="center", va="center", fontsize=12)
    figure.suptitle(
        f"A search among {len(enrolled)} enrolled faces, similarity 80 or more", x=0.02, ha="left", fontsize=13
    )
    figure.text(
        0.02,
        0.03,
        f"By chance alone such a search is expected to name {searched.expected_false_matches:.2f} innocent faces; "
        "over each lead: how many would score as high (group served worst).\nA lead is not an identification: two "
        "people verify it before anybody acts. Faces: ORL, AT&T Laboratories Cambridge.",
        fontsize=9,
        color="#444444",
    )
    figure.subplots_adjust(left=0.02, right=0.98, top=0.72, bottom=0.16, wspace=0.15)
    figure.savefig(path)
    plt.close(figure)
