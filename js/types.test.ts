// Compiled by test.sh, and never run: what callers may write, and what they may not.
import { stepUp, StepUpError, type Challenge } from "./step-up.js";

const plain: (input: string) => Promise<Response> = stepUp();
const way = stepUp(undefined, { open: "dialog" });
const own = stepUp((request: Request) => fetch(request), {
  open: async ({ url, expiresAt }: Challenge) => ({ token: `${url}${expiresAt.toFixed()}` }),
});
const none = stepUp(undefined, { open: async () => {} });
// @ts-expect-error There is no such way.
stepUp(undefined, { open: "tab" });

try {
  await own(new URL("https://app.example.com/pay"), { method: "POST", body: "{}" });
  await plain("/pay");
  await way(new Request("/pay"));
  await none("/pay");
} catch (error) {
  if (error instanceof StepUpError) {
    const outcome: "cancelled" | "failed" = error.outcome;
    const problem: Promise<unknown> = error.response.json();
    void [outcome, problem];
  }
}
