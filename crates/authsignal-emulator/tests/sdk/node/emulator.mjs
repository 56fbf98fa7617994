// The emulator that a suite is run against: the official client of it, and its own control API.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Authsignal, AuthsignalError, UserActionState } from "@authsignal/node";

export const { AUTHSIGNAL_API_URL: apiUrl, AUTHSIGNAL_API_SECRET_KEY: apiSecretKey, EMULATOR_ORIGIN: origin } =
  process.env;

/** 2026-01-15T10:00:00Z, where the emulator's clock stands until a suite moves it. */
export const START = 1768471200;

/** Tries once. `retries.test.mjs` is about the rest, which the SDK switches on for the whole process. */
export const client = new Authsignal({ apiSecretKey, apiUrl, retries: 0 });

async function control(method, path, body) {
  const response = await fetch(`${origin}/emulator/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert(response.ok, `${method} /emulator/${path}: ${response.status} ${text}`);
  return text === "" ? undefined : JSON.parse(text);
}

const query = (parameters) => {
  const set = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return set.length === 0 ? "" : `?${new URLSearchParams(set)}`;
};

export const emulator = {
  /** What it would have sent, newest first. */
  messages: (filter = {}) => control("GET", `messages${query(filter)}`),
  /** The code in the newest message that fits. */
  code: async (filter) => {
    const [newest] = await emulator.messages(filter);
    assert(newest?.code, `a code was sent: ${JSON.stringify(filter)}`);
    return newest.code;
  },
  /** What every track of an action begins with from now on. */
  outcome: (action, outcome) => control("PUT", `outcomes/${action}`, { outcome }),
  /** Has the next calls of an endpoint fail. */
  fault: (endpoint, fault) => control("POST", "faults", { endpoint, ...fault }),
  requests: (endpoint) => control("GET", `requests${query({ endpoint })}`),
  forgetRequests: () => control("DELETE", "requests"),
  advance: (seconds) => control("POST", "clock", { advanceSeconds: seconds }),
  /** Tells it about a user, with methods that are enrolled as if they had been proved. */
  user: (userId, facts) => control("PUT", `users/${encodeURIComponent(userId)}`, facts),
  /** What a user does on the challenge page; tells where the browser goes, and the token that it brings. */
  succeed: (url) => control("POST", "challenge/succeed", { url }),
  quit: (url) => control("POST", "challenge/quit", { url }),
  decline: (url) => control("POST", "challenge/decline", { url }),
  webhooks: () => control("GET", "webhooks"),
};

/** A user whom nobody has used, enrolled for codes by e-mail. */
export async function enrolled() {
  const userId = randomUUID();
  await client.enrollVerifiedAuthenticator({
    userId,
    attributes: { verificationMethod: "EMAIL_OTP", email: `${userId}@example.com` },
  });
  return userId;
}

/** Tracks an action, does what is asked for, and gives the token that the browser comes back with. */
export async function proved(userId, action, attributes = {}) {
  const redirectUrl = "https://app.example.com/back?flow=1#top";
  const tracked = await client.track({ userId, action, attributes: { redirectUrl, ...attributes } });
  assert.equal(tracked.state, UserActionState.CHALLENGE_REQUIRED);
  const { token } = await emulator.succeed(tracked.url);
  return { tracked, token };
}

/** Waits for the error of a call, which has to be one of the SDK's own, and checks its parts. */
export async function fails(call, statusCode, errorCode, description) {
  const error = await call.then(
    (answer) => assert.fail(`this went well: ${JSON.stringify(answer)}`),
    (error) => error,
  );
  assert(error instanceof AuthsignalError, `${error.stack}`);
  assert.deepEqual([error.statusCode, error.errorCode], [statusCode, errorCode], error.message);
  if (description instanceof RegExp) {
    assert.match(error.errorDescription, description);
  } else if (description !== undefined) {
    assert.equal(error.errorDescription, description);
  }
  assert.equal(error.message, `AuthsignalError: ${statusCode} - ${error.errorDescription || errorCode}`);
  return error;
}

/** A time as the service writes it: ISO 8601 in UTC, with milliseconds. */
export function time(text) {
  assert.equal(new Date(text).toISOString(), text);
  return Date.parse(text) / 1000;
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
