(() => {
  const form = document.getElementById("main");
  const { since } = form.elements;
  const look = async () => {
    const answer = await fetch(form.dataset.poll, { cache: "no-store" }).catch(() => null);
    if (answer && (await answer.text()) !== since.value) form.requestSubmit(form.querySelector("button"));
    else setTimeout(look, 1000);
  };
  document.getElementById("waiting").hidden = false;
  setTimeout(look, 1000);
})();
