(() => {
  const $ = (id) => document.getElementById(id);

  // A character that nobody would see, or that turns the text round, stands there by its number.
  const UNSEEN = /(?!\n)\p{Cc}|\p{Default_Ignorable_Code_Point}|[\u2028\u2029\ufff9-\ufffb]/gu;
  const number = (char) => `[U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
  const visible = (text) => text.replace(UNSEEN, (char, at) => (char === "\r" && text[at + 1] === "\n" ? "" : number(char)));

  // Whatever comes from outside gets into the page as text, and as nothing else.
  const el = (name, { on, data, ...props } = {}, ...children) => {
    const node = Object.assign(document.createElement(name), props);
    Object.assign(node.dataset, data);
    for (const [event, act] of Object.entries(on ?? {})) node.addEventListener(event, act);
    const there = children.flat().filter((child) => child !== undefined && child !== null && child !== "");
    node.append(...there.map((child) => (typeof child === "string" ? visible(child) : child)));
    return node;
  };
  const button = (text, act, className = "") => el("button", { type: "button", className, on: { click: act } }, text);
  const line = (...children) => el("div", { className: "line" }, ...children);
  const soft = (text) => text && el("span", { className: "soft" }, String(text));
  const chip = (text) => el("span", { className: "chip" }, String(text));
  const time = (text) => el("time", { dateTime: text, textContent: new Date(text).toLocaleTimeString() });
  const facts = (pairs) => {
    const there = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
    return el("dl", { className: "facts" }, there.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  };
  const more = (summary, ...children) => el("details", {}, el("summary", {}, summary), ...children);
  const row = (summary, ...children) => el("details", {}, el("summary", { className: "line" }, summary), ...children);
  const json = (value) => el("pre", { tabIndex: 0 }, typeof value === "string" ? value : JSON.stringify(value, null, 2));

  const GOOD = ["ALLOW", "CHALLENGE_SUCCEEDED", "REVIEW_SUCCEEDED"];
  const BAD = ["BLOCK", "CHALLENGE_FAILED", "REVIEW_FAILED"];
  const tone = (state) =>
    GOOD.includes(state) ? "good" : BAD.includes(state) ? "bad" : state.endsWith("_REQUIRED") ? "amber" : "";
  const state = (text) => el("span", { className: `state ${tone(text)}` }, text);

  const segment = encodeURIComponent;
  // The page's own address may have the key in it, and no browser asks for anything below that.
  const below = (path) => `${location.origin}/emulator/${path}`;
  const say = (text) => $("says").replaceChildren(...(text ? [el("p", {}, text)] : []));

  // Asks for something to be done, and shows what has come of it: what was answered, or nothing when it failed.
  const act = async (method, path, body) => {
    try {
      const headers = body === undefined ? {} : { "Content-Type": "application/json" };
      const response = await fetch(below(path), { method, headers, body: body && JSON.stringify(body) });
      const answer = response.status === 204 ? {} : await response.json();
      say(response.ok ? "" : answer.errorDescription);
      $("done").replaceChildren();
      return response.ok ? answer : undefined;
    } catch {
      say("The emulator does not answer.");
      return undefined;
    } finally {
      await look();
    }
  };
  const copy = async (text, from) => {
    const before = from.textContent;
    // Only pages of this machine and of https have a clipboard.
    from.textContent = await navigator.clipboard?.writeText(text).then(() => "Copied", () => "") || "Can’t copy here";
    setTimeout(() => { from.textContent = before; }, 1500);
  };
  const copier = (text, name = "Copy") => button(name, ({ currentTarget }) => copy(text, currentTarget));

  // Puts rows into a list. One that says what it said before stays as it is, and so do its focus and what is open in it.
  const fill = (id, items, key, build) => {
    const box = $(id);
    const before = new Map([...box.children].map((row) => [row.dataset.key, row]));
    let at = box.firstElementChild;
    for (const item of items) {
      const known = before.get(key(item));
      const said = JSON.stringify(item);
      let row = known;
      if (known?.said !== said) {
        row = el("li", { data: { key: key(item) } }, ...build(item));
        row.said = said;
        if (known) {
          const open = [...known.querySelectorAll("details")].map((details) => details.open);
          row.querySelectorAll("details").forEach((details, index) => { details.open = Boolean(open[index]); });
          const controls = (of) => [...of.querySelectorAll("button, select, summary, a, pre")];
          const focused = controls(known).indexOf(document.activeElement);
          if (at === known) at = row;
          known.replaceWith(row);
          controls(row)[focused]?.focus();
        }
      }
      before.delete(key(item));
      if (row === at) at = row.nextElementSibling;
      else box.insertBefore(row, at);
    }
    for (const gone of before.values()) gone.remove();
    const empty = box.parentElement.querySelector(".empty");
    if (empty) empty.hidden = items.length > 0;
  };

  // A list begins with its newest, and says what there is beyond them.
  const FEW = 12;
  // So many attempts and users are told at once.
  const LISTED = 1000;
  const whole = new Set();
  const list = (id, items, total, path, key, build) => {
    const shown = whole.has(id) ? items.length : Math.min(items.length, FEW);
    fill(id, items.slice(0, shown), key, build);
    $(`${id}-count`).textContent = total ? String(total) : "";
    let beyond = $(`${id}-beyond`);
    if (!beyond) {
      const turn = () => {
        if (!whole.delete(id)) whole.add(id);
        look();
      };
      const all = path && el("span", {}, " ", el("a", { href: below(path) }, `/emulator/${path}`));
      beyond = el("p", { id: `${id}-beyond`, className: "beyond soft" }, el("span", {}), button("", turn), all);
      $(id).after(beyond);
    }
    beyond.hidden = total <= FEW;
    const [said, more, all] = beyond.children;
    const put = (node, text) => { if (node && node.textContent !== text) node.textContent = text; };
    put(said, `${shown} of ${total}`);
    put(more, shown < items.length ? `Show ${items.length - shown} more` : "Show fewer");
    put(all?.firstChild, total > LISTED && ["actions", "users"].includes(path) ? `${LISTED} of them: ` : "all: ");
  };

  const attempt = (tried) => `actions/${[tried.userId, tried.action, tried.idempotencyKey].map(segment).join("/")}`;
  const named = (action, by) => el("div", { className: "grow" }, el("div", { className: "name-of" }, el("strong", {}, action), by));

  const waiting = ({ review, challenge, users }) => {
    if (review) {
      const decide = (to) => () => act("POST", `${attempt(review)}/state`, { state: to });
      return [
        line(named(review.action, ` by ${review.userId}`), time(review.createdAt)),
        Object.keys(review.custom).length > 0 ? facts(Object.entries(review.custom).map(([name, value]) =>
          [name, typeof value === "string" ? value : JSON.stringify(value)])) : "",
        el("div", { className: "acts" }, button("Approve", decide("REVIEW_SUCCEEDED"), "main"),
          button("Refuse", decide("REVIEW_FAILED"), "bad")),
      ];
    }
    const { challengeId, verificationMethod, userId, isClaimed } = challenge;
    const by = el("select", { ariaLabel: "Whose phone reads it" }, users.map((user) => el("option", { value: user }, user)));
    const claims = !userId && !isClaimed && verificationMethod === "QR_CODE";
    const answer = (deed) => async () => {
      const path = `challenges/${segment(challengeId)}`;
      if (claims && !(await act("POST", `${path}/claim`, { userId: by.value }))) return;
      await act("POST", `${path}/${deed}`);
    };
    return [
      line(named(challenge.action ?? "Sign in", ` on ${challenge.to ?? "a phone"}${userId ? ` of ${userId}` : ""}`),
        chip(verificationMethod), time(challenge.createdAt)),
      claims && users.length === 0 ? soft("Enrol a user for QR codes, who can read it.") : "",
      el("div", { className: "acts" }, claims ? by : "", button("Approve", answer("approve"), "main"),
        button("Decline", answer("decline"), "bad")),
    ];
  };

  // What a developer does in the user's place: on the challenge page, or at once.
  const acts = (item) => {
    const settle = (deed, came) => async () => {
      const left = await act("POST", `${attempt(item)}/${deed}`);
      if (!left) return;
      const back = left.redirectUrl?.startsWith("http") &&
        [" ", el("a", { href: left.redirectUrl, target: "_blank", rel: "noreferrer" }, "Go on in the application")];
      $("done").replaceChildren(el("p", {}, `${item.action} by ${item.userId} ${came}.`, ...(back || [])));
    };
    // A form, since browsers open a page for one that was clicked.
    const open = el("form", { method: "post", action: below(`${attempt(item)}/open`), target: "_blank", rel: "noopener" },
      el("button", {}, "Open"));
    const waits = item.state === "CHALLENGE_REQUIRED";
    return el("div", { className: "acts" }, open, waits ? [button("Succeed", settle("succeed", "was proved"), "main"),
      button("Fail", settle("decline", "has failed"), "bad")] : "");
  };
  const tried = (item) => {
    const unenrolled = item.state === "ALLOW" && item.outcome === "CHALLENGE" && !item.wasEnrolled;
    return [
      line(named(item.action, ` by ${item.userId}`), state(item.state)),
      line(time(item.createdAt), soft(`began with ${item.outcome}${unenrolled ? ", nothing enrolled" : ""}`),
        item.verificationMethod ? chip(item.verificationMethod) : "",
        item.rules.map((rule) => chip(rule.ruleId === item.priorityRuleId ? `decided by ${rule.name}` : rule.name)),
        more("Details", facts([
          ["User", item.userId],
          ["Key", item.idempotencyKey],
          ["Methods", item.allowedVerificationMethods.join(", ")],
          ["Back to", item.redirectUrl],
          ["Address", [item.ipAddress, item.countryCode].filter(Boolean).join(", ")],
          ["Browser", item.userAgent],
          ["Device", item.deviceId],
          ["Changed", el("time", { textContent: new Date(item.stateUpdatedAt).toLocaleString() })],
        ]), Object.keys(item.custom).length > 0 ? json(item.custom) : "")),
      unenrolled || item.state === "CHALLENGE_REQUIRED" ? acts(item) : "",
    ];
  };

  const message = ({ channel, to, userId, action, code, link, time: at }) => [
    line(named(to, userId ? ` ${userId}` : ""), chip(channel), time(at)),
    line(soft(action),
      code ? [el("span", { className: "secret" }, code), copier(code)] : "",
      link?.startsWith("http") ? [el("a", { href: link, target: "_blank", rel: "noreferrer" }, "Open the link"), copier(link)] : ""),
  ];

  const answered = ({ status, isUnderWay }) => {
    const tone = isUnderWay ? "amber" : status < 400 ? "good" : "bad";
    return el("span", { className: `state ${tone}` }, isUnderWay ? "under way" : String(status ?? "no answer"));
  };
  const request = ({ endpoint, method, path, headers, body, time: at, ...answer }) => [
    row([chip(endpoint), el("span", { className: "grow mono" }, `${method} ${path}`), answered(answer), time(at)],
      facts(Object.entries(headers)), body === null ? "" : json(body)),
  ];

  const webhook = (sent) => [
    row([el("strong", { className: "grow" }, sent.type), soft(sent.attempts > 1 ? `${sent.attempts} attempts` : ""),
      el("span", { className: `state ${sent.isAccepted ? "good" : "bad"}` }, String(sent.status ?? "no answer")),
      time(sent.time)], facts([["To", sent.url], ["Id", sent.id], ["Why", sent.error]]), json(sent.body)),
  ];

  const fault = ({ endpoint, kind, status, delayMs, contentType, bytes, state: unknown, times, always, share }) => {
    const what = {
      status, rateLimit: "429", delay: `${delayMs} ms late`, body: `${status}, ${contentType}`,
      cut: `cut after ${bytes} bytes`, contentType, hangUp: "hangs up", state: `state ${unknown}`, merge: "other members",
    };
    const which = share !== undefined ? `${Math.round(share * 100)} % of calls` : always ? "always" : `${times} more`;
    return [line(chip(endpoint === "*" ? "any endpoint" : endpoint), el("span", { className: "grow" }, String(what[kind])),
      soft(share !== undefined && times !== undefined ? `${which}, ${times} more` : which))];
  };

  const user = (known) => {
    const remove = () => confirm(`Remove ${visible(known.userId)}?`) && act("DELETE", `users/${segment(known.userId)}`);
    const verified = known.authenticators.filter(({ isVerified }) => isVerified);
    return [
      line(named(known.userId, ""), verified.length === 0 ? soft("nothing enrolled") : ""),
      line(soft([...new Set([known.email, known.phoneNumber, known.username].filter(Boolean))].join(" · ")),
        verified.map(({ verificationMethod }) => chip(verificationMethod))),
      verified.filter(({ code }) => code).map(({ code }) =>
        line(soft("The app shows"), el("span", { className: "secret" }, code), copier(code))),
      more("Details", facts([
        ["User", known.userId],
        ["E-mail", known.email && `${known.email} (${known.emailVerified ? "verified" : "not verified"})`],
        ["Phone", known.phoneNumber && `${known.phoneNumber} (${known.phoneNumberVerified ? "verified" : "not verified"})`],
        ["Name", known.displayName],
        ["Language", known.locale],
        ["Recovery codes", known.recoveryCodes.join(", ")],
        ["Devices", known.devices.map(({ deviceId, isRemembered, isInvalidated }) =>
          deviceId + (isInvalidated ? " (invalidated)" : isRemembered ? " (remembered)" : "")).join(", ")],
      ]), Object.keys(known.custom).length > 0 ? json(known.custom) : "",
      el("div", { className: "acts" }, button("Remove", remove, "bad"))),
    ];
  };

  const outcome = ([code, begins]) => {
    const choose = ({ currentTarget }) => act("PUT", `outcomes/${segment(code)}`, { outcome: currentTarget.value });
    const choices = ["ALLOW", "CHALLENGE", "REVIEW", "BLOCK"];
    const select = el("select", { ariaLabel: `Outcome of ${code}`, on: { change: choose } },
      choices.map((value) => el("option", { selected: value === begins }, value)));
    return [line(el("strong", { className: "grow" }, code), select)];
  };

  const connection = ([name, value]) => [
    el("div", {}, el("dt", { className: "mono" }, name),
      el("dd", { className: "mono" }, el("span", {}, value), copier(`${name}=${value}`))),
  ];
  let connected = "";

  const show = (seen) => {
    const reviews = seen.actions.filter((item) => item.state === "REVIEW_REQUIRED").map((review) => ({ review }));
    const buttons = seen.challenges.filter(({ waitsForButton }) => waitsForButton);
    const users = seen.users.filter(({ authenticators }) =>
      authenticators.some((known) => known.isVerified && known.verificationMethod === "QR_CODE")).map(({ userId }) => userId);
    const all = [...reviews, ...buttons.map((challenge) => ({ challenge, users }))];
    list("waiting", all, all.length, "", ({ review, challenge }) => (review ? attempt(review) : challenge.challengeId), waiting);
    $("waiting-box").hidden = all.length === 0;
    const { counts } = seen;
    list("actions", seen.actions, counts.actions, "actions", attempt, tried);
    const ofMessage = ({ challengeId, time: at, code }) => `${challengeId} ${at} ${code ?? ""}`;
    list("inbox", seen.messages, counts.messages, "messages", ofMessage, message);
    // Those of one moment are told apart by their place, counted from the oldest.
    const requests = seen.requests.map((item, index) => ({ ...item, number: counts.requests - index }));
    list("requests", requests, counts.requests, "requests", ({ number }) => String(number), request);
    list("webhooks", seen.webhooks, counts.webhooks, "webhooks", ({ id }) => id, webhook);
    const faults = seen.faults.map((item, index) => ({ ...item, index }));
    list("faults", faults, faults.length, "faults", ({ index }) => String(index), fault);
    $("faults-acts").hidden = faults.length === 0;
    list("users", seen.users, counts.users, "users", ({ userId }) => userId, user);
    const outcomes = Object.entries(seen.outcomes);
    list("outcomes", outcomes, outcomes.length, "outcomes", ([code]) => code, outcome);
    $("now").textContent = new Date(seen.now).toLocaleString();
    $("now").dateTime = seen.now;
    const pairs = [["AUTHSIGNAL_API_URL", seen.baseUrl], ["AUTHSIGNAL_API_SECRET_KEY", seen.secret], ["AUTHSIGNAL_TENANT_ID", seen.tenantId]];
    if (connected !== String(pairs)) {
      $("connect").replaceChildren(...pairs.flatMap(connection));
      $("connect-acts").replaceChildren(copier(pairs.map(([name, value]) => `${name}=${value}`).join("\n"), "Copy all"));
    }
    connected = String(pairs);
  };

  const is = (text, className) => {
    if ($("live").textContent !== text) $("live").textContent = text;
    $("live").className = `live ${className}`;
  };
  let looking;
  const look = async () => {
    clearTimeout(looking);
    try {
      const response = await fetch(below("overview"));
      if (response.status === 401) return is("It asks for another key: reload the page", "off");
      const seen = await response.json();
      show(seen);
      if (seen.unsaved) is(`The state can’t be saved: ${seen.unsaved}`, "off");
      else is("Live", "on");
    } catch {
      is("No answer", "off");
    }
    clearTimeout(looking);
    if (!document.hidden) looking = setTimeout(look, 1000);
  };

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(looking);
    else look();
  });
  for (const turn of document.querySelectorAll("[data-advance]")) {
    turn.addEventListener("click", () => act("POST", "clock", { advanceSeconds: Number(turn.dataset.advance) }));
  }
  $("reset").addEventListener("click", () => confirm("Forget users, actions, messages and faults?") && act("POST", "reset"));
  $("faults-new").addEventListener("click", ({ target }) => {
    if (!target.dataset.fault) return;
    const seed = Math.floor(Math.random() * 2 ** 32);
    const which = { once: { times: 1 }, ten: { times: 10 }, share: { share: 0.3, seed } }[$("fault-when").value];
    act("POST", "faults", { endpoint: $("fault-endpoint").value, ...JSON.parse(target.dataset.fault), ...which });
  });
  $("faults-clear").addEventListener("click", () => act("DELETE", "faults"));
  $("outcome-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const done = await act("PUT", `outcomes/${segment($("outcome-action").value)}`, { outcome: $("outcome-value").value });
    if (done) event.target.reset();
  });
  $("user-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const methods = [...event.target.querySelectorAll(":checked")].map(({ value }) => value);
    const facts = { email: $("user-email").value || null, phoneNumber: $("user-phone").value || null, methods };
    if (await act("PUT", `users/${segment($("user-id").value)}`, facts)) event.target.reset();
  });
  look();
})();
