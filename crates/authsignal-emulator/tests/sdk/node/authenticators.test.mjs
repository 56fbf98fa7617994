// What users have enrolled, as @authsignal/node asks about it.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { START, UUID, client, emulator, enrolled, fails, time } from "./emulator.mjs";

test("enrolled, listed, deleted", async () => {
  const userId = randomUUID();
  assert.deepEqual(await client.getAuthenticators({ userId }), []);
  const { authenticator, recoveryCodes } = await client.enrollVerifiedAuthenticator({
    userId,
    attributes: { verificationMethod: "SMS", phoneNumber: "+64270000000" },
  });
  assert.equal(authenticator.userId, userId);
  assert.match(authenticator.userAuthenticatorId, UUID);
  assert.deepEqual([authenticator.verificationMethod, authenticator.phoneNumber], ["SMS", "+64270000000"]);
  assert.equal(time(authenticator.createdAt), START);
  assert.equal(time(authenticator.verifiedAt), START);
  assert.equal(authenticator.email, undefined);
  assert(recoveryCodes.length > 0 && recoveryCodes.every((code) => typeof code === "string"));

  const listed = await client.getAuthenticators({ userId });
  assert.equal(listed.length, 1);
  for (const name of ["userId", "userAuthenticatorId", "verificationMethod", "createdAt", "phoneNumber"]) {
    assert.equal(listed[0][name], authenticator[name], name);
  }

  const { userAuthenticatorId } = authenticator;
  assert.equal(await client.deleteAuthenticator({ userId, userAuthenticatorId }), undefined);
  assert.deepEqual(await client.getAuthenticators({ userId }), []);
  assert.equal((await client.getUser({ userId })).isEnrolled, false);
  await fails(client.deleteAuthenticator({ userId, userAuthenticatorId }), 404, "not_found");
});

test("every method that can be enrolled so", async () => {
  const userId = randomUUID();
  const otpUri = "otpauth://totp/Bank:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Bank";
  const methods = [
    { verificationMethod: "EMAIL_OTP", email: "ada@example.com" },
    { verificationMethod: "EMAIL_MAGIC_LINK", email: "ada@example.com" },
    { verificationMethod: "SMS", phoneNumber: "+64270000000" },
    { verificationMethod: "AUTHENTICATOR_APP", otpUri },
  ];
  for (const [index, attributes] of methods.entries()) {
    const enrolled = await client.enrollVerifiedAuthenticator({ userId, attributes });
    assert.equal(enrolled.authenticator.verificationMethod, attributes.verificationMethod);
    assert.equal(enrolled.authenticator.email, attributes.email);
    assert.equal(enrolled.recoveryCodes === undefined, index > 0, "recovery codes come with the first");
  }
  const names = methods.map(({ verificationMethod }) => verificationMethod);
  const listed = await client.getAuthenticators({ userId });
  assert.deepEqual(listed.map(({ verificationMethod }) => verificationMethod), names, "in the order of their making");
  assert.deepEqual((await client.getUser({ userId })).enrolledVerificationMethods, names);
});

test("the default is the one that was made it", async () => {
  const userId = await enrolled();
  const attributes = { verificationMethod: "SMS", phoneNumber: "+64270000000", isDefault: true };
  await client.enrollVerifiedAuthenticator({ userId, attributes });
  const tracked = await client.track({ userId, action: "signIn" });
  assert.equal(tracked.defaultVerificationMethod, "SMS");
  assert.deepEqual([...tracked.enrolledVerificationMethods].sort(), ["EMAIL_OTP", "SMS"]);
});

test("what can't be enrolled so", async () => {
  const userId = randomUUID();
  const refused = (attributes, description) =>
    fails(client.enrollVerifiedAuthenticator({ userId, attributes }), 400, "invalid_request", description);
  const allowed = /^body\.verificationMethod must be equal to one of the allowed values - allowedValues: .*EMAIL_OTP/;
  await refused({ verificationMethod: "VERIFF" }, allowed);
  await refused({ verificationMethod: "TELEPATHY" }, allowed);
  await refused({ verificationMethod: "EMAIL_OTP" });
  await refused({ verificationMethod: "SMS", email: "ada@example.com" });
  await refused({ verificationMethod: "AUTHENTICATOR_APP", otpUri: "https://example.com" });
  assert.deepEqual(await client.getAuthenticators({ userId }), []);
});

test("another user's authenticator isn't deleted", async () => {
  const [userId, other] = [await enrolled(), await enrolled()];
  const [{ userAuthenticatorId }] = await client.getAuthenticators({ userId: other });
  await fails(client.deleteAuthenticator({ userId, userAuthenticatorId }), 404, "not_found");
  assert.equal((await client.getAuthenticators({ userId: other })).length, 1);
});

test("what the control API enrols is there", async () => {
  const userId = randomUUID();
  const told = await emulator.user(userId, { email: "ada@example.com", methods: ["EMAIL_OTP", "AUTHENTICATOR_APP"] });
  assert.match(told.authenticatorApp.secret, /^[A-Z2-7]{16,}$/);
  assert(told.authenticatorApp.uri.startsWith("otpauth://totp/"));
  const listed = await client.getAuthenticators({ userId });
  assert.deepEqual(listed.map(({ verificationMethod }) => verificationMethod), ["EMAIL_OTP", "AUTHENTICATOR_APP"]);
});
