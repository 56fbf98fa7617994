// What @authsignal/node makes of answers that are errors.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Authsignal } from "@authsignal/node";
import { apiSecretKey, apiUrl, client, emulator, enrolled, fails, origin } from "./emulator.mjs";

const UNAUTHORIZED =
  "The request is unauthorized. Check that your API key and region base URL are correctly configured.";

test("a wrong key, in every call", async () => {
  const wrong = new Authsignal({ apiSecretKey: "invalid_secret", apiUrl, retries: 0 });
  const [userId, action, idempotencyKey] = [await enrolled(), "pay", randomUUID()];
  const calls = {
    getUser: { userId },
    queryUsers: { email: "ada@example.com" },
    updateUser: { userId, attributes: { email: "ada@example.com" } },
    deleteUser: { userId },
    getAuthenticators: { userId },
    enrollVerifiedAuthenticator: { userId, attributes: { verificationMethod: "SMS", phoneNumber: "+64270000000" } },
    deleteAuthenticator: { userId, userAuthenticatorId: randomUUID() },
    track: { userId, action },
    validateChallenge: { token: "x" },
    claimChallenge: { challengeId: randomUUID(), userId },
    getAction: { userId, action, idempotencyKey },
    queryUserActions: { userId },
    updateAction: { userId, action, idempotencyKey, attributes: { state: "BLOCK" } },
    challenge: { verificationMethod: "EMAIL_OTP", action, email: "ada@example.com" },
    verify: { challengeId: randomUUID(), verificationCode: "123456" },
    getChallenge: { userId },
    createSession: { clientId: "c", token: "x" },
    validateSession: { accessToken: "x" },
    refreshSession: { refreshToken: "x" },
    revokeSession: { accessToken: "x" },
    revokeUserSessions: { userId },
  };
  const own = ["constructor", "getRequestConfig"];
  const methods = Object.getOwnPropertyNames(Authsignal.prototype).filter((name) => !own.includes(name));
  assert.deepEqual(Object.keys(calls).sort(), methods.sort(), "every method of the SDK");
  for (const [method, request] of Object.entries(calls)) {
    const error = await fails(wrong[method](request), 401, "unauthorized", UNAUTHORIZED);
    assert.equal(error.message, `AuthsignalError: 401 - ${UNAUTHORIZED}`);
    assert.equal(error.axiosError.response.headers["content-type"], "application/json", method);
  }
  assert.equal((await client.getUser({ userId })).isEnrolled, true, "and nothing was done");
});

test("keys that are nearly right", async () => {
  for (const apiSecretKey_ of ["", apiSecretKey.slice(0, -1), `${apiSecretKey} `, apiSecretKey.toUpperCase()]) {
    const wrong = new Authsignal({ apiSecretKey: apiSecretKey_, apiUrl, retries: 0 });
    await fails(wrong.getUser({ userId: "ada" }), 401, "unauthorized", UNAUTHORIZED);
  }
});

test("a base URL without a version, as old integrations have", async () => {
  const bare = new Authsignal({ apiSecretKey, apiUrl: origin, retries: 0 });
  const userId = await enrolled();
  assert.equal((await bare.getUser({ userId })).isEnrolled, true);
});

test("nothing there", async () => {
  const error = await client.getUser({ userId: "ada/and/more/than/an/id" }).catch((error) => error);
  assert.equal(error.statusCode, 404);
  assert.deepEqual(error.axiosError.response.data, { message: "Not Found" }, "that is the gateway's own word");
});

test("every status that the service is known to answer with", async () => {
  const known = [
    [400, "invalid_request"],
    [401, "unauthorized"],
    [404, "not_found"],
    [422, "invalid_request_token"],
    [429, "too_many_requests"],
    [500, "unexpected_error"],
    [503, "unexpected_error"],
  ];
  for (const [status, code] of known) {
    await emulator.fault("getUser", { kind: "status", status });
    const error = await fails(client.getUser({ userId: "ada" }), status, code, /./);
    const { data } = error.axiosError.response;
    assert.equal(data.errorCode, data.error, "both names, since SDKs differ in which they read");
  }
  await client.getUser({ userId: "ada" });
});

test("too many requests say when to come again", async () => {
  await emulator.fault("track", { kind: "status", status: 429 });
  const error = await fails(client.track({ userId: "ada", action: "pay" }), 429, "too_many_requests");
  assert.match(error.axiosError.response.headers["retry-after"], /^[0-9]+$/);
});

test("a body that is no JSON, or none", async () => {
  const post = (body, contentType = "application/json") =>
    fetch(`${apiUrl}/users/ada/actions/pay`, {
      method: "POST",
      headers: { "Content-Type": contentType, Authorization: `Basic ${btoa(`${apiSecretKey}:`)}` },
      body,
    });
  for (const body of ["{", "[]", "null", '"x"']) {
    const response = await post(body);
    assert.equal(response.status, 400, body);
    assert.equal((await response.json()).errorCode, "invalid_request");
  }
  for (const body of ["", "{}", '{"email":null,"unheardOf":{"a":1}}']) {
    const response = await post(body);
    assert.equal(response.status, 200, body);
    assert.equal(response.headers.get("content-type"), "application/json");
  }
});
