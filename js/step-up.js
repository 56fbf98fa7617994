// Calls that may be challenged: see step-up.d.ts for what is exported, and README.md for how it is used.

export class StepUpError extends Error {
  constructor(outcome, response) {
    super(`step-up ${outcome}`);
    this.name = "StepUpError";
    this.outcome = outcome;
    this.response = response;
  }
}

// One challenge at a time in a page: the calls that wait are let through by what is proved meanwhile, where it covers them.
let last = Promise.resolve();
let waiting = 0;
let popup;

// Listens until `hear` or the poll says what came of a challenge.
const outcome = (hear, poll) =>
  new Promise((resolve) => {
    const done = (result) => {
      removeEventListener("message", listen);
      clearInterval(timer);
      resolve(result);
    };
    const listen = (event) => {
      const result = hear(event);
      if (result) done(result);
    };
    const timer = setInterval(() => poll() && done({}), 200);
    addEventListener("message", listen);
  });

// Lets time pass, unless the call is aborted.
const pause = (ms, signal) =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal.onabort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
  });

const parsed = (text) => {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
};

const ways = {
  // Our own callback page tells how it ended: to this origin alone, with the attempt's key, which nobody else knows.
  popup({ url, idempotencyKey, callbackOrigin }) {
    popup = open(url, "authsignal-step-up", "popup,width=420,height=680");
    if (!popup) return ways.page({ url });
    return outcome(
      ({ source, origin, data }) =>
        source === popup && origin === callbackOrigin && data?.authsignal === idempotencyKey && data,
      () => popup.closed,
    );
  },
  // The challenge's page tells, in the words that Authsignal's own browser SDK listens to.
  async dialog({ url }) {
    const address = new URL(url);
    address.searchParams.set("mode", "popup");
    const dialog = document.createElement("dialog");
    const frame = document.createElement("iframe");
    frame.title = "Authsignal";
    frame.allow = "publickey-credentials-get *; publickey-credentials-create *; clipboard-write";
    frame.style.cssText = "border:0;width:385px;max-width:100%;height:480px";
    frame.src = address;
    // The frame has the keys, and may show nothing where the page's policy forbids it: a click beside it closes the dialog.
    dialog.style.padding = 0;
    dialog.onclick = ({ target }) => target === dialog && dialog.close();
    dialog.append(frame);
    document.body.append(dialog);
    dialog.showModal();
    const result = await outcome(
      ({ source, origin, data }) => {
        if (source !== frame.contentWindow || origin !== address.origin) return;
        if (data?.height) frame.style.height = `${data.height}px`;
        const { event, token } = parsed(data);
        return event === "AUTHSIGNAL_CLOSE_POPUP" && (token ? { token } : { outcome: "cancelled" });
      },
      () => !dialog.open,
    );
    dialog.remove();
    return result;
  },
  // The page is left, and whatever it had in memory with it.
  page({ url }) {
    location.assign(url);
    return new Promise(() => {});
  },
};

export const stepUp = (send = (request) => fetch(request), { open: how = "popup", review } = {}) => {
  const prove = typeof how === "function" ? how : ways[how];
  if (!prove) throw new TypeError(`no way to open a challenge: ${how}`);
  return async (input, init) => {
    const request = new Request(input, init);
    const { signal } = request;
    const ask = async (token) => {
      const again = request.clone();
      if (token) again.headers.set("authsignal-token", token);
      const response = await send(again);
      const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json");
      const problem = isProblem ? await response.clone().json().catch(() => ({})) : {};
      const [, reason] = /RefusalReason\.html#variant\.(\w+)$/.exec(problem.type) ?? [];
      return { response, problem, reason, isChallenge: reason === "ChallengeRequired" };
    };
    // Sends the call again at the pace that its answers name, until somebody has decided.
    const reviewed = async (answer) => {
      if (!review || answer.reason !== "UnderReview") return answer.response;
      const { timeout = 600_000, onWait } = review;
      const { idempotencyKey } = answer.problem;
      const end = Date.now() + timeout;
      onWait?.(answer.problem);
      for (;;) {
        const { reason, response, problem } = answer;
        const after = response.headers.get("retry-after");
        const isOther = problem.idempotencyKey && problem.idempotencyKey !== idempotencyKey;
        if (reason === "State") throw new StepUpError("refused", response);
        if (answer.isChallenge || (reason === "UnderReview" && isOther)) throw new StepUpError("undecided", response);
        if (reason !== "UnderReview" && !(reason === "Outage" && after)) return response;
        // What a proxy makes of the header is no reason to ask without a pause.
        const ms = Math.min(after > 0 ? after : 5, 600) * 1000;
        if (!(Date.now() + ms <= end)) throw new StepUpError("undecided", response);
        await pause(ms, signal);
        answer = await ask();
      }
    };
    let answer = await ask();
    if (!answer.isChallenge) return reviewed(answer);
    const before = last;
    let next;
    last = new Promise((resolve) => (next = resolve));
    try {
      if (waiting++) {
        await before;
        answer = await ask();
        // Not awaited here, nor below: the next call goes on meanwhile.
        if (!answer.isChallenge) return reviewed(answer);
      }
      const { problem, response } = answer;
      const aborted = new Promise((_, reject) => (signal.onabort = () => reject(signal.reason)));
      const { outcome, token } = (await Promise.race([prove(problem), aborted])) ?? {};
      if (outcome && outcome !== "completed") throw new StepUpError(outcome, response);
      answer = await ask(token);
      if (answer.isChallenge) {
        const isSame = answer.problem.idempotencyKey === problem.idempotencyKey;
        throw new StepUpError(isSame ? "cancelled" : "failed", answer.response);
      }
      if (/^(State|Unproven)$/.test(answer.reason)) throw new StepUpError("failed", answer.response);
      return reviewed(answer);
    } finally {
      if (!--waiting) popup?.close();
      next();
    }
  };
};
