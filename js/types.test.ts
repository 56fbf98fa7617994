// Compiled by test.sh, and never run: what callers may write, and what they may not.
import { stepUp, StepUpError, type Challenge, type Requirement, type Review } from "./step-up.js";

const plain: (input: string) => Promise<Response> = stepUp();
const way = stepUp(undefined, { open: "dialog" });
const own = stepUp((request: Request) => fetch(request), {
  open: async ({ url, expiresAt }: Challenge) => ({ token: `${url}${expiresAt.toFixed()}` }),
});
const none = stepUp(undefined, { open: async () => {} });
const waits = stepUp(undefined, { review: {} });
const told = stepUp(undefined, {
  review: { timeout: 60_000, onWait: ({ title, expiresAt }: Review) => void `${title}${expiresAt.toFixed()}` },
});
const asked: Requirement = await (await fetch("/pay/step-up")).json();
const left = asked.status === "approved" ? Date.parse(asked.until) - Date.now() : asked.status === "pending" ? 0 : undefined;
void left;
// @ts-expect-error There is no such way.
stepUp(undefined, { open: "tab" });
// @ts-expect-error How long it waits is a number.
stepUp(undefined, { review: { timeout: "1m" } });

try {
  await own(new URL("https://app.example.com/pay"), { method: "POST", body: "{}" });
  await plain("/pay");
  await way(new Request("/pay"));
  await none("/pay");
  await waits("/pay", { signal: AbortSignal.timeout(1_000) });
  await told("/pay");
} catch (error) {
  if (error instanceof StepUpError) {
    const outcome: "cancelled" | "failed" | "refused" | "undecided" = error.outcome;
    const problem: Promise<unknown> = error.response.json();
    void [outcome, problem];
  }
}
