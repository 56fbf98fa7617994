// @authsignal/node tries again what it may. It says so to the whole process, which is why this has one of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Authsignal } from "@authsignal/node";
import { apiSecretKey, apiUrl, emulator, fails } from "./emulator.mjs";

const client = new Authsignal({ apiSecretKey, apiUrl });
const asked = async (endpoint) => (await emulator.requests(endpoint)).length;

test("what only reads is tried three times", async () => {
  await emulator.forgetRequests();
  await emulator.fault("getUser", { kind: "status", status: 503, times: 2 });
  assert.equal((await client.getUser({ userId: "ada" })).isEnrolled, false);
  assert.equal(await asked("getUser"), 3);

  await emulator.fault("getUser", { kind: "status", status: 500, times: 3 });
  await fails(client.getUser({ userId: "ada" }), 500, "unexpected_error");
  assert.equal(await asked("getUser"), 6);
});

test("what writes is not tried again once it was answered", async () => {
  await emulator.forgetRequests();
  await emulator.fault("track", { kind: "status", status: 503 });
  await fails(client.track({ userId: "ada", action: "pay" }), 503, "unexpected_error");
  assert.equal(await asked("track"), 1);
});

test("nor is anybody who asked too often", async () => {
  await emulator.forgetRequests();
  await emulator.fault("getUser", { kind: "status", status: 429 });
  await fails(client.getUser({ userId: "ada" }), 429, "too_many_requests");
  assert.equal(await asked("getUser"), 1);
});

test("a connection that broke is tried again, a write too: only its key keeps it one action", async () => {
  await emulator.forgetRequests();
  await emulator.fault("track", { kind: "hangUp" });
  const request = { userId: "ada", action: "pay", attributes: { idempotencyKey: "once" } };
  assert.equal((await client.track(request)).idempotencyKey, "once");
  assert.equal(await asked("track"), 2);
  assert.equal((await client.queryUserActions({ userId: "ada", actionCodes: ["pay"] })).length, 1);
});
