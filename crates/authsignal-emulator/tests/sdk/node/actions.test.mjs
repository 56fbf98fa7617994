// Actions, as @authsignal/node tracks them, reads and changes them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { UserActionState } from "@authsignal/node";
import { START, UUID, client, emulator, enrolled, fails, origin, proved, time } from "./emulator.mjs";

test("tracked, validated, changed, read", async () => {
  const userId = await enrolled();
  const action = "Login";
  const tracked = await client.track({ userId, action });
  assert.equal(tracked.state, UserActionState.CHALLENGE_REQUIRED);
  assert.equal(tracked.isEnrolled, true);
  assert.match(tracked.idempotencyKey, UUID);
  assert.deepEqual(tracked.enrolledVerificationMethods, ["EMAIL_OTP"]);
  assert.equal(tracked.defaultVerificationMethod, "EMAIL_OTP");
  assert(tracked.allowedVerificationMethods.includes("EMAIL_OTP"));
  const url = new URL(tracked.url);
  assert.equal(url.origin, origin);
  assert.equal(url.searchParams.get("token"), tracked.token);

  const validated = await client.validateChallenge({ token: tracked.token });
  assert.deepEqual([validated.action, validated.userId], [action, userId]);
  assert.deepEqual([validated.isValid, validated.state], [false, UserActionState.CHALLENGE_REQUIRED]);

  const { idempotencyKey } = tracked;
  const attributes = { state: UserActionState.REVIEW_REQUIRED };
  const updated = await client.updateAction({ userId, action, idempotencyKey, attributes });
  assert.equal(updated.state, UserActionState.REVIEW_REQUIRED);

  const read = await client.getAction({ userId, action, idempotencyKey });
  assert.equal(read.state, UserActionState.REVIEW_REQUIRED);
  assert.notEqual(read.output ?? null, null);
  assert.equal(time(read.createdAt), START);
  time(read.stateUpdatedAt);
});

test("with every member there is", async () => {
  const userId = randomUUID();
  const attributes = {
    idempotencyKey: "checkout-4711",
    redirectUrl: "https://app.example.com/back?flow=1",
    redirectToSettings: true,
    ipAddress: "203.0.113.42",
    userAgent: "Mozilla/5.0 (X11; Linux x86_64)",
    deviceId: "a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d",
    scope: "read:authenticators add:authenticators",
    email: "ada@example.com",
    phoneNumber: "+64270000000",
    username: "ada",
    custom: { amount: 100, currency: "NZD", instant: true },
    locale: "en-NZ",
    customDomain: "mfa.example.com",
  };
  const tracked = await client.track({ userId, action: "withdrawal", attributes });
  assert.equal(tracked.idempotencyKey, "checkout-4711");
  assert.equal(tracked.isEnrolled, false);
  const user = await client.getUser({ userId });
  assert.deepEqual([user.email, user.phoneNumber, user.username], ["ada@example.com", "+64270000000", "ada"]);
  assert.deepEqual([user.emailVerified, user.phoneNumberVerified], [false, false]);

  await client.track({ userId, action: "withdrawal", attributes: { email: "other@example.com" } });
  assert.equal((await client.getUser({ userId })).email, "ada@example.com", "what is known stays");

  const [{ body, headers, path, method }] = (await emulator.requests("track")).slice(-2);
  assert.deepEqual(typeof body === "string" ? JSON.parse(body) : body, attributes);
  assert.equal(path, `/v1/users/${userId}/actions/withdrawal`);
  assert.equal(method, "POST");
  assert.equal(headers["user-agent"], "authsignal-node");
});

test("every outcome, for a user with something enrolled and for one without", async () => {
  const states = {
    ALLOW: ["ALLOW", "ALLOW"],
    CHALLENGE: ["CHALLENGE_REQUIRED", "ALLOW"],
    REVIEW: ["REVIEW_REQUIRED", "REVIEW_REQUIRED"],
    BLOCK: ["BLOCK", "BLOCK"],
  };
  for (const [outcome, expected] of Object.entries(states)) {
    const action = `outcome-${outcome}`;
    await emulator.outcome(action, outcome);
    for (const [index, userId] of [await enrolled(), randomUUID()].entries()) {
      const tracked = await client.track({ userId, action });
      assert.deepEqual([tracked.state, tracked.isEnrolled], [expected[index], index === 0], outcome);
      assert(tracked.url && tracked.token, "both are always there");
      const { idempotencyKey } = tracked;
      const read = await client.getAction({ userId, action, idempotencyKey });
      assert.equal(read.state, expected[index], outcome);
      assert.equal(read.verificationMethod, undefined);
    }
  }
});

test("the same key again is the same action in its state of today, with a fresh token", async () => {
  const userId = await enrolled();
  const { tracked } = await proved(userId, "pay", { idempotencyKey: "once" });
  await emulator.outcome("pay", "BLOCK");
  await emulator.advance(1);
  const again = await client.track({ userId, action: "pay", attributes: { idempotencyKey: "once" } });
  assert.deepEqual([again.state, again.idempotencyKey], [UserActionState.CHALLENGE_SUCCEEDED, "once"]);
  assert.notEqual(again.token, tracked.token);
});

test("a proof is seen in the action", async () => {
  const userId = await enrolled();
  const { tracked } = await proved(userId, "transfer");
  const { idempotencyKey } = tracked;
  const read = await client.getAction({ userId, action: "transfer", idempotencyKey });
  assert.deepEqual([read.state, read.verificationMethod], [UserActionState.CHALLENGE_SUCCEEDED, "EMAIL_OTP"]);
});

test("a query tells the newest first, by codes, by state, by time", async () => {
  const userId = await enrolled();
  const keys = [];
  for (const action of ["one", "two", "one", "three"]) {
    await emulator.advance(1);
    keys.unshift((await client.track({ userId, action })).idempotencyKey);
  }
  const found = async (filter) =>
    (await client.queryUserActions({ userId, ...filter })).map(({ idempotencyKey }) => idempotencyKey);
  assert.deepEqual(await found({}), keys);
  assert.deepEqual(await found({ actionCodes: ["one"] }), [keys[1], keys[3]]);
  assert.deepEqual(await found({ actionCodes: ["two", "three"] }), [keys[0], keys[2]]);
  assert.deepEqual(await found({ actionCodes: ["unheard-of"] }), []);
  assert.deepEqual(await found({ state: UserActionState.BLOCK }), []);
  assert.deepEqual(await found({ state: UserActionState.CHALLENGE_REQUIRED }), keys);
  assert.deepEqual(await client.queryUserActions({ userId: randomUUID() }), []);

  const [newest, , , oldest] = await client.queryUserActions({ userId });
  assert.deepEqual([newest.actionCode, newest.state], ["three", UserActionState.CHALLENGE_REQUIRED]);
  assert.equal(time(newest.createdAt), time(oldest.createdAt) + 3);
  assert.deepEqual(await found({ fromDate: newest.createdAt }), [keys[0]]);
  await fails(client.queryUserActions({ userId, fromDate: "yesterday" }), 400, "invalid_request");
  await fails(client.queryUserActions({ userId, state: "MAYBE" }), 400, "invalid_request");
});

test("a query names who proved what, and when", async () => {
  const userId = await enrolled();
  const [{ userAuthenticatorId }] = await client.getAuthenticators({ userId });
  await proved(userId, "transfer", { ipAddress: "203.0.113.42", userAgent: "Mozilla/5.0" });
  const [found] = await client.queryUserActions({ userId, state: UserActionState.CHALLENGE_SUCCEEDED });
  assert.deepEqual([found.verificationMethod, found.verifiedByAuthenticatorId], ["EMAIL_OTP", userAuthenticatorId]);
  assert.deepEqual([found.ipAddress, found.userAgent], ["203.0.113.42", "Mozilla/5.0"]);
  time(found.stateUpdatedAt);
  time(found.updatedAt);
});

test("every state can be set, and is what validate says then", async () => {
  const userId = await enrolled();
  const { idempotencyKey, token } = await client.track({ userId, action: "review" });
  for (const state of Object.values(UserActionState)) {
    const updated = await client.updateAction({ userId, action: "review", idempotencyKey, attributes: { state } });
    assert.equal(updated.state, state);
    const validated = await client.validateChallenge({ token });
    assert.deepEqual([validated.state, validated.isValid], [state, state === UserActionState.CHALLENGE_SUCCEEDED]);
  }
  const wrong = { userId, action: "review", idempotencyKey, attributes: { state: "MAYBE" } };
  await fails(client.updateAction(wrong), 400, "invalid_request");
});

test("an action that nobody tracked", async () => {
  const userId = await enrolled();
  const unknown = { userId, action: "never", idempotencyKey: "no-such-key" };
  await fails(client.getAction(unknown), 404, "not_found");
  const attributes = { state: UserActionState.BLOCK };
  await fails(client.updateAction({ ...unknown, attributes }), 404, "not_found");
});

test("deleting a user keeps the actions, since the SDK doesn't ask for more", async () => {
  const userId = await enrolled();
  const { idempotencyKey } = await client.track({ userId, action: "kept" });
  await client.deleteUser({ userId });
  const read = await client.getAction({ userId, action: "kept", idempotencyKey });
  assert.equal(read.state, UserActionState.CHALLENGE_REQUIRED);
});

test("what can't be tracked", async () => {
  const userId = randomUUID();
  const refused = (action, attributes) => fails(client.track({ userId, action, attributes }), 400, "invalid_request");
  await refused("with space", {});
  await refused("x".repeat(65), {});
  await refused("pay", { redirectUrl: "/back" });
  await refused("pay", { redirectUrl: "javascript:alert(1)" });
  await refused("pay", { idempotencyKey: "x".repeat(129) });
  await refused("pay", { redirectToSettings: "yes" });
  await refused("pay", { custom: { nested: { a: 1 } } });
  assert.deepEqual(await client.queryUserActions({ userId }), []);
});
