// Webhooks that the emulator sends and signs, as @authsignal/node takes them. The harness receives them, and hands on
// what came, as [{ signature, body }, …]: events at WEBHOOKS, batches of log records at WEBHOOKS/logs, which first has
// the emulator send those that wait. It agrees to proofs for the action asked-first, and to none for refused-always.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Webhook } from "@authsignal/node";
import { START, apiSecretKey, client, enrolled, fails } from "./emulator.mjs";

const { WEBHOOKS, SECOND_SECRET } = process.env;

/** The emulator's clock stands in the past. */
const ANY_AGE = -1;

const come = async (path = "") => (await fetch(WEBHOOKS + path)).json();

/** Waits until this event about this user has come. */
async function received(type, userId) {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const is = ({ body }) => JSON.parse(body).type === type && JSON.parse(body).data.userId === userId;
    const found = (await come()).find(is);
    if (found) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`no ${type}`);
}

function checkEnvelope(event, type) {
  assert.deepEqual([event.version, event.type, event.source], [1, type, "https://authsignal.com"]);
  assert.match(event.id, /./);
  assert.match(event.tenantId, /./);
  assert.equal(new Date(event.time).toISOString(), event.time);
}

/** The same, checked by the SDK. */
async function event(type, userId) {
  const { signature, body } = await received(type, userId);
  const event = client.webhook.constructEvent(body, signature, ANY_AGE);
  checkEnvelope(event, type);
  return event;
}

const byMail = (userId, more = {}) =>
  client.challenge({ verificationMethod: "EMAIL_OTP", action: "signIn", email: "ada@example.com", userId, ...more });

test("a code to be sent by e-mail", async () => {
  const userId = await enrolled();
  const context = { locale: "en-NZ", ipAddress: "203.0.113.42", userAgent: "Mozilla/5.0" };
  const custom = { tier: "gold", amount: 100 };
  const { challengeId, idempotencyKey } = await byMail(userId, { ...context, custom });
  const { data, time } = await event("email.created", userId);
  const { code, ...rest } = data;
  assert.deepEqual(rest, {
    to: "ada@example.com",
    userId,
    actionCode: "signIn",
    idempotencyKey,
    verificationMethod: "EMAIL_OTP",
    customVariables: custom,
    ...context,
  });
  assert.equal(Date.parse(time) / 1000, START);
  const { isVerified } = await client.verify({ challengeId, verificationCode: code });
  assert.equal(isVerified, true, "it is the code that is asked for");
});

test("a code to be sent as a text message", async () => {
  const userId = await enrolled();
  const request = { verificationMethod: "SMS", action: "signIn", phoneNumber: "+64270000000", userId };
  const { challengeId } = await client.challenge(request);
  const { data } = await event("sms.created", userId);
  assert.deepEqual([data.to, data.verificationMethod], ["+64270000000", "SMS"]);
  assert.equal((await client.verify({ challengeId, verificationCode: data.code })).isVerified, true);
});

test("what users have enrolled", async () => {
  const userId = await enrolled();
  const [{ userAuthenticatorId }] = await client.getAuthenticators({ userId });
  const about = { userId, userAuthenticatorId, verificationMethod: "EMAIL_OTP" };
  const created = await event("authenticator.created", userId);
  const { createdAt } = created.data;
  assert.deepEqual(created.data, { ...about, createdAt, email: `${userId}@example.com` });

  await client.updateUser({ userId, attributes: { email: "moved@example.com", emailVerified: true } });
  const { updatedAt, ...updated } = (await event("authenticator.updated", userId)).data;
  assert.deepEqual(updated, { ...about, createdAt, email: "moved@example.com" });

  await client.deleteAuthenticator({ userId, userAuthenticatorId });
  const deleted = await event("authenticator.deleted", userId);
  assert.equal(deleted.data.userAuthenticatorId, userAuthenticatorId);
  assert.notEqual(deleted.id, created.id);
  for (const time of [createdAt, updatedAt, deleted.data.deletedAt]) {
    assert.equal(Date.parse(time) / 1000, START);
  }
});

test("a proof is asked about before it counts, and a refusal is one", async () => {
  for (const [action, isAllowed] of [["asked-first", true], ["refused-always", false]]) {
    const userId = await enrolled();
    const { challengeId, idempotencyKey } = await byMail(userId, { action });
    const { code } = (await event("email.created", userId)).data;
    await client.verify({ challengeId, verificationCode: code });
    const claim = client.claimChallenge({ challengeId, userId });
    if (isAllowed) {
      const { token } = await claim;
      assert.equal((await client.validateChallenge({ token })).isValid, true);
    } else {
      await fails(claim, 400, "invalid_request");
    }
    const { data } = await event("action.verify", userId);
    assert.deepEqual([data.action, data.state, data.idempotencyKey], [action, "CHALLENGE_SUCCEEDED", idempotencyKey]);
    assert.equal(data.verificationMethod, "EMAIL_OTP");
  }
});

test("what has been changed on the way, or is from somebody else", async () => {
  const userId = await enrolled();
  await byMail(userId);
  const { signature, body } = await received("email.created", userId);
  const refused = (hook, body, signature) =>
    assert.throws(() => hook.constructEvent(body, signature, ANY_AGE), { message: "Signature mismatch." });
  refused(client.webhook, body.replace(userId, randomUUID()), signature);
  refused(client.webhook, `${body} `, signature);
  refused(client.webhook, body, signature.replace(/^t=\d+/, `t=${START + 1}`));
  refused(new Webhook("another secret"), body, signature);
  assert.throws(() => client.webhook.constructEvent(body, signature), /outside the tolerance zone/);
});

test("two keys are active, and either checks what is sent", async () => {
  const userId = await enrolled();
  await byMail(userId);
  const { signature, body } = await received("email.created", userId);
  const [, first, second] = signature.match(/^t=1768471200,v2=([^,=]{43}),v2=([^,=]{43})$/);
  for (const secret of [apiSecretKey, SECOND_SECRET]) {
    assert.equal(new Webhook(secret).constructEvent(body, signature, ANY_AGE).data.userId, userId);
  }
  const only = (secret, v2) => new Webhook(secret).constructEvent(body, `t=${START},v2=${v2}`, ANY_AGE);
  only(apiSecretKey, first);
  only(SECOND_SECRET, second);
  assert.throws(() => only(apiSecretKey, second), { message: "Signature mismatch." });
});

test("what is logged comes in batches, signed the same", async () => {
  const userId = await enrolled();
  const tracked = await client.track({ userId, action: "withdrawal", attributes: { custom: { amount: 100 } } });
  const { challengeId } = await byMail(userId);
  const { code } = (await event("email.created", userId)).data;
  await client.verify({ challengeId, verificationCode: "not the code" });
  await client.verify({ challengeId, verificationCode: code });
  const batches = await come("/logs");
  const all = batches.flatMap(({ signature, body }) => {
    const { records, ...rest } = client.webhook.constructEvent(body, signature, ANY_AGE);
    assert.deepEqual(rest, {}, "there is no envelope around those of the records");
    assert.throws(() => client.webhook.constructEvent(body.replace("records", "Records"), signature, ANY_AGE));
    return records;
  });
  const theirs = all.filter(({ record }) => record.userId === userId);
  for (const record of theirs) {
    checkEnvelope(record, record.type);
    assert.equal(record.record.tenantId, record.tenantId);
  }
  const [attempt] = theirs.filter(({ type }) => type === "action.log_created");
  const { outcome, state, actionCode, idempotencyKey, customVariables } = attempt.record;
  assert.deepEqual([outcome, state, actionCode], ["CHALLENGE", "CHALLENGE_REQUIRED", "withdrawal"]);
  assert.equal(idempotencyKey, tracked.idempotencyKey);
  assert.deepEqual(customVariables, { amount: 100 });
  const challenge = theirs.filter(({ type }) => type === "challenge.log_created").map(({ record }) => record.type);
  assert.deepEqual(challenge, ["EMAIL_OTP_SENT", "EMAIL_OTP_INVALID_OR_EXPIRED", "EMAIL_OTP_CODE_VALID"]);
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length, "each has an id of its own");
});
