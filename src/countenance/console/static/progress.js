// Shows what a stream of server-sent events says about long work; at its end the page is read anew.
for (const place of document.querySelectorAll("[data-progress]")) {
  const events = new EventSource(place.dataset.progress);
  events.addEventListener("message", (event) => {
    const told = JSON.parse(event.data);
    if (place.textContent !== told.says) place.textContent = told.says;
    if (told.over) { events.close(); location.reload(); }
  });
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10_000);
  });
}
