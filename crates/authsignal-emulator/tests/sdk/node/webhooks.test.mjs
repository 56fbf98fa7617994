// Webhooks, as @authsignal/node takes them.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { Webhook } from "@authsignal/node";
import { apiSecretKey, client } from "./emulator.mjs";

/** As old as it likes: the vectors are from one day in 2025 and one in 2026. */
const ANY_AGE = -1;
const BODY =
  '{"version":1,"id":"0b6a1c1e-4a5f-4c3e-9a51-7f2f6f0f8a11","source":"https://authsignal.com",' +
  '"time":"2026-01-15T10:00:00.000Z","tenantId":"11111111-2222-4333-8444-555555555555","type":"email.created",' +
  '"data":{"to":"ada@example.com","code":"123456","userId":"user-1","actionCode":"signIn",' +
  '"idempotencyKey":"5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001","verificationMethod":"EMAIL_OTP"}}';
const NEW = "6F3SrHy/rMqZgStt9VDOza68b36q6tQWYiW+Rxjavaw";
const OLD = "5gNjREN/DngV5TxFXjIdHRzL+UpFcxrd1m0inp/nh54";

const refused = (hook, body, header, message, tolerance) =>
  assert.throws(() => hook.constructEvent(body, header, tolerance), { message });

test("what is wrong with a signature, in the SDK's words", () => {
  const now = Math.floor(Date.now() / 1000);
  for (const header of ["123", "", undefined, `t=${now}`, "v2=x", "t=1,v1=x"]) {
    refused(client.webhook, "{}", header, "Signature format is invalid.");
  }
  refused(client.webhook, "{}", "t=1630000000,v2=invalid_signature", "Timestamp is outside the tolerance zone.");
  refused(client.webhook, "{}", `t=${now},v2=invalid_signature`, "Signature mismatch.");
});

test("the vectors that Rust's verifier is held to", () => {
  const vectors = [
    ["test-secret-key-123", BODY, NEW],
    ["previous-secret-456", BODY, OLD],
    [
      "test-secret-key-123",
      '{"version":1,"type":"sms.created","data":{"to":"+64270000000","code":"987654","note":"café"}}',
      "QiS2ma4AqVQ/+Swb94vAh3oEo4y40PoU74OpJ9meFKs",
    ],
  ];
  for (const [secret, body, signature] of vectors) {
    const event = new Webhook(secret).constructEvent(body, `t=1768471200,v2=${signature}`, ANY_AGE);
    assert.deepEqual(event, JSON.parse(body));
  }
});

test("two keys are active while one is changed for the other", () => {
  const header = `t=1768471200,v2=${OLD},v2=${NEW}`;
  for (const secret of ["test-secret-key-123", "previous-secret-456"]) {
    assert.equal(new Webhook(secret).constructEvent(BODY, header, ANY_AGE).type, "email.created");
  }
  refused(new Webhook("neither"), BODY, header, "Signature mismatch.", ANY_AGE);
  refused(new Webhook("test-secret-key-123"), `${BODY} `, header, "Signature mismatch.", ANY_AGE);
});

test("an age of five minutes is the most by default", () => {
  const sign = (time) => {
    const digest = createHmac("sha256", apiSecretKey).update(`${time}.${BODY}`).digest("base64");
    return `t=${time},v2=${digest.replace(/=+$/, "")}`;
  };
  const now = Math.floor(Date.now() / 1000);
  assert.equal(client.webhook.constructEvent(BODY, sign(now - 240)).version, 1);
  assert.equal(client.webhook.constructEvent(BODY, sign(now + 3600)).version, 1);
  refused(client.webhook, BODY, sign(now - 360), "Timestamp is outside the tolerance zone.");
  assert.equal(client.webhook.constructEvent(BODY, sign(now - 360), 10).version, 1);
});
