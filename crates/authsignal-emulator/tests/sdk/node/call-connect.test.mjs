// Calls with somebody on the telephone, as @authsignal/node starts and ends them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { CallConnect, CallConnectMessageChannel, CallState } from "@authsignal/node";
import { apiSecretKey, emulator, fails, origin } from "./emulator.mjs";

const calls = new CallConnect({ apiSecretKey, apiUrl: origin, retries: 0 });

test("started and ended", async () => {
  const referenceId = randomUUID();
  const started = await calls.startCall({ referenceId, phoneNumber: "+64271234567" });
  assert.equal(started.channel, CallConnectMessageChannel.WHATSAPP);
  assert.equal(started.phoneNumber, "+64271234567");
  assert(started.messageId);
  assert.equal(started.errorCode, undefined);
  for (const state of Object.values(CallState)) {
    const finished = await calls.finishCall({ referenceId, state, userId: "ada", payload: { agent: "7" } });
    assert.equal(finished.success, true);
  }
});

test("by every channel", async () => {
  const [phoneNumber, email] = ["+64271234567", "ada@example.com"];
  for (const channel of Object.values(CallConnectMessageChannel)) {
    const to = channel === "EMAIL" ? { email } : { phoneNumber };
    const started = await calls.startCall({ referenceId: randomUUID(), channel, ...to });
    assert.equal(started.channel, channel);
    const [message] = await emulator.messages();
    assert.deepEqual([message.channel, message.to], [channel, channel === "EMAIL" ? email : phoneNumber]);
  }
});

test("what can't be", async () => {
  await fails(calls.startCall({ phoneNumber: "+64271234567" }), 400, "invalid_request");
  await fails(calls.finishCall({ referenceId: randomUUID(), state: "MAYBE" }), 400, "invalid_request");
  const wrong = new CallConnect({ apiSecretKey: "invalid_secret", apiUrl: origin, retries: 0 });
  await fails(wrong.startCall({ referenceId: randomUUID() }), 401, "unauthorized");
});
