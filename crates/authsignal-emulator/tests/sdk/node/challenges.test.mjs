// Challenges without a page, as @authsignal/node starts, verifies and claims them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { SmsChannel, UserActionState, VerificationFailureReason } from "@authsignal/node";
import { START, UUID, client, emulator, enrolled, fails, proved } from "./emulator.mjs";

// Every challenge goes to an address of its own: how much is sent to one is limited.
let numbers = 0;
const anAddress = () => `${randomUUID()}@example.com`;
const aNumber = () => `+6427${String(1000000 + numbers++)}`;
const byEmail = (more) => ({ verificationMethod: "EMAIL_OTP", action: "signIn", email: anAddress(), ...more });
const bySms = (more) => ({ verificationMethod: "SMS", action: "signIn", phoneNumber: aNumber(), ...more });

/** A code that isn't this one. */
const wrong = (code) => (code === "000000" ? "000001" : "000000");

/** Starts a challenge, and verifies it. */
async function verified(request = byEmail()) {
  const { challengeId } = await client.challenge(request);
  const verificationCode = await emulator.code({ challengeId });
  assert.equal((await client.verify({ challengeId, verificationCode })).isVerified, true);
  return challengeId;
}

test("started, verified, claimed, validated", async () => {
  const email = anAddress();
  const started = await client.challenge(byEmail({ email }));
  assert(started.challengeId);
  assert.match(started.idempotencyKey, UUID);
  assert.equal(started.expiresAt, START + 600);
  const { challengeId } = started;

  const [message] = await emulator.messages({ challengeId });
  assert.deepEqual([message.channel, message.to, message.action], ["EMAIL", email, "signIn"]);
  assert.match(message.code, /^[0-9]{6}$/);

  const refused = await client.verify({ challengeId, verificationCode: wrong(message.code) });
  assert.equal(refused.isVerified, false);
  assert.equal(refused.failureReason, VerificationFailureReason.CODE_INVALID_OR_EXPIRED);
  assert.equal(refused.email, undefined, "an address is told to nobody who hasn't proved it");

  const accepted = await client.verify({ challengeId, verificationCode: message.code });
  assert.deepEqual([accepted.isVerified, accepted.email], [true, email]);
  assert.deepEqual([accepted.verificationMethod, accepted.failureReason], ["EMAIL_OTP", undefined]);
  assert.equal(accepted.phoneNumber, undefined);

  const userId = randomUUID();
  const claimed = await client.claimChallenge({ challengeId, userId });
  assert.equal(claimed.verificationMethod, "EMAIL_OTP");
  const validated = await client.validateChallenge({ token: claimed.token, userId, action: "signIn" });
  assert.deepEqual([validated.isValid, validated.state], [true, UserActionState.CHALLENGE_SUCCEEDED]);
  assert.equal(validated.idempotencyKey, started.idempotencyKey);
  const read = await client.getAction({ userId, action: "signIn", idempotencyKey: started.idempotencyKey });
  assert.equal(read.state, UserActionState.CHALLENGE_SUCCEEDED);
});

test("by text message and by WhatsApp", async () => {
  const cases = [
    [bySms(), "SMS"],
    [bySms({ smsChannel: SmsChannel.DEFAULT }), "SMS"],
    [bySms({ smsChannel: SmsChannel.WHATSAPP }), "WHATSAPP"],
    [bySms({ verificationMethod: "WHATSAPP" }), "WHATSAPP"],
  ];
  for (const [request, channel] of cases) {
    const { challengeId } = await client.challenge(request);
    const [message] = await emulator.messages({ challengeId });
    assert.deepEqual([message.channel, message.to], [channel, request.phoneNumber]);
    const accepted = await client.verify({ challengeId, verificationCode: message.code });
    assert.deepEqual([accepted.isVerified, accepted.phoneNumber], [true, request.phoneNumber]);
    assert.equal(accepted.verificationMethod, request.verificationMethod);
    assert.equal(accepted.email, undefined);
  }
});

test("with every member there is", async () => {
  const userId = await enrolled();
  const more = {
    idempotencyKey: "attempt-1",
    userId,
    locale: "en-NZ",
    deviceId: "a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d",
    ipAddress: "203.0.113.42",
    userAgent: "Mozilla/5.0",
    custom: { tier: "gold", age: 36, staff: false },
    scope: "add:authenticators",
  };
  const started = await client.challenge(byEmail(more));
  assert.equal(started.idempotencyKey, "attempt-1");
  const [message] = await emulator.messages({ challengeId: started.challengeId });
  assert.equal(message.userId, userId);
});

test("several under one action, and the code of one again", async () => {
  const first = await client.challenge(byEmail({ idempotencyKey: "together" }));
  const second = await client.challenge(bySms({ idempotencyKey: "together" }));
  assert.deepEqual([first.idempotencyKey, second.idempotencyKey], ["together", "together"]);
  assert.notEqual(first.challengeId, second.challengeId);

  const { challengeId } = first;
  const again = await client.challenge({ challengeId });
  assert.deepEqual([again.challengeId, again.idempotencyKey], [challengeId, "together"]);
  assert.equal((await emulator.messages({ challengeId })).length, 2);
  const verificationCode = await emulator.code({ challengeId });
  assert.equal((await client.verify({ challengeId, verificationCode })).isVerified, true);
});

test("looked up", async () => {
  const userId = await enrolled();
  const email = anAddress();
  const { challengeId, expiresAt } = await client.challenge(byEmail({ email, userId }));
  const expected = { challengeId, expiresAt, verificationMethod: "EMAIL_OTP", email };
  const filters = [{ challengeId }, { userId }, { userId, action: "signIn", verificationMethod: "EMAIL_OTP" }];
  for (const filter of filters) {
    const found = await client.getChallenge(filter);
    for (const [name, value] of Object.entries({ ...expected, action: "signIn" })) {
      assert.equal(found[name], value, `${name} by ${Object.keys(filter)}`);
    }
  }
  const sms = bySms({ userId });
  const later = await client.challenge(sms);
  const newest = await client.getChallenge({ userId });
  assert.deepEqual([newest.challengeId, newest.phoneNumber], [later.challengeId, sms.phoneNumber]);
  assert.equal((await client.getChallenge({ userId, verificationMethod: "EMAIL_OTP" })).challengeId, challengeId);

  for (const filter of [{ challengeId: randomUUID() }, { userId: randomUUID() }, { userId, action: "other" }]) {
    assert.deepEqual(await client.getChallenge(filter), {});
  }
  await fails(client.getChallenge({}), 400, "invalid_request");
});

test("what isn't verified isn't claimed, unless that is asked for", async () => {
  const userId = randomUUID();
  const { challengeId } = await client.challenge(byEmail());
  await fails(client.claimChallenge({ challengeId, userId }), 400, "invalid_request");
  await fails(client.claimChallenge({ challengeId, userId, skipVerificationCheck: false }), 400, "invalid_request");
  const { token } = await client.claimChallenge({ challengeId, userId, skipVerificationCheck: true });
  const early = await client.validateChallenge({ token, userId });
  assert.deepEqual([early.isValid, early.state], [false, UserActionState.CHALLENGE_REQUIRED]);
});

test("what is claimed isn't claimed again", async () => {
  const challengeId = await verified();
  await client.claimChallenge({ challengeId, userId: randomUUID() });
  await fails(client.claimChallenge({ challengeId, userId: randomUUID() }), 400, "invalid_request");
  await fails(client.claimChallenge({ challengeId: randomUUID(), userId: randomUUID() }), 400, "invalid_request");
});

test("track claims a challenge too, for its own action only", async () => {
  const userId = randomUUID();
  const challengeId = await verified();
  const track = (action) => client.track({ userId, action, attributes: { challengeId } });
  await assert.rejects(track("withdrawal"), { name: "AuthsignalError" });
  const tracked = await track("signIn");
  const validated = await client.validateChallenge({ token: tracked.token, userId });
  assert.deepEqual([validated.isValid, validated.state], [true, UserActionState.CHALLENGE_SUCCEEDED]);
  await fails(track("signIn"), 401, "unauthorized");
});

test("a claim that may, enrols what was proved", async () => {
  const userId = randomUUID();
  const email = anAddress();
  const challengeId = await verified(byEmail({ email, userId, scope: "add:authenticators" }));
  await client.claimChallenge({ challengeId, userId });
  const user = await client.getUser({ userId });
  assert.deepEqual([user.isEnrolled, user.email, user.emailVerified], [true, email, true]);
  assert.deepEqual(user.enrolledVerificationMethods, ["EMAIL_OTP"]);
});

test("ten guesses are enough", async () => {
  const { challengeId } = await client.challenge(byEmail());
  const code = await emulator.code({ challengeId });
  const { CODE_INVALID_OR_EXPIRED, MAX_ATTEMPTS_EXCEEDED } = VerificationFailureReason;
  for (let guess = 1; guess <= 10; guess++) {
    const refused = await client.verify({ challengeId, verificationCode: wrong(code) });
    const reason = guess < 10 ? CODE_INVALID_OR_EXPIRED : MAX_ATTEMPTS_EXCEEDED;
    assert.deepEqual([refused.isVerified, refused.failureReason], [false, reason], `${guess}`);
  }
  const refused = await client.verify({ challengeId, verificationCode: code });
  assert.deepEqual([refused.isVerified, refused.failureReason], [false, MAX_ATTEMPTS_EXCEEDED]);
});

test("a code is good once", async () => {
  const { challengeId } = await client.challenge(byEmail());
  const verificationCode = await emulator.code({ challengeId });
  assert.equal((await client.verify({ challengeId, verificationCode })).isVerified, true);
  assert.equal((await client.verify({ challengeId, verificationCode })).isVerified, false);
});

test("what can't be started or verified", async () => {
  const refused = (request) => fails(client.challenge(request), 400, "invalid_request");
  await refused({});
  await refused(byEmail({ email: undefined }));
  await refused(bySms({ phoneNumber: undefined }));
  await refused(byEmail({ action: undefined }));
  await refused(byEmail({ action: "with space" }));
  await refused(byEmail({ verificationMethod: "PASSKEY" }));
  await refused({ challengeId: randomUUID() });
  await fails(client.verify({ challengeId: randomUUID() }), 400, "invalid_request");
});

test("a challenge of the page is none of these", async () => {
  const userId = await enrolled();
  const { tracked } = await proved(userId, "signIn");
  assert(tracked.token);
  const [{ challengeId }] = await emulator.messages({ userId });
  await fails(client.claimChallenge({ challengeId, userId: randomUUID() }), 400, "invalid_request");
});

test("codes and challenges don't last", async () => {
  const userId = randomUUID();
  const { challengeId } = await client.challenge(byEmail({ userId }));
  const unclaimed = await verified();
  const verificationCode = await emulator.code({ challengeId });
  await emulator.advance(600);
  const refused = await client.verify({ challengeId, verificationCode });
  assert.deepEqual([refused.isVerified, refused.failureReason], [false, "CODE_INVALID_OR_EXPIRED"]);
  assert.deepEqual(await client.getChallenge({ challengeId }), {});
  await fails(client.claimChallenge({ challengeId: unclaimed, userId }), 400, "invalid_request");
});
