// Tokens and what they prove, as @authsignal/node asks about them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { UserActionState } from "@authsignal/node";
import { START, client, emulator, enrolled, fails, proved, time } from "./emulator.mjs";

test("a proof, whatever is asked along", async () => {
  const userId = await enrolled();
  const { tracked, token } = await proved(userId, "withdrawal");
  for (const more of [{}, { userId }, { action: "withdrawal" }, { userId, action: "withdrawal" }]) {
    const validated = await client.validateChallenge({ token, ...more });
    assert.equal(validated.isValid, true);
    assert.equal(validated.state, UserActionState.CHALLENGE_SUCCEEDED);
    assert.deepEqual([validated.userId, validated.action], [userId, "withdrawal"]);
    assert.equal(validated.idempotencyKey, tracked.idempotencyKey);
    assert.equal(validated.verificationMethod, "EMAIL_OTP");
    assert.equal(validated.error, undefined);
    assert(time(validated.stateUpdatedAt) >= START);
  }
});

test("nothing proved yet", async () => {
  const userId = await enrolled();
  const redirectUrl = "https://app.example.com/back";
  const tracked = await client.track({ userId, action: "withdrawal", attributes: { redirectUrl } });
  const asked = { userId, action: "withdrawal" };
  const early = await client.validateChallenge({ ...asked, token: tracked.token });
  assert.deepEqual([early.isValid, early.state], [false, UserActionState.CHALLENGE_REQUIRED]);
  assert.equal(early.idempotencyKey, tracked.idempotencyKey);
  const { token, redirectUrl: back } = await emulator.quit(tracked.url);
  assert.equal(new URL(back).searchParams.get("token"), token);
  const quit = await client.validateChallenge({ ...asked, token });
  assert.deepEqual([quit.isValid, quit.state], [false, UserActionState.CHALLENGE_REQUIRED]);
});

test("refused for good", async () => {
  const userId = await enrolled();
  const redirectUrl = "https://app.example.com/back";
  const tracked = await client.track({ userId, action: "withdrawal", attributes: { redirectUrl } });
  const { token } = await emulator.decline(tracked.url);
  const validated = await client.validateChallenge({ token });
  assert.deepEqual([validated.isValid, validated.state], [false, UserActionState.CHALLENGE_FAILED]);
});

test("actions that asked for no proof have none", async () => {
  for (const [outcome, state] of [["ALLOW", "ALLOW"], ["BLOCK", "BLOCK"], ["REVIEW", "REVIEW_REQUIRED"]]) {
    await emulator.outcome(`no-proof-${outcome}`, outcome);
    const { token } = await client.track({ userId: await enrolled(), action: `no-proof-${outcome}` });
    const validated = await client.validateChallenge({ token });
    assert.deepEqual([validated.isValid, validated.state], [false, state]);
  }
});

test("a proof of somebody else, or of something else, is none", async () => {
  const userId = await enrolled();
  const { token } = await proved(userId, "withdrawal");
  const wrongUser = await client.validateChallenge({ token, userId: "somebody-else", action: "withdrawal" });
  assert.deepEqual([wrongUser.isValid, wrongUser.error], [false, "User is invalid."]);
  const wrongAction = await client.validateChallenge({ token, userId, action: "close-account" });
  assert.deepEqual([wrongAction.isValid, wrongAction.error], [false, "Action is invalid."]);
  for (const refused of [wrongUser, wrongAction]) {
    assert.equal(refused.state, undefined, "and nothing is told");
    assert.equal(refused.userId, undefined);
  }
});

test("a forged token is none", async () => {
  const { token } = await proved(await enrolled(), "withdrawal");
  const [header, claims, signature] = token.split(".");
  const parsed = JSON.parse(Buffer.from(claims, "base64url"));
  const changed = Buffer.from(JSON.stringify({ ...parsed, exp: parsed.exp + 600 })).toString("base64url");
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
  const forged = ["x", "a.b.c", `${header}.${claims}`, `${header}.${changed}.${signature}`, `${none}.${claims}.`];
  for (const wrong of forged) {
    const validated = await client.validateChallenge({ token: wrong });
    assert.deepEqual([validated.isValid, validated.state], [false, undefined], wrong);
    assert(validated.error);
  }
  assert.equal((await client.validateChallenge({ token })).isValid, true);
});

test("a token is asked for", async () => {
  await fails(client.validateChallenge({}), 400, "invalid_request");
  await fails(client.validateChallenge({ token: 7 }), 400, "invalid_request");
});

test("a proof doesn't last", async () => {
  const userId = await enrolled();
  const { token } = await proved(userId, "withdrawal");
  await emulator.advance(599);
  assert.equal((await client.validateChallenge({ token })).isValid, true);
  await emulator.advance(1);
  const validated = await client.validateChallenge({ token });
  assert.deepEqual([validated.isValid, validated.state], [false, undefined]);
});
