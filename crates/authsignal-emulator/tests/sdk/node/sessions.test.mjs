// Sessions, as @authsignal/node makes, checks and ends them.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { UserActionState } from "@authsignal/node";
import { START, apiUrl, client, emulator, enrolled, fails, proved } from "./emulator.mjs";

const CLIENT_ID = "46e1a7f0-6f0d-4c53-9d1e-0c0e2f6f7a10";

const parts = (jwt) => jwt.split(".").slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url")));

/** A session of a user who has just signed in. */
async function session(userId) {
  const { token } = await proved(userId, "signIn");
  return client.createSession({ token, clientId: CLIENT_ID, action: "signIn" });
}

const ended = ({ accessToken }) => fails(client.validateSession({ accessToken }), 401, "unauthorized");

test("made from a proof, and checked", async () => {
  const userId = await enrolled();
  const attributes = { displayName: "Ada L.", locale: "en-NZ", custom: { tier: "gold" } };
  await client.updateUser({ userId, attributes });
  const { accessToken, refreshToken } = await session(userId);
  assert.match(refreshToken, /^[0-9a-f]{32,}$/);
  const [header, claims] = parts(accessToken);
  assert.equal(header.alg, "RS256");
  assert.equal(claims.aud, CLIENT_ID);

  const validated = await client.validateSession({ accessToken, clientIds: [CLIENT_ID, "another"] });
  assert.equal(validated.user.userId, userId);
  for (const [name, value] of Object.entries(attributes)) {
    assert.deepEqual(validated.user[name], value, name);
  }
  assert.equal(validated.expiresAt, claims.exp);
  assert(Number.isInteger(validated.expiresAt) && validated.expiresAt > START);
  assert.equal(validated.verificationMethod, "EMAIL_OTP");
  assert.equal((await client.validateSession({ accessToken })).user.userId, userId);
});

test("checked without asking, by the tenant's keys", async () => {
  const userId = await enrolled();
  const { tracked, token } = await proved(userId, "signIn");
  const { accessToken } = await client.createSession({ token, clientId: CLIENT_ID });
  const { tenantId } = parts(tracked.token)[1].other;
  const response = await fetch(`${apiUrl}/client/public/${tenantId}/.well-known/jwks`);
  assert.equal(response.status, 200);
  const { keys } = await response.json();
  const [header] = parts(accessToken);
  const key = createPublicKey({ key: keys.find(({ kid }) => kid === header.kid), format: "jwk" });
  const [signed, signature] = accessToken.split(/\.(?=[^.]*$)/);
  assert(verify("RSA-SHA256", signed, key, Buffer.from(signature, "base64url")));
});

test("no proof, no session", async () => {
  const userId = await enrolled();
  const { tracked, token } = await proved(userId, "withdrawal");
  const early = await client.track({ userId, action: "signIn" });
  const refused = (request) => fails(client.createSession(request), 400, "invalid_request");
  await refused({ token: early.token, clientId: CLIENT_ID });
  await refused({ token: "forged", clientId: CLIENT_ID });
  await refused({ token, clientId: CLIENT_ID, action: "signIn" });
  await refused({ token, clientId: "another" });
  await refused({ token });
  await refused({ clientId: CLIENT_ID });
  const { idempotencyKey } = tracked;
  const read = await client.getAction({ userId, action: "withdrawal", idempotencyKey });
  assert.equal(read.state, UserActionState.CHALLENGE_SUCCEEDED);
});

test("refreshed, which ends the pair before", async () => {
  const userId = await enrolled();
  const first = await session(userId);
  const second = await client.refreshSession({ refreshToken: first.refreshToken });
  assert.notEqual(second.accessToken, first.accessToken);
  assert.notEqual(second.refreshToken, first.refreshToken);
  assert.equal((await client.validateSession(second)).user.userId, userId);
  await ended(first);
  await fails(client.refreshSession({ refreshToken: first.refreshToken }), 401, "unauthorized");
  assert.equal(parts(second.accessToken)[1].aud, CLIENT_ID);
});

test("revoked, and no other with it", async () => {
  const userId = await enrolled();
  const [first, second] = [await session(userId), await session(userId)];
  assert.equal(await client.revokeSession({ accessToken: first.accessToken }), undefined);
  await ended(first);
  await fails(client.refreshSession({ refreshToken: first.refreshToken }), 401, "unauthorized");
  assert.equal((await client.validateSession(second)).user.userId, userId);
});

test("all of a user's revoked, and nobody else's", async () => {
  const [userId, other] = [await enrolled(), await enrolled()];
  const theirs = [await session(userId), await session(userId)];
  const others = await session(other);
  assert.equal(await client.revokeUserSessions({ userId }), undefined);
  for (const one of theirs) {
    await ended(one);
  }
  assert.equal((await client.validateSession(others)).user.userId, other);
});

test("for another client, forged, or no session's token", async () => {
  const userId = await enrolled();
  const { accessToken } = await session(userId);
  const refused = (request) => fails(client.validateSession(request), 401, "unauthorized");
  await refused({ accessToken, clientIds: ["another"] });
  await refused({ accessToken: `${accessToken.slice(0, -4)}AAAA` });
  await refused({ accessToken: "x" });
  const { token } = await proved(userId, "signIn");
  await refused({ accessToken: token });
  const validated = await client.validateChallenge({ token: accessToken });
  assert.equal(validated.isValid, false, "nor is a session's token a proof");
  await fails(client.refreshSession({ refreshToken: "0".repeat(64) }), 401, "unauthorized");
});

test("access ends first, then the session", async () => {
  const first = await session(await enrolled());
  const { expiresAt } = await client.validateSession({ accessToken: first.accessToken });
  await emulator.advance(expiresAt - START + 1);
  await ended(first);
  const second = await client.refreshSession({ refreshToken: first.refreshToken });
  await client.validateSession({ accessToken: second.accessToken });
  await emulator.advance(31 * 24 * 60 * 60);
  await fails(client.refreshSession({ refreshToken: second.refreshToken }), 401, "unauthorized");
});
