// Shows why, for a cell that is tapped or clicked: a finger cannot point without touching.
const output = document.getElementById("clause");
let chosen = null;
document.addEventListener("click", (event) => {
  const cell = event.target.closest("td[title], .tile g");
  chosen?.classList.remove("chosen");
  chosen = cell;
  output.hidden = !cell;
  if (!cell) return;
  cell.classList.add("chosen");
  const row = cell.closest("tr")?.querySelector("th").textContent;
  output.textContent = cell.title ? row + ", " + cell.dataset.of + ": " + cell.title : cell.querySelector("title").textContent;
});
