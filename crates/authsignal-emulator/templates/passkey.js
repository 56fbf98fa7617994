(() => {
  const form = document.getElementById("main");
  if (!form) return;
  const { credential } = form.elements;
  const { does, options, cancelled, known, unsupported } = form.dataset;
  const refused = document.getElementById("refused");
  const parse = does === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  const problems = { InvalidStateError: known, NotAllowedError: cancelled, AbortError: cancelled };
  form.addEventListener("submit", async (event) => {
    if (credential.value) return;
    event.preventDefault();
    refused.hidden = true;
    try {
      const publicKey = PublicKeyCredential[parse](JSON.parse(options));
      const answer = await navigator.credentials[does]({ publicKey });
      credential.value = JSON.stringify(answer.toJSON());
      form.requestSubmit();
    } catch (error) {
      refused.textContent = problems[error.name] ?? unsupported;
      refused.hidden = false;
    }
  });
})();
