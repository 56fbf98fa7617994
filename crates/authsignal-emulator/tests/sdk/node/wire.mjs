// Makes the calls that it is handed, each once, and says which methods the SDK has.
// Arguments: the address of a server, the secret key, and the calls as JSON: [[method, request], …].
import { Authsignal, CallConnect } from "@authsignal/node";

const [origin, apiSecretKey, calls] = process.argv.slice(2);
const clients = [
  new Authsignal({ apiSecretKey, apiUrl: `${origin}/v1`, retries: 0 }),
  new CallConnect({ apiSecretKey, apiUrl: origin, retries: 0 }),
];
const own = ["constructor", "getRequestConfig"];
const methods = new Map();
for (const client of clients) {
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(client))) {
    if (!own.includes(name)) {
      methods.set(name, client);
    }
  }
}

for (const [method, request] of JSON.parse(calls)) {
  await methods.get(method)[method](request);
}
console.log(JSON.stringify([...methods.keys()]));
