// Passkeys: asks the server for a challenge, the authenticator for an answer, and sends it back. The pages work
// without it, by password and code. Must never keep or show what the authenticator gave.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(
    atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  async function send(path, body, csrf) {
    const headers = { "content-type": "application/json" };
    if (csrf) headers["x-csrf-token"] = csrf;
    const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), redirect: "error" });
    const said = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(said.error || "");
    return said;
  }

  const named = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  async function register(place) {
    const asked = await send("/account/passkeys/options", {}, place.dataset.csrf);
    const made = await navigator.credentials.create({ publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: named(asked.excludeCredentials),
    } });
    const answer = { id: made.id, rawId: text(made.rawId), type: made.type, response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
    } };
    const label = place.querySelector("input[name=label]").value;
    return send("/account/passkeys", { answer, label }, place.dataset.csrf);
  }

  async function signIn() {
    const asked = await send("/sign-in/passkey/options", {});
    const made = await navigator.credentials.get({ publicKey: {
      ...asked, challenge: bytes(asked.challenge), allowCredentials: named(asked.allowCredentials),
    } });
    return send("/sign-in/passkey", { id: made.id, rawId: text(made.rawId), type: made.type, response: {
      clientDataJSON: text(made.response.clientDataJSON),
      authenticatorData: text(made.response.authenticatorData),
      signature: text(made.response.signature),
      userHandle: made.response.userHandle ? text(made.response.userHandle) : null,
    } });
  }

  for (const place of document.querySelectorAll("[data-passkey]")) {
    const button = place.querySelector("button");
    const status = place.querySelector("[role=status]");
    if (!window.PublicKeyCredential) continue;
    if (location.origin !== place.dataset.origin) {
      const link = document.createElement("a");
      link.href = place.dataset.origin + location.pathname;
      link.textContent = place.dataset.origin;
      status.append(place.dataset.elsewhere + " ", link);
      continue;
    }
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      status.textContent = "";
      try {
        const said = await (place.dataset.passkey === "register" ? register(place) : signIn());
        location.assign(said.next);
      } catch (error) {
        status.textContent = error instanceof DOMException || !error.message ? place.dataset.failed : error.message;
        button.disabled = false;
      }
    });
  }
})();
