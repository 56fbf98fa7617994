// Webhooks that the emulator sends and signs, as @authsignal/node takes them. The harness receives them, and hands on
// what came: [{ signature, body }, …].
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Webhook } from "@authsignal/node";
import { START, client, emulator, enrolled, proved } from "./emulator.mjs";

/** The emulator's clock stands in the past. */
const ANY_AGE = -1;

/** Waits until this event about this user has come. */
async function received(type, userId) {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    const all = await (await fetch(process.env.WEBHOOKS)).json();
    const found = all.find(({ body }) => JSON.parse(body).type === type && JSON.parse(body).data.userId === userId);
    if (found) {
      return found;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`no ${type}`);
}

/** The same, checked by the SDK. */
async function event(type, userId) {
  const { signature, body } = await received(type, userId);
  const event = client.webhook.constructEvent(body, signature, ANY_AGE);
  assert.deepEqual([event.version, event.type, event.source], [1, type, "https://authsignal.com"]);
  assert.match(event.id, /./);
  assert.equal(new Date(event.time).toISOString(), event.time);
  return event;
}

test("a code to be sent by e-mail", async () => {
  const userId = await enrolled();
  const request = { verificationMethod: "EMAIL_OTP", action: "signIn", email: "ada@example.com", userId };
  const { challengeId, idempotencyKey } = await client.challenge(request);
  const { data, time } = await event("email.created", userId);
  const { to, code, actionCode, verificationMethod } = data;
  assert.deepEqual([to, code], ["ada@example.com", await emulator.code({ challengeId })]);
  assert.deepEqual([actionCode, verificationMethod, data.idempotencyKey], ["signIn", "EMAIL_OTP", idempotencyKey]);
  assert.equal(Date.parse(time) / 1000, START);
});

test("a code to be sent as a text message", async () => {
  const userId = await enrolled();
  const request = { verificationMethod: "SMS", action: "signIn", phoneNumber: "+64270000000", userId };
  const { challengeId } = await client.challenge(request);
  const { data } = await event("sms.created", userId);
  assert.deepEqual([data.to, data.code], ["+64270000000", await emulator.code({ challengeId })]);
});

test("what users have enrolled", async () => {
  const userId = await enrolled();
  const [{ userAuthenticatorId }] = await client.getAuthenticators({ userId });
  const created = await event("authenticator.created", userId);
  assert.equal(created.data.userAuthenticatorId, userAuthenticatorId);
  await client.deleteAuthenticator({ userId, userAuthenticatorId });
  const deleted = await event("authenticator.deleted", userId);
  assert.equal(deleted.data.userAuthenticatorId, userAuthenticatorId);
  assert.notEqual(deleted.id, created.id);
});

test("what has been changed on the way, or is from somebody else", async () => {
  const userId = await enrolled();
  await proved(userId, "withdrawal");
  const { signature, body } = await received("email.created", userId);
  const refused = (hook, body, signature) =>
    assert.throws(() => hook.constructEvent(body, signature, ANY_AGE), { message: "Signature mismatch." });
  refused(client.webhook, body.replace(userId, randomUUID()), signature);
  refused(client.webhook, body, signature.replace(/^t=\d+/, `t=${START + 1}`));
  refused(new Webhook("another secret"), body, signature);
  assert.throws(() => client.webhook.constructEvent(body, signature), /outside the tolerance zone/);
});
