// Checks a proof of the ledger (C2SP tlog-proof) in this browser: RFC 6962 hashes and the checkpoint's Ed25519 signature.
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const utf8 = (text) => new TextEncoder().encode(text);
const joined = (...parts) => { const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { all.set(p, at); at += p.length; } return all; };
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const same = (a, b) => a.length === b.length && a.every((each, i) => each === b[i]);
const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1), ED25519 = Uint8Array.of(1);

// The root that `path` leads to from entry `index` of `size` (RFC 9162, 2.1.3.2); null where it is too short or too long.
async function rootOf(leaf, index, size, path) {
  if (index < 0n || index >= size) return null;
  let fn = index, sn = size - 1n, root = leaf;
  for (const hash of path) {
    if (sn === 0n) return null;
    if (fn & 1n || fn === sn) {
      root = await sha256(NODE, hash, root);
      while (!(fn & 1n) && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else root = await sha256(NODE, root, hash);
    fn >>= 1n; sn >>= 1n;
  }
  return sn === 0n ? root : null;
}

// "" where the proof holds under the key, else the name of what is wrong: unread, key, signature or path.
async function fault(proof, key) {
  const cut = proof.indexOf("\n\n"), [name, id, encoded] = key.trim().split(/\+([0-9a-f]{8})\+/);
  const [kind, extra, at, ...path] = proof.slice(0, cut).split("\n"), note = proof.slice(cut + 2);
  if (cut < 0 || kind !== "c2sp.org/tlog-proof@v1" || !/^extra [A-Za-z0-9+/=]+$/.test(extra) || !/^index \d+$/.test(at)) return "unread";
  const end = note.indexOf("\n\n"), text = note.slice(0, end + 1), [origin, size, root] = text.split("\n");
  if (end < 0 || !/^\d+$/.test(size)) return "unread";
  const raw = encoded ? bytes(encoded) : new Uint8Array();
  if (raw.length !== 33 || raw[0] !== 1 || name !== origin) return "key";
  const keyId = (await sha256(utf8(`${name}\n`), ED25519, raw.slice(1))).slice(0, 4);
  if ([...keyId].map((each) => each.toString(16).padStart(2, "0")).join("") !== id) return "key";
  const trusted = await crypto.subtle.importKey("raw", raw.slice(1), "Ed25519", false, ["verify"]);
  let signed = false;
  for (const line of note.slice(end + 2).split("\n")) {
    const [, by, made] = line.match(/^— (\S+) (\S+)$/) ?? [];
    if (by !== name) continue;
    const value = bytes(made);
    if (value.length === 68 && same(value.slice(0, 4), keyId)) signed ||= await crypto.subtle.verify("Ed25519", trusted, value.slice(4), utf8(text));
  }
  if (!signed) return "signature";
  const leaf = await sha256(LEAF, bytes(extra.slice(6)));
  const found = await rootOf(leaf, BigInt(at.slice(6)), BigInt(size), path.map(bytes));
  return found && same(found, bytes(root)) ? "" : "path";
}

for (const form of document.querySelectorAll("form[data-proof]")) {
  const said = form.querySelector("[role=status]"), button = form.querySelector("button");
  if (!globalThis.crypto?.subtle) { said.textContent = form.dataset.unable; continue; }
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let wrong = "unread", entry = "";
    const proof = `${form.elements.proof.value.replaceAll("\r\n", "\n").trim()}\n`;
    try {
      wrong = await fault(proof, form.elements.key.value);
      if (!wrong) entry = new TextDecoder().decode(bytes(proof.match(/^extra (.+)$/m)[1]));
    } catch (error) { if (error.name === "NotSupportedError") wrong = "unable"; }
    said.textContent = wrong ? form.dataset[wrong] : form.dataset.holds;
    said.className = wrong ? "bad" : "well";
    const shown = form.querySelector("pre");
    shown.textContent = entry;
    shown.hidden = !entry;
  });
}
