// Users, as @authsignal/node asks about them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { client, enrolled, fails } from "./emulator.mjs";

const ids = ({ users }) => users.map(({ userId }) => userId);

test("a user nobody knows is no error, and asking makes none", async () => {
  const userId = randomUUID();
  for (let times = 0; times < 2; times++) {
    const user = await client.getUser({ userId });
    assert.deepEqual([user.isEnrolled, user.emailVerified, user.phoneNumberVerified], [false, false, false]);
    assert.equal(user.email, undefined);
    assert.equal(user.custom, undefined);
  }
});

test("enrolled, updated, read, deleted, and read again", async () => {
  const userId = randomUUID();
  await client.enrollVerifiedAuthenticator({
    userId,
    attributes: { verificationMethod: "SMS", phoneNumber: "+64270000000" },
  });
  const before = await client.getUser({ userId });
  assert.equal(before.isEnrolled, true);
  assert.equal(before.email, undefined);
  assert.deepEqual(before.enrolledVerificationMethods, ["SMS"]);
  assert(before.allowedVerificationMethods.includes("SMS"));

  const attributes = {
    email: "ada@example.com",
    emailVerified: true,
    phoneNumber: "+64271234567",
    phoneNumberVerified: false,
    username: "ada@example.com",
    displayName: "Ada L.",
    custom: { tier: "gold", age: 36, staff: false },
    locale: "en-NZ",
  };
  const updated = await client.updateUser({ userId, attributes });
  for (const [name, value] of Object.entries(attributes)) {
    assert.deepEqual(updated[name], value, name);
  }
  const after = await client.getUser({ userId });
  for (const [name, value] of Object.entries(attributes)) {
    assert.deepEqual(after[name], value, name);
  }

  assert.equal(await client.deleteUser({ userId }), undefined);
  const deleted = await client.getUser({ userId });
  assert.equal(deleted.isEnrolled, false);
  assert.equal(deleted.email, undefined);
  await client.deleteUser({ userId });
});

test("an update makes a user, and leaves alone what it doesn't name", async () => {
  const userId = randomUUID();
  const first = await client.updateUser({ userId, attributes: { email: "first@example.com", displayName: "First" } });
  assert.deepEqual([first.email, first.displayName, first.emailVerified], ["first@example.com", "First", false]);
  const second = await client.updateUser({ userId, attributes: { displayName: "Second" } });
  assert.deepEqual([second.email, second.displayName], ["first@example.com", "Second"]);
  assert.equal((await client.getUser({ userId })).isEnrolled, false);
});

test("an address that is changed as verified is where codes go", async () => {
  const userId = await enrolled();
  await client.updateUser({ userId, attributes: { email: "moved@example.com", emailVerified: true } });
  const [authenticator] = await client.getAuthenticators({ userId });
  assert.equal(authenticator.email, "moved@example.com");
});

test("ids of all sorts", async () => {
  // What the SDK leaves as it is in a path and a server may still tell apart.
  for (const userId of ["auth0|6f1c", "ada@example.com", "a+b", "ünï", "with space", "a:b;c=d,e", "x".repeat(255)]) {
    const displayName = `The user ${userId}`;
    await client.updateUser({ userId, attributes: { displayName } });
    assert.equal((await client.getUser({ userId })).displayName, displayName, userId);
  }
});

test("a query by each of the attributes", async () => {
  const [userId, other] = [randomUUID(), randomUUID()];
  const attributes = { email: "q+1@example.com", phoneNumber: "+64279999999", username: "queried user" };
  await client.updateUser({ userId, attributes: { ...attributes, emailVerified: true } });
  await client.updateUser({ userId: other, attributes: { email: "other@example.com" } });
  for (const [name, value] of Object.entries(attributes)) {
    const found = await client.queryUsers({ [name]: value });
    assert.deepEqual(ids(found), [userId], name);
    assert.equal(found.lastEvaluatedUserId, undefined);
    const [user] = found.users;
    assert.deepEqual([user.email, user.phoneNumber, user.username], Object.values(attributes));
    assert.deepEqual([user.emailVerified, user.phoneNumberVerified], [true, false]);
  }
  assert.deepEqual(ids(await client.queryUsers({ ...attributes })), [userId]);
  assert.deepEqual(ids(await client.queryUsers({ email: "nobody@example.com" })), []);
  assert.deepEqual(ids(await client.queryUsers({ email: attributes.email, username: "somebody else" })), []);
});

test("a query in pages", async () => {
  const all = Array.from({ length: 5 }, () => randomUUID());
  for (const userId of all) {
    await client.updateUser({ userId, attributes: { email: "family@example.com" } });
  }
  const seen = [];
  let lastEvaluatedUserId;
  let pages = 0;
  do {
    const page = await client.queryUsers({ email: "family@example.com", limit: 2, lastEvaluatedUserId });
    assert(page.users.length <= 2);
    seen.push(...ids(page));
    ({ lastEvaluatedUserId } = page);
    pages += 1;
    assert(pages <= 4, "the pages end");
  } while (lastEvaluatedUserId);
  assert.deepEqual([...seen].sort(), [...all].sort());
});

test("a query for nothing is refused", async () => {
  await fails(client.queryUsers({}), 400, "invalid_request");
  await fails(client.queryUsers({ limit: 5 }), 400, "invalid_request");
  await fails(client.queryUsers({ email: "ada@example.com", limit: 101 }), 400, "invalid_request");
});

test("what is no attribute of a user is refused", async () => {
  const userId = randomUUID();
  for (const attributes of [{ email: 7 }, { emailVerified: "yes" }, { custom: { nested: { a: 1 } } }, { custom: [] }]) {
    await fails(client.updateUser({ userId, attributes }), 400, "invalid_request");
  }
  assert.equal((await client.getUser({ userId })).email, undefined);
});
