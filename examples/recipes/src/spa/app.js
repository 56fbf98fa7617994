// The page's script: `send` is `fetch`, for calls that may be challenged. Everything else is as without it.
import { stepUp, StepUpError } from "/authsignal/callback/step-up.js";
const send = stepUp();
const find = (selector) => document.querySelector(selector);
const login = find("#login");
const pay = find("#pay");
const say = (text) => (find(".said").textContent = text);
async function show() {
    const response = await fetch("/api/account");
    [login.hidden, pay.hidden] = [response.ok, !response.ok];
    find("h1").textContent = response.ok ? `Payments: ${(await response.json()).payments}` : "Who are you?";
}
login.addEventListener("submit", async (event) => {
    event.preventDefault();
    const user = String(new FormData(login).get("user"));
    const response = await fetch("/login", { method: "POST", body: new URLSearchParams({ user }) });
    say(response.ok ? "" : "Nobody has that name");
    await show();
});
pay.addEventListener("submit", async (event) => {
    event.preventDefault(); // What follows is still this click's: the popup opens.
    const body = JSON.stringify({ amount: Number(new FormData(pay).get("amount")) });
    try {
        const response = await send("/api/pay", { method: "POST", body, headers: { "content-type": "application/json" } });
        say(response.ok ? "Paid" : (await response.json()).title);
    }
    catch (error) {
        if (!(error instanceof StepUpError))
            throw error;
        say(error.outcome === "cancelled" ? "Cancelled, and nothing was paid" : "That was not you, and nothing was paid");
    }
    await show();
});
await show();
