(() => {
  const opener = window.opener || (window.parent !== window ? window.parent : null);
  if (!opener) return;
  const { say, target } = document.body.dataset;
  const page = document.querySelector("main");
  const tell = (message) => opener.postMessage(message, target);
  const height = () => tell({ height: Math.ceil(page.getBoundingClientRect().height) });
  const ready = '{"event":"AUTHSIGNAL_READY"}';
  const start = () => {
    document.querySelector("[data-focus]")?.focus();
    height();
    tell(ready);
    if (say !== ready) tell(say);
  };
  window.addEventListener("load", start);
  window.addEventListener("resize", height);
  new ResizeObserver(height).observe(page);
})();
