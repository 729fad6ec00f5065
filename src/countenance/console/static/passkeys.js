// Asks the browser for a passkey, and sends its answer with the form round the button. All else is done by the server.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("button"), said = form.querySelector("[role=status]");
  const asked = JSON.parse(form.dataset.options), making = form.dataset.passkey === "make";
  const parse = making ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (!window.PublicKeyCredential?.[parse]) { said.textContent = form.dataset.unable; continue; }
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    button.disabled = true;
    said.textContent = "";
    try {
      const publicKey = PublicKeyCredential[parse](asked);
      const given = await navigator.credentials[making ? "create" : "get"]({ publicKey });
      form.elements.answer.value = JSON.stringify(given);
      form.submit();
    } catch {
      said.textContent = form.dataset.failed;
      button.disabled = false;
    }
  });
}
