/** A challenge, as the problem document of a challenged request describes it. */
export interface Challenge {
  /** The challenge page. It holds a token: open it, and keep it out of logs. */
  url: string;
  /** The token for Authsignal's client SDKs. */
  token?: string;
  /** The action that is to be proved. */
  action: string;
  /** The attempt's key. */
  idempotencyKey: string;
  /** Until when the challenge waits, in Unix seconds. */
  expiresAt: number;
  /** The origin of the callback, whose page tells a popup's opener how it ended. */
  callbackOrigin: string;
}

/** A call that somebody has to look at first, as the problem document of its 202 describes it. */
export interface Review {
  /** What a person is told. */
  title: string;
  detail: string;
  /** The action that somebody looks at. */
  action: string;
  /** The attempt's key. */
  idempotencyKey: string;
  /** Until when it waits for them, in Unix seconds. */
  expiresAt: number;
}

/**
 * What the application's `AuthsignalLayer::requirement` answers to a page that asks before the click: a `fetch` with the very call,
 * one segment further down.
 */
export type Requirement =
  /** The call would go through by what was proved in this browser, until then (RFC 3339), or until it is used. */
  | { status: "approved"; until: string }
  /** It would be answered with the challenge that waits. */
  | { status: "pending" }
  /** It would be decided by Authsignal. */
  | { status: "unknown" };

/** What came of a challenge. Without an outcome, the repeated request finds out. */
export interface Proof {
  outcome?: "completed" | "cancelled" | "failed";
  /** The token of the proof, as `launch` of Authsignal's browser SDK gives it: it goes along with the repeated request. */
  token?: string;
}

export interface Options {
  /**
   * How a challenge is opened. Default: `"popup"`.
   *
   * - `"popup"`: a window beside the page; where browsers block it, the page is left as with `"page"`.
   * - `"dialog"`: a dialog in the page with the challenge in a frame; the page's policy needs `frame-src` for its host.
   * - `"page"`: the page is left for the challenge; the user comes back to it, and starts the call again.
   * - a function, for anything else: `({ url }) => authsignal.launch(url, { mode: "popup" })`.
   */
  open?: "popup" | "dialog" | "page" | ((challenge: Challenge) => Promise<Proof | undefined | void>);
  /**
   * Whether a call that somebody has to look at first (202 `UnderReview`) waits for them: it is sent again at the pace that its
   * answers name, until it goes through, which it does once. Its `signal` ends that. Default: the 202 is handed on.
   */
  review?: {
    /** How long a call waits at most, in milliseconds. Default: ten minutes. */
    timeout?: number;
    /** Is told once that a call waits, for the page to say so. */
    onWait?: (review: Review) => void;
  };
}

/** A challenge that was not proved, or a review that let nothing pass. */
export declare class StepUpError extends Error {
  /**
   * - `"cancelled"`: the user left the challenge, and may try again.
   * - `"failed"`: the challenge ended without a proof.
   * - `"refused"`: somebody has looked at the call, and refused it.
   * - `"undecided"`: nobody has decided in time; the same call, sent again, looks again.
   */
  readonly outcome: "cancelled" | "failed" | "refused" | "undecided";
  /** The last response; its body is a problem document (RFC 9457). */
  readonly response: Response;
}

/**
 * Makes a `fetch` that has challenges proved: it opens the challenge, waits, and repeats the request once, with the same
 * body. Calls at the same time wait behind one challenge and are repeated once it is over.
 *
 * Whatever is answered otherwise than with a challenge is handed on as it is; with `review`, a 202 `UnderReview` is waited for.
 *
 * @param send Sends a request. Default: the page's own `fetch`.
 * @throws StepUpError where the challenge was not proved, or the review let nothing pass.
 */
export declare function stepUp(
  send?: (request: Request) => Promise<Response>,
  options?: Options,
): (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;
