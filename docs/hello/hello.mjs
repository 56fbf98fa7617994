import { createServer } from "node:http";
import { Authsignal } from "@authsignal/node";

const { AUTHSIGNAL_API_SECRET_KEY: apiSecretKey, AUTHSIGNAL_API_URL: apiUrl } = process.env;
const authsignal = new Authsignal({ apiSecretKey, apiUrl });

const server = createServer(async (request, response) => {
  const here = new URL(request.url, `http://${request.headers.host}`);
  const token = here.searchParams.get("token");
  if (token) {
    const { isValid, userId } = await authsignal.validateChallenge({ token, action: "hello" });
    response.end(`Hello ${userId}! Confirmed: ${isValid}\n`);
  } else if (here.pathname === "/") {
    const attributes = { redirectUrl: here.href };
    const { url } = await authsignal.track({ userId: "ada", action: "hello", attributes });
    response.writeHead(303, { location: url }).end();
  } else {
    response.writeHead(404).end();
  }
});
server.listen(process.env.PORT ?? 3000, "127.0.0.1", () => console.log(`http://localhost:${server.address().port}/`));
