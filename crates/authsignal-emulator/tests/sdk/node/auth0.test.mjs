// The helpers for Auth0 of @authsignal/node, with what Auth0 would hand them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { handleAuth0ContinuePostLogin, handleAuth0ExecutePostLogin } from "@authsignal/node";
import { apiSecretKey, apiUrl, client, emulator, origin } from "./emulator.mjs";

function auth0() {
  const done = [];
  const say = (what) => (...words) => done.push([what, ...words]);
  return {
    done,
    redirect: { sendUserTo: say("redirect") },
    access: { deny: say("deny") },
    authentication: { recordMethod: say("record") },
  };
}

const event = (userId, query = {}) => ({
  secrets: { AUTHSIGNAL_SECRET: apiSecretKey },
  user: { user_id: userId, email: "ada@example.com" },
  request: { hostname: "bank.example.com", ip: "203.0.113.42", user_agent: "Mozilla/5.0", query },
});

async function login(userId, options = {}) {
  const api = auth0();
  await handleAuth0ExecutePostLogin(event(userId, { device_id: "device-1" }), api, { apiUrl, ...options });
  return api.done;
}

async function returns(userId, token) {
  const api = auth0();
  await handleAuth0ContinuePostLogin(event(userId, { token }), api, { apiUrl });
  return api.done;
}

test("a user with something enrolled is sent to prove it, and is let in", async () => {
  const userId = "auth0|6f1c-enrolled";
  await emulator.user(userId, { email: "ada@example.com", methods: ["EMAIL_OTP"] });
  const [[what, url]] = await login(userId);
  assert.equal(what, "redirect");
  assert.equal(new URL(url).origin, origin);
  const { token, redirectUrl } = await emulator.succeed(url);
  assert(redirectUrl.startsWith("https://bank.example.com/continue?token="));
  assert.deepEqual(await returns(userId, token), [["record", apiUrl]]);
  assert.deepEqual(await returns("auth0|somebody-else", token), [["deny", "MFA challenge failed"]]);
});

test("one with nothing enrolled is sent to enrol, and is let in", async () => {
  const userId = "auth0|6f1c-new";
  const [[what, url]] = await login(userId, { forceEnrollment: true });
  assert.equal(what, "redirect");
  assert(url.endsWith("&force_enrollment=true"));
  assert.equal((await fetch(url)).status, 200);
  const { token } = await emulator.succeed(url);
  assert.deepEqual(await returns(userId, token), [["record", apiUrl]]);
  assert.equal((await client.getUser({ userId })).isEnrolled, true);
});

test("who quits, or brings nothing that is a proof, is not", async () => {
  const userId = "auth0|6f1c-quits";
  await emulator.user(userId, { email: "ada@example.com", methods: ["EMAIL_OTP"] });
  const [[, url]] = await login(userId);
  const { token } = await emulator.quit(url);
  assert.deepEqual(await returns(userId, token), [["deny", "MFA challenge failed"]]);
  assert.deepEqual(await returns(userId, "forged"), [["deny", "MFA challenge failed"]]);
});

test("blocked and allowed", async () => {
  const userId = "auth0|6f1c-outcomes";
  await emulator.user(userId, { email: "ada@example.com", methods: ["EMAIL_OTP"] });
  await emulator.outcome("auth0-login", "BLOCK");
  assert.deepEqual(await login(userId), [["deny", "Action blocked"]]);
  await emulator.outcome("auth0-login", "ALLOW");
  assert.deepEqual(await login(userId), []);
});
